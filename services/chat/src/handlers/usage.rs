//! What a user has used of the language model.

use axum::Json;
use axum::extract::State;
use chassis::db;
use chassis::extract::CurrentUser;
use contract::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Error;
use crate::repository::usage_report;
use crate::state::AppState;

/// What a user may use; null is without limit.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    #[schema(required)]
    pub turns_per_day: Option<i64>,
    /// Prompts and answers together.
    #[schema(required)]
    pub tokens_per_month: Option<i64>,
}

/// Days and months are those of UTC. The built-in tutor uses nothing.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageView {
    /// `YYYY-MM`.
    month: String,
    turns_today: i64,
    turns_this_month: i64,
    prompt_tokens_this_month: i64,
    completion_tokens_this_month: i64,
    limits: Limits,
}

/// What the caller has used of the language model this month.
#[utoipa::path(
    get,
    path = "/api/chat/usage",
    tag = "usage",
    responses(
        (status = 200, description = "So far", body = UsageView),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn get_usage(State(state): State<AppState>, user: CurrentUser) -> Result<Json<UsageView>, Error> {
    let mut tx = db::begin(&state.db).await?;
    let sums = usage_report::this_month(&mut tx, user.id()).await?;
    tx.commit().await?;
    Ok(Json(UsageView {
        month: sums.month,
        turns_today: sums.turns_today,
        turns_this_month: sums.turns,
        prompt_tokens_this_month: sums.prompt_tokens,
        completion_tokens_this_month: sums.completion_tokens,
        limits: state.limits,
    }))
}
