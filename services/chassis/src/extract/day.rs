//! The day that somebody wants to know about.

use axum::extract::FromRequestParts;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use contract::code::ErrorCode;
use garde::Validate;
use http::request::Parts;
use serde::Deserialize;
use utoipa::IntoParams;

use super::ApiQuery;
use crate::error::ApiError;

/// `?day=`, for the description of a route that takes a [`Day`].
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DayParam {
    /// `YYYY-MM-DD`, of UTC.
    #[garde(skip)]
    #[param(format = Date)]
    day: NaiveDate,
}

/// A day of UTC, which is a working day of Seoul from nine to nine. As an extractor it reads `?day=`, and 400 E002
/// answers what is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    pub day: NaiveDate,
    pub from: DateTime<Utc>,
    /// The first moment behind it.
    pub to: DateTime<Utc>,
}

impl Day {
    /// # Errors
    /// 400 E002 at the end of what a calendar reaches.
    pub fn new(day: NaiveDate) -> Result<Self, ApiError> {
        let next = day.succ_opt().ok_or(ApiError::new(ErrorCode::BadRequest))?;
        let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
        Ok(Self { day, from: midnight(day), to: midnight(next) })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Day {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let ApiQuery(DayParam { day }) = ApiQuery::from_request_parts(parts, state).await?;
        Self::new(day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_where_the_next_begins() {
        let day = Day::new(NaiveDate::from_ymd_opt(2024, 2, 28).unwrap()).unwrap();
        assert_eq!(day.from.to_rfc3339(), "2024-02-28T00:00:00+00:00");
        assert_eq!(day.to.to_rfc3339(), "2024-02-29T00:00:00+00:00");
        assert!(Day::new(NaiveDate::MAX).is_err());
    }
}
