//! The payment provider says that something happened to a payment. It is not believed: it is asked.

use axum::body::Bytes;
use axum::extract::State;
use chassis::db;
use contract::problem::Problem;
use http::{HeaderMap, StatusCode};
use serde_json::value::RawValue;
use tracing::debug;

use crate::error::Error;
use crate::payment::{NoticeError, Proof};
use crate::repository::webhook;
use crate::state::AppState;

/// The longest webhook, in bytes: an order of magnitude above what any provider sends.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;

/// Takes a webhook of the payment provider, proven by its signature. Duplicates and disorder are harmless.
#[utoipa::path(
    post,
    path = "/api/store/payments/webhook",
    tag = "payments",
    request_body(content = Object, description = "As the provider sends it", content_type = "application/json"),
    responses(
        (status = 204, description = "It is stored, perhaps since before, or about no payment of ours"),
        (status = 400, description = "E002: it is not what was agreed", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A002: it is not proven to be the provider's", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "E002", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn receive_webhook(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Error> {
    let notice = match state.payment.webhook(&headers, &body) {
        Ok(notice) => notice,
        Err(NoticeError::NotOurs) => return Ok(StatusCode::NO_CONTENT),
        Err(error) => return Err(error.into()),
    };
    let payload: &RawValue = serde_json::from_slice(&body).map_err(NoticeError::from)?;
    let provider = state.payment.name();
    let (event, payment) = (&notice.event_id, notice.payment);
    let mut tx = db::begin(&state.db).await?;
    // In the order in which sagas lock: themselves, then their payment.
    let awaited = state.sagas.payment_changed(&mut tx, payment).await?;
    // What nothing proves is worth a question about a payment that is under way, and no row of ours.
    let worthless = notice.proof == Proof::None && !awaited;
    if worthless || !webhook::store(&mut tx, provider, event, payment, payload).await? {
        debug!(payment.id = %payment, event.id = event, "a webhook of payment {payment} is of no use, or came before");
        return Ok(StatusCode::NO_CONTENT);
    }
    webhook::applied(&mut tx, provider, event).await?;
    tx.commit().await?;
    debug!(payment.id = %payment, event.id = event, awaited, "took a webhook of payment {payment}");
    if awaited {
        state.sagas.wake();
    }
    Ok(StatusCode::NO_CONTENT)
}
