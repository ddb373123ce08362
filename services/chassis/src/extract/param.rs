//! Query strings and path parameters whose mistakes are problems like all others.

use axum::extract::{FromRequestParts, Path, Query};
use contract::code::ErrorCode;
use contract::text::Text;
use garde::Validate;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::json::check;
use crate::error::ApiError;

/// A query string, parsed and validated.
#[derive(Debug, Clone)]
pub struct ApiQuery<T>(pub T);

impl<S, T> FromRequestParts<S> for ApiQuery<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Validate<Context: Default>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(value) = Query::<T>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| malformed(&rejection.body_text()))?;
        check(&value)?;
        Ok(Self(value))
    }
}

/// Path parameters, percent-decoded and parsed.
#[derive(Debug, Clone)]
pub struct ApiPath<T>(pub T);

impl<S, T> FromRequestParts<S> for ApiPath<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(rejection) if rejection.status().is_server_error() => Err(ApiError::internal(rejection)),
            Err(rejection) => Err(malformed(&rejection.body_text())),
        }
    }
}

fn malformed(problem: &str) -> ApiError {
    ApiError::new(ErrorCode::BadRequest).text(Text::owned(
        format!("잘못된 요청입니다: {problem}"),
        format!("The request is not valid: {problem}"),
    ))
}
