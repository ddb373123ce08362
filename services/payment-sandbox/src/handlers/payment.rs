//! One payment: authorised, captured, cancelled, asked for.

use std::io;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use chassis::extract::{ApiJson, ApiPath, Callers, ServiceCaller};
use contract::claims::OPERATOR;
use contract::id::PaymentId;
use contract::payment::{Authorise, Cancel, Capture, Payment, Status};
use contract::problem::Problem;
use futures_util::stream;
use http::StatusCode;
use tokio::time::sleep;

use crate::domain::{Behaviour, Command, Refusal};
use crate::error::Error;
use crate::ledger::{Receipt, TellerError};
use crate::state::AppState;
use crate::webhook::Manner;

/// Longer than store waits for an answer.
const SLOW: Duration = Duration::from_secs(5);

/// Who may move money.
pub struct Payers;

impl Callers for Payers {
    const ALLOWED: &'static [&'static str] = &["store", OPERATOR];
}

/// Holds an amount, or says no. The token decides which.
#[utoipa::path(
    put,
    path = "/v1/payments/{id}",
    tag = "payments",
    params(("id" = PaymentId, Path, description = "Chosen by the caller")),
    request_body = Authorise,
    responses(
        (status = 200, description = "The payment as it is now, also if it is declined or its id was closed", body = Payment),
        (status = 202, description = "The payment, not decided yet", body = Payment),
        (status = 400, description = "E002, E003", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "S003: the id belongs to another payment", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "G002: nothing was booked", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn authorise(
    State(state): State<AppState>,
    _caller: ServiceCaller<Payers>,
    ApiPath(id): ApiPath<PaymentId>,
    ApiJson(body): ApiJson<Authorise>,
) -> Result<Response, Error> {
    let behaviour = Behaviour::of(&body.token);
    match behaviour {
        Behaviour::Down => return Err(Error::Down),
        Behaviour::DecideLate if state.teller.find(id).await?.is_none() => {
            return Ok(answer(state.late.decide(id, &body, &state.teller)?));
        }
        Behaviour::DecideLate
        | Behaviour::Approve
        | Behaviour::Decline { .. }
        | Behaviour::Slow
        | Behaviour::LoseAnswer
        | Behaviour::RepeatWebhook => {}
    }
    let manner = if behaviour == Behaviour::RepeatWebhook { Manner::Thrice } else { Manner::Once };
    let command = Command::authorise(&body, behaviour.decline_code());
    let Receipt { payment, entry } = state.teller.book(id, command, manner).await?;
    // Whoever asks again gets an answer.
    if entry.is_some() {
        match behaviour {
            Behaviour::Slow => sleep(SLOW).await,
            Behaviour::LoseAnswer => return Ok(broken()),
            Behaviour::Approve
            | Behaviour::Decline { .. }
            | Behaviour::RepeatWebhook
            | Behaviour::DecideLate
            | Behaviour::Down => {}
        }
    }
    Ok(answer(payment))
}

/// Takes what is held.
#[utoipa::path(
    post,
    path = "/v1/payments/{id}/capture",
    tag = "payments",
    params(("id" = PaymentId, Path)),
    request_body = Capture,
    responses(
        (status = 200, description = "The payment as it is now", body = Payment),
        (status = 202, description = "The payment, not decided yet: nothing was taken", body = Payment),
        (status = 404, description = "E002", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "S003, S004: it was cancelled or declined", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "G002: nothing was booked", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn capture(
    State(state): State<AppState>,
    _caller: ServiceCaller<Payers>,
    ApiPath(id): ApiPath<PaymentId>,
    ApiJson(Capture {}): ApiJson<Capture>,
) -> Result<Response, Error> {
    match state.teller.book(id, Command::Capture, Manner::Once).await {
        Ok(receipt) => Ok(answer(receipt.payment)),
        Err(TellerError::Refused(Refusal::Unknown)) => {
            state.late.find(id).map(answer).ok_or(Refusal::Unknown.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Gives back what is held or was taken, or closes an id that was never paid with.
#[utoipa::path(
    post,
    path = "/v1/payments/{id}/cancel",
    tag = "payments",
    params(("id" = PaymentId, Path)),
    request_body = Cancel,
    responses(
        (status = 200, description = "The payment as it is now", body = Payment),
        (status = 400, description = "E002, E003", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "S003: more than is left, or the key was used for another amount", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "G002: nothing was booked", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn cancel(
    State(state): State<AppState>,
    _caller: ServiceCaller<Payers>,
    ApiPath(id): ApiPath<PaymentId>,
    ApiJson(body): ApiJson<Cancel>,
) -> Result<Response, Error> {
    let command = Command::Cancel { key: body.key, amount: body.amount };
    let receipt = state.teller.book(id, command, Manner::Once).await?;
    Ok(answer(receipt.payment))
}

/// What became of a payment.
#[utoipa::path(
    get,
    path = "/v1/payments/{id}",
    tag = "payments",
    params(("id" = PaymentId, Path)),
    responses(
        (status = 200, description = "The payment", body = Payment),
        (status = 404, description = "E002: it never arrived", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn get(
    State(state): State<AppState>,
    _caller: ServiceCaller<Payers>,
    ApiPath(id): ApiPath<PaymentId>,
) -> Result<Json<Payment>, Error> {
    // In this order: one that is being decided is put into the books first.
    let waiting = state.late.find(id);
    let booked = state.teller.find(id).await?;
    booked.or(waiting).map(Json).ok_or(Refusal::Unknown.into())
}

fn answer(payment: Payment) -> Response {
    let status = if payment.status == Status::Pending { StatusCode::ACCEPTED } else { StatusCode::OK };
    (status, Json(payment)).into_response()
}

/// Begins, and ends in the middle.
fn broken() -> Response {
    let cut = io::Error::new(io::ErrorKind::ConnectionAborted, "the answer is lost on purpose");
    Response::new(Body::from_stream(stream::iter([Err::<Bytes, _>(cut)])))
}
