//! The ledger, for whoever compares it with their own books.

use axum::Json;
use axum::extract::State;
use chassis::extract::{ApiQuery, Callers, ServiceCaller};
use chrono::{DateTime, Utc};
use contract::claims::OPERATOR;
use contract::payment::Entry;
use contract::problem::Problem;
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::Error;
use crate::state::AppState;

/// Who may read it.
pub struct Auditors;

impl Callers for Auditors {
    const ALLOWED: &'static [&'static str] = &["store", "batch", OPERATOR];
}

/// Which part of it.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Number of the last entry that is known already.
    #[serde(default)]
    after: u64,
    /// No entries from before.
    from: Option<DateTime<Utc>>,
    /// 1 to 500 entries.
    #[serde(default = "default_limit")]
    #[garde(range(min = 1, max = 500))]
    limit: usize,
}

const fn default_limit() -> usize {
    100
}

/// What was booked, in order.
#[utoipa::path(
    get,
    path = "/v1/ledger",
    tag = "ledger",
    params(Page),
    responses(
        (status = 200, description = "The next entries, none at the end", body = [Entry]),
        (status = 400, description = "E002, E003", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn page(
    State(state): State<AppState>,
    _caller: ServiceCaller<Auditors>,
    ApiQuery(page): ApiQuery<Page>,
) -> Result<Json<Vec<Entry>>, Error> {
    Ok(Json(state.teller.page(page.after, page.from, page.limit).await?))
}
