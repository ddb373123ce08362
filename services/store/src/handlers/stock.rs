//! Deliveries, losses and counts, for administrators.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::extract::{Admin, ApiJson, ApiPath};
use chassis::idempotency::{self, Answer, Claim, IdempotencyKey};
use chassis::{ApiError, db};
use contract::id::ItemId;
use contract::problem::Problem;
use contract::store::Item;
use garde::Validate;
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use tracing::info;
use utoipa::ToSchema;

use super::item_view::tag;
use crate::domain::item::adjustment;
use crate::error::Error;
use crate::repository::item;
use crate::state::AppState;
use crate::stock_low;

/// How many pieces come in, or go.
#[derive(Debug, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Adjustment {
    /// At most 1,000,000 either way, and not 0.
    delta: i64,
    /// For the ledger: 1 to 500 characters.
    #[schema(max_length = 500)]
    reason: String,
}

/// Adds to what is available, or takes away of it, and writes down who did so and why. What is held or sold stays.
#[utoipa::path(
    post,
    path = "/api/store/items/{id}/stock",
    tag = "items",
    params(
        ("id" = ItemId, Path),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters; the same again gives the same answer, for 24 hours"),
    ),
    request_body = Adjustment,
    responses(
        (status = 200, description = "The item, with its ETag", body = Item, headers(("Idempotency-Replayed" = Option<String>))),
        (status = 400, description = "E002, E003", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "S001", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "S002: fewer are available", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "E002: the key was used for another request", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn adjust_stock(
    State(state): State<AppState>,
    Admin(admin): Admin,
    ApiPath(id): ApiPath<ItemId>,
    key: IdempotencyKey,
    ApiJson(body): ApiJson<Adjustment>,
) -> Result<Response, Error> {
    let (by, delta) = (admin.id(), body.delta);
    let reason = adjustment(delta, &body.reason).map_err(Error::Invalid)?;
    let mut tx = db::begin(&state.db).await?;
    let key = match key.claim(&mut tx, by, &body).await? {
        Claim::Fresh(key) => key,
        Claim::Replay(answer) => return Ok(answer.replayed()),
    };
    let record = item::find(&mut tx, id).await?.ok_or(Error::ItemNotFound)?;
    let available = item::adjust(&mut tx, id, delta, reason, by).await?.ok_or(Error::OutOfStock)?;
    if delta < 0 {
        stock_low::crossed(&mut tx, state.low_stock, [(id, -delta)]).await?;
    }
    let item = record.with_stock(available);
    let tag = tag(&item).to_str().map(str::to_owned).map_err(ApiError::internal)?;
    let answer = Answer::json(StatusCode::OK, &item).map_err(ApiError::internal)?.header(&header::ETAG, tag);
    idempotency::finish(&mut tx, &key, &answer).await?;
    tx.commit().await?;
    info!(admin.id = %by, item.id = %id, delta, available, "administrator {by} adjusted the stock of item {id}");
    Ok(answer.into_response())
}
