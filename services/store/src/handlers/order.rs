//! Placing orders, and reading them.

use std::collections::HashSet;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use chassis::db;
use chassis::extract::{ApiJson, ApiPath, ApiQuery, CurrentUser};
use chassis::idempotency::{Claim, IdempotencyKey, Key};
use contract::id::{ItemId, OrderId, PaymentId, UserId};
use contract::problem::Problem;
use contract::response::{CursorPage, MAX_PAGE_SIZE};
use contract::store::{Order, OrderChange, OrderStatus};
use garde::Validate;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::keyset::{self, Keyset};
use super::order_access::{settle, visible};
use crate::error::Error;
use crate::repository::order_list::{self, Choice};
use crate::repository::{order, order_history};
use crate::saga::{Line, NewOrder};
use crate::state::AppState;

const PAGE_SIZE: u32 = 20;

/// What to buy, and how it is paid for.
#[derive(Debug, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderRequest {
    /// 1 to 50, no item twice, all in one currency.
    #[garde(length(min = 1, max = 50), custom(distinct), dive)]
    items: Vec<OrderLine>,
    #[garde(dive)]
    payment: PaymentRequest,
}

#[derive(Debug, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderLine {
    #[garde(skip)]
    item_id: ItemId,
    /// 1 to 1000.
    #[garde(range(min = 1, max = 1000))]
    quantity: i32,
}

#[derive(Debug, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PaymentRequest {
    /// E.g. `card`; 1 to 50 characters.
    #[garde(length(chars, min = 1, max = 50))]
    method: String,
    /// The payment provider's token for the means of payment; 1 to 200 characters.
    #[garde(length(chars, min = 1, max = 200))]
    token: String,
    /// What the payment shall be called, where the provider was told of it before there is an order; else store
    /// chooses. Never the id of another payment.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<PaymentId>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "garde passes the context like this")]
fn distinct(lines: &[OrderLine], (): &()) -> garde::Result {
    let mut seen = HashSet::new();
    if lines.iter().all(|line| seen.insert(line.item_id)) {
        Ok(())
    } else {
        Err(garde::Error::new("an item stands there twice"))
    }
}

impl OrderRequest {
    fn order(self, user: UserId, answer: Key) -> NewOrder {
        let lines = self.items.iter();
        NewOrder {
            user,
            lines: lines.map(|line| Line { item: line.item_id, quantity: line.quantity }).collect(),
            method: self.payment.method,
            token: self.payment.token,
            payment: self.payment.id,
            answer: Some(answer),
        }
    }
}

/// Places an order: takes the goods off the shelf, has them paid for, and sells them. An order that comes to nothing,
/// e.g. because the payment is declined, is answered when all of it is undone.
#[utoipa::path(
    post,
    path = "/api/store/orders",
    tag = "orders",
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters; the same again gives the same answer, for 24 hours")),
    request_body = OrderRequest,
    responses(
        (status = 201, description = "It has come to its end, or failed: see `status` and `failureCode`", body = Order, headers(("Location" = String), ("Idempotency-Replayed" = Option<String>))),
        (status = 202, description = "It goes on; ask for it where `Location` says", body = Order, headers(("Location" = String))),
        (status = 400, description = "E002, E003: fields, currencies, an unusable key", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "S001: an item is not for sale", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "E002: the same request is still worked on, or another order has that payment", body = Problem, content_type = "application/problem+json", headers(("Retry-After" = u64))),
        (status = 422, description = "E002: the key was used for another request", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn place_order(
    State(state): State<AppState>,
    user: CurrentUser,
    key: IdempotencyKey,
    ApiJson(body): ApiJson<OrderRequest>,
) -> Result<Response, Error> {
    let mut tx = db::begin(&state.db).await?;
    let key = match key.claim(&mut tx, user.id(), &body).await? {
        Claim::Fresh(key) => key,
        Claim::Replay(answer) => return Ok(answer.replayed()),
    };
    let begun = state.sagas.place(&mut tx, body.order(user.id(), key.clone())).await?;
    tx.commit().await?;
    settle(&state, &key, begun, StatusCode::CREATED).await
}

/// Which orders.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    status: Option<OrderStatus>,
    /// Whose; an administrator may ask for anybody's, and without it for everybody's.
    user_id: Option<UserId>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// At most 100; 20 unless said otherwise.
    size: Option<u32>,
}

/// The caller's orders, the newest first.
#[utoipa::path(
    get,
    path = "/api/store/orders",
    tag = "orders",
    params(ListQuery),
    responses(
        (status = 200, description = "A page", body = CursorPage<Order>),
        (status = 400, description = "E002, E003: the cursor is none", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: somebody else's", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn list_orders(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<CursorPage<Order>>, Error> {
    if let Some(wanted) = query.user_id {
        user.require_self_or_admin(wanted)?;
    }
    let whose = if user.is_admin() { query.user_id } else { Some(user.id()) };
    let cursor = query.cursor.as_deref().map(str::parse::<Keyset>).transpose();
    let before = cursor.map_err(|()| keyset::wrong("cursor"))?.map(|place| (place.at, place.id));
    let size = query.size.unwrap_or(PAGE_SIZE).clamp(1, MAX_PAGE_SIZE);
    let choice = Choice { user: whose, status: query.status, before, limit: i64::from(size) + 1 };
    let mut tx = db::begin(&state.db).await?;
    let mut content = order_list::page(&mut tx, &choice).await?;
    tx.commit().await?;
    let more = content.len() > size as usize;
    content.truncate(size as usize);
    let last = content.last().filter(|_| more);
    let next_cursor = last.map(|order| Keyset { at: order.created_at, id: order.id.as_uuid() }.to_string());
    Ok(Json(CursorPage { content, next_cursor }))
}

/// One order.
#[utoipa::path(
    get,
    path = "/api/store/orders/{id}",
    tag = "orders",
    params(("id" = OrderId, Path)),
    responses(
        (status = 200, description = "The order", body = Order),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: somebody else's", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: no such order", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn get_order(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiPath(id): ApiPath<OrderId>,
) -> Result<Json<Order>, Error> {
    let mut tx = db::begin(&state.db).await?;
    visible(&mut tx, &user, id).await?;
    let order = order::view(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(order))
}

/// Everything that happened to an order, in order.
#[utoipa::path(
    get,
    path = "/api/store/orders/{id}/history",
    tag = "orders",
    params(("id" = OrderId, Path)),
    responses(
        (status = 200, description = "Its changes", body = Vec<OrderChange>),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: somebody else's", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: no such order", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn get_order_history(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiPath(id): ApiPath<OrderId>,
) -> Result<Json<Vec<OrderChange>>, Error> {
    let mut tx = db::begin(&state.db).await?;
    visible(&mut tx, &user, id).await?;
    let mut changes = order_history::list(&mut tx, id).await?;
    tx.commit().await?;
    if !user.is_admin() {
        // What others write about an order is not for its owner.
        for change in changes.iter_mut().filter(|change| change.actor_id != Some(user.id())) {
            change.actor_id = None;
            change.reason = None;
        }
    }
    Ok(Json(changes))
}
