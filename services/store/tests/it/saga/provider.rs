//! A payment provider over HTTP that keeps books and fails as it is told.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chassis::ApiError;
use contract::code::ErrorCode;
use contract::id::PaymentId;
use contract::payment::{Authorise, Cancel, Payment, Status};
use http::StatusCode;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Find,
    Authorise,
    Capture,
    Cancel,
}

/// How the provider fails, until it is told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 503, and nothing is done.
    Down,
    /// It is done, but the answer is a 500.
    Lost,
    /// 409, and nothing is done.
    Refused,
    /// The answer to an authorisation is 202: it is decided by [`FakeProvider::decide`].
    Undecided,
}

#[derive(Default)]
struct Books {
    payments: BTreeMap<PaymentId, Payment>,
    /// Keys of cancellations that were carried out.
    keys: Vec<(PaymentId, String)>,
    faults: HashMap<Op, Fault>,
    asked: HashMap<Op, u32>,
}

#[derive(Clone)]
struct Desk {
    books: Arc<Mutex<Books>>,
    /// What is asked is booked at once, but answered only while this says so.
    held: watch::Receiver<Option<Op>>,
}

pub(crate) struct FakeProvider {
    pub(crate) url: String,
    desk: Desk,
    hold: watch::Sender<Option<Op>>,
    serving: JoinHandle<()>,
}

impl FakeProvider {
    pub(crate) async fn start() -> Self {
        let (hold, answering) = watch::channel(None);
        let desk = Desk { books: Arc::default(), held: answering };
        let router = Router::new()
            .route("/v1/payments/{id}", get(find).put(authorise))
            .route("/v1/payments/{id}/capture", post(capture))
            .route("/v1/payments/{id}/cancel", post(cancel))
            .with_state(desk.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = Handle::current().spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, desk, hold, serving }
    }

    pub(crate) fn fail(&self, op: Op, fault: Fault) {
        self.desk.books().faults.insert(op, fault);
    }

    pub(crate) fn heal(&self) {
        self.desk.books().faults.clear();
    }

    /// Answers to `op` wait, although it is done, until [`Self::let_go`].
    pub(crate) fn hold(&self, op: Op) {
        self.hold.send_replace(Some(op));
    }

    pub(crate) fn let_go(&self) {
        self.hold.send_replace(None);
    }

    /// Decides what was left undecided.
    pub(crate) fn decide(&self, payment: PaymentId, status: Status) {
        self.desk.books().payments.get_mut(&payment).unwrap().status = status;
    }

    /// Changed by the provider's own people.
    pub(crate) fn settle_by_hand(&self, payment: PaymentId, status: Status) {
        let mut books = self.desk.books();
        let payment = books.payments.get_mut(&payment).unwrap();
        payment.status = status;
        payment.captured_amount = if status == Status::Captured { payment.amount } else { 0 };
    }

    pub(crate) fn asked(&self, op: Op) -> u32 {
        self.desk.books().asked.get(&op).copied().unwrap_or_default()
    }

    pub(crate) fn payments(&self) -> Vec<Payment> {
        self.desk.books().payments.values().cloned().collect()
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Desk {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what is asked unless told to fail, and answers when it may.
    async fn serve(&self, op: Op, act: impl FnOnce(&mut Books) -> Result<Payment, StatusCode>) -> Response {
        let (fault, done) = {
            let mut books = self.books();
            *books.asked.entry(op).or_default() += 1;
            let fault = books.faults.get(&op).copied();
            let done = match fault {
                Some(Fault::Down) => Err(StatusCode::SERVICE_UNAVAILABLE),
                Some(Fault::Refused) => Err(StatusCode::CONFLICT),
                Some(Fault::Lost | Fault::Undecided) | None => act(&mut books),
            };
            (fault, done)
        };
        let mut held = self.held.clone();
        let _ = held.wait_for(|held| *held != Some(op)).await;
        match (fault, done) {
            (Some(Fault::Lost), Ok(_)) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            (_, Ok(payment)) => Json(payment).into_response(),
            (_, Err(status)) => ApiError::new(ErrorCode::BadRequest).status(status).into_response(),
        }
    }
}

async fn find(State(desk): State<Desk>, Path(id): Path<PaymentId>) -> Response {
    desk.serve(Op::Find, |books| books.payments.get(&id).cloned().ok_or(StatusCode::NOT_FOUND)).await
}

async fn authorise(
    State(desk): State<Desk>,
    Path(id): Path<PaymentId>,
    Json(asked): Json<Authorise>,
) -> Response {
    desk.serve(Op::Authorise, |books| {
        let status = match (books.faults.get(&Op::Authorise), asked.token.as_str()) {
            (Some(Fault::Undecided), _) => Status::Pending,
            (_, "tok_approve") => Status::Authorised,
            _ => Status::Declined,
        };
        let decline_code = (status == Status::Declined).then(|| "CARD_DECLINED".to_owned());
        let payment = books.payments.entry(id).or_insert_with(|| Payment {
            id,
            reference: format!("ref-{id}"),
            order_id: Some(asked.order_id),
            status,
            amount: asked.amount,
            currency: asked.currency,
            captured_amount: 0,
            refunded_amount: 0,
            decline_code,
        });
        Ok(payment.clone())
    })
    .await
}

async fn capture(State(desk): State<Desk>, Path(id): Path<PaymentId>) -> Response {
    desk.serve(Op::Capture, |books| {
        let payment = books.payments.get_mut(&id).ok_or(StatusCode::NOT_FOUND)?;
        match payment.status {
            Status::Authorised => {
                payment.status = Status::Captured;
                payment.captured_amount = payment.amount;
            }
            Status::Captured | Status::PartiallyRefunded => {}
            Status::Pending | Status::Declined | Status::Cancelled => return Err(StatusCode::CONFLICT),
        }
        Ok(payment.clone())
    })
    .await
}

async fn cancel(State(desk): State<Desk>, Path(id): Path<PaymentId>, Json(asked): Json<Cancel>) -> Response {
    desk.serve(Op::Cancel, |books| {
        let known = books.keys.contains(&(id, asked.key.clone()));
        let payment = books.payments.entry(id).or_insert_with(|| closed(id));
        if !known {
            let left = payment.captured_amount - payment.refunded_amount;
            let back = asked.amount.unwrap_or(left);
            if back > left {
                return Err(StatusCode::CONFLICT);
            }
            payment.refunded_amount += back;
            let whole = payment.refunded_amount == payment.captured_amount;
            payment.status = if whole { Status::Cancelled } else { Status::PartiallyRefunded };
        }
        let payment = payment.clone();
        books.keys.push((id, asked.key));
        Ok(payment)
    })
    .await
}

/// An id that nobody can pay with any more.
fn closed(id: PaymentId) -> Payment {
    Payment {
        id,
        reference: format!("ref-{id}"),
        order_id: None,
        status: Status::Cancelled,
        amount: 0,
        currency: "KRW".to_owned(),
        captured_amount: 0,
        refunded_amount: 0,
        decline_code: None,
    }
}
