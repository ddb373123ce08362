//! What is done with an order that was placed: cancelled, refunded, shipped, delivered.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use chassis::db;
use chassis::extract::{Admin, ApiJson, ApiPath, CurrentUser};
use chassis::idempotency::{Claim, IdempotencyKey};
use contract::id::OrderId;
use contract::problem::Problem;
use contract::store::Order;
use garde::Validate;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tracing::info;
use utoipa::ToSchema;

use super::order_access::{own, settle};
use crate::error::Error;
use crate::repository::order;
use crate::saga::NewRefund;
use crate::state::AppState;

/// Cancels an order of the caller's that is not shipped. The money goes back, and the goods to the shelf.
#[utoipa::path(
    post,
    path = "/api/store/orders/{id}/cancel",
    tag = "orders",
    params(
        ("id" = OrderId, Path),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters"),
    ),
    responses(
        (status = 200, description = "It is cancelled", body = Order, headers(("Location" = String), ("Idempotency-Replayed" = Option<String>))),
        (status = 202, description = "It is being cancelled", body = Order, headers(("Location" = String))),
        (status = 400, description = "E002", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: somebody else's", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: no such order", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "S003: it is shipped, or over; E002 with `Retry-After`: the same request is still worked on", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "E002: the key was used for another order", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn cancel_order(
    State(state): State<AppState>,
    user: CurrentUser,
    key: IdempotencyKey,
    ApiPath(id): ApiPath<OrderId>,
) -> Result<Response, Error> {
    let mut tx = db::begin(&state.db).await?;
    own(&mut tx, &user, id).await?;
    let key = match key.claim(&mut tx, user.id(), &()).await? {
        Claim::Fresh(key) => key,
        Claim::Replay(answer) => return Ok(answer.replayed()),
    };
    let begun = state.sagas.cancel(&mut tx, id, user.id(), Some(key.clone())).await?;
    tx.commit().await?;
    settle(&state, &key, begun, StatusCode::OK).await
}

/// How much goes back, and why.
#[derive(Debug, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefundRequest {
    /// In minor units, above 0; absent is all that is left.
    #[garde(range(min = 1))]
    amount: Option<i64>,
    /// 1 to 500 characters.
    #[garde(length(chars, min = 1, max = 500))]
    reason: String,
}

/// Gives back what was paid for an order, or a part of it. The goods are not counted as back.
#[utoipa::path(
    post,
    path = "/api/store/orders/{id}/refund",
    tag = "orders",
    params(
        ("id" = OrderId, Path),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters"),
    ),
    request_body = RefundRequest,
    responses(
        (status = 200, description = "The money is back", body = Order, headers(("Location" = String), ("Idempotency-Replayed" = Option<String>))),
        (status = 202, description = "It goes on; ask for it where `Location` says", body = Order, headers(("Location" = String))),
        (status = 400, description = "E002, E003", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: no such order", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "S003: nothing was paid, or less than that is left; E002 with `Retry-After`: the same request is still worked on", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "E002: the key was used for another request", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn refund_order(
    State(state): State<AppState>,
    Admin(admin): Admin,
    key: IdempotencyKey,
    ApiPath(id): ApiPath<OrderId>,
    ApiJson(body): ApiJson<RefundRequest>,
) -> Result<Response, Error> {
    let by = admin.id();
    let mut tx = db::begin(&state.db).await?;
    let key = match key.claim(&mut tx, by, &body).await? {
        Claim::Fresh(key) => key,
        Claim::Replay(answer) => return Ok(answer.replayed()),
    };
    let new = NewRefund { amount: body.amount, reason: body.reason, by, answer: Some(key.clone()) };
    let (begun, refund) = state.sagas.refund(&mut tx, id, new).await?;
    tx.commit().await?;
    info!(
        admin.id = %by, order.id = %id, refund.id = %refund,
        "administrator {by} began the refund {refund} of order {id}"
    );
    settle(&state, &key, begun, StatusCode::OK).await
}

/// Says that a confirmed order was sent. It cannot be cancelled any more.
#[utoipa::path(
    post,
    path = "/api/store/orders/{id}/ship",
    tag = "orders",
    params(("id" = OrderId, Path)),
    responses(
        (status = 200, description = "The order as it is now", body = Order),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: no such order", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "S003: it is not confirmed, or being cancelled", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn ship_order(
    State(state): State<AppState>,
    Admin(admin): Admin,
    ApiPath(id): ApiPath<OrderId>,
) -> Result<Json<Order>, Error> {
    let mut tx = db::begin(&state.db).await?;
    state.sagas.ship(&mut tx, id, admin.id()).await?;
    let order = order::view(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(order))
}

/// Says that a shipped order has arrived.
#[utoipa::path(
    post,
    path = "/api/store/orders/{id}/deliver",
    tag = "orders",
    params(("id" = OrderId, Path)),
    responses(
        (status = 200, description = "The order as it is now", body = Order),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: no such order", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "S003: it is not shipped", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn deliver_order(
    State(state): State<AppState>,
    Admin(admin): Admin,
    ApiPath(id): ApiPath<OrderId>,
) -> Result<Json<Order>, Error> {
    let mut tx = db::begin(&state.db).await?;
    state.sagas.deliver(&mut tx, id, admin.id()).await?;
    let order = order::view(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(order))
}
