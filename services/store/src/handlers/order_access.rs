//! Who may see an order, and how one that something was begun for is answered.

use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use chassis::extract::CurrentUser;
use chassis::idempotency::{self, Answer, Key};
use chassis::{ApiError, context, db};
use contract::id::{OrderId, UserId};
use http::{StatusCode, header};
use sqlx::PgConnection;
use tokio::time::Instant;

use crate::error::Error;
use crate::repository::{order, order_list};
use crate::saga::{Begun, Settled};
use crate::state::AppState;

/// How long a caller waits for the end, at most: most payments are through in well under a second.
const WAIT: Duration = Duration::from_secs(3);
/// Of the request's time, kept for storing the answer.
const RESERVE: Duration = Duration::from_secs(1);

/// # Errors
/// 404 when there is no such order, 403 when it is somebody else's and the caller no administrator.
pub(super) async fn visible(db: &mut PgConnection, user: &CurrentUser, id: OrderId) -> Result<UserId, Error> {
    let owner = order_list::owner(db, id).await?.ok_or(Error::OrderNotFound)?;
    user.require_self_or_admin(owner)?;
    Ok(owner)
}

/// # Errors
/// 404 when there is no such order, 403 when it is somebody else's.
pub(super) async fn own(db: &mut PgConnection, user: &CurrentUser, id: OrderId) -> Result<(), Error> {
    let owner = order_list::owner(db, id).await?.ok_or(Error::OrderNotFound)?;
    if owner == user.id() { Ok(()) } else { Err(Error::NotYours) }
}

/// Where the order is found.
pub(super) fn location(order: OrderId) -> String {
    format!("/api/store/orders/{order}")
}

/// Waits for what has begun, and answers as its key is answered from now on: with its end, or with 202 while it
/// goes on.
pub(super) async fn settle(
    state: &AppState,
    key: &Key,
    begun: Begun,
    ended: StatusCode,
) -> Result<Response, Error> {
    let id = begun.order;
    let status = match state.sagas.settled(begun, patience()).await {
        Settled::Finished => ended,
        Settled::Running => StatusCode::ACCEPTED,
    };
    let mut tx = db::begin(&state.db).await?;
    if let Some(answer) = idempotency::answer(&mut tx, key).await? {
        return Ok(answer.into_response());
    }
    let answer = Answer::json(status, &order::view(&mut tx, id).await?)
        .map_err(ApiError::internal)?
        .header(&header::LOCATION, location(id));
    let answer = if idempotency::finish(&mut tx, key, &answer).await? {
        answer
    } else {
        // It has come to its end in this moment; or the key was purged, and then nobody asks again.
        idempotency::answer(&mut tx, key).await?.unwrap_or(answer)
    };
    tx.commit().await?;
    Ok(answer.into_response())
}

fn patience() -> Duration {
    let left = context::budget().map(|budget| budget.remaining(Instant::now()).unwrap_or_default());
    left.map_or(WAIT, |left| WAIT.min(left.saturating_sub(RESERVE)))
}
