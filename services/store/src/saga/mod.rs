//! Sagas: what brings an order, its cancellation or a refund to its end, whichever process dies on the way.
//!
//! A saga is a row. It rests where the payment provider must be asked, and every move to the next rest is one
//! transaction: with what it does to order, payment and stock, its events, and the fence that keeps a process out
//! that was paused while another took over. What happens next is decided by [`crate::domain::saga`], without IO.

mod ask;
mod change;
mod job;
mod person;
mod place;
mod point;
mod runner;
mod write;

use std::sync::Arc;
use std::time::Duration;

use chassis::Platform;
use chassis::idempotency::Key;
use contract::id::{OrderId, PaymentId, RefundId, SagaId, UserId};
use sqlx::{PgConnection, PgPool};

pub use change::NewRefund;
pub use person::HOPELESS;
pub use place::{Line, NewOrder};

pub use crate::domain::saga::Resolution;
use crate::error::Error;
use crate::payment::Provider;
use crate::stock_low::Threshold;

/// How patient sagas are.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// `DORAN_STORE_ORDER_SECS`, 60 unless set: an order that is not paid for by then fails.
    pub deadline: Duration,
    /// How long a saga stays with a process that says nothing.
    pub lease: Duration,
    /// Between two looks for what is due, unless something is known to be due earlier.
    pub poll: Duration,
    /// The pause after the first attempt that came to nothing, doubled after each.
    pub backoff: Duration,
    /// Where an order makes an item scarce, that is told.
    pub low_stock: Threshold,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            deadline: Duration::from_mins(1),
            lease: Duration::from_secs(15),
            poll: Duration::from_millis(500),
            backoff: Duration::from_millis(100),
            low_stock: Threshold(0),
        }
    }
}

/// Something has begun, once the caller's transaction is committed. Hand it to [`Sagas::settled`] then.
#[must_use = "what has begun goes on at once only if somebody asks for its end"]
#[derive(Debug)]
pub struct Begun {
    pub order: OrderId,
    /// None: it has ended already, e.g. because there was too little in stock.
    pub saga: Option<SagaId>,
    /// What is known of the saga that this process holds the lease of.
    job: Option<Box<job::Job>>,
}

/// How far a saga has come when waiting for it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It has ended; the idempotency key's answer is stored.
    Finished,
    /// It goes on, here or elsewhere, or waits for a person.
    Running,
}

/// What one sweep has found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Sagas that were due and that nobody held.
    pub taken: u32,
    /// Of these, the ones that ended.
    pub finished: u32,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Sagas {
    inner: Arc<runner::Inner>,
}

impl Sagas {
    /// Starts what takes up the sagas that are due.
    pub fn start(platform: &Platform, db: &PgPool, provider: Provider, settings: Settings) -> Self {
        Self { inner: runner::start(platform, db, provider, settings) }
    }

    /// Places an order, in the caller's transaction: holds the stock, and owes the rest. Too little stock is an
    /// order that has failed, not an error.
    ///
    /// # Errors
    /// `ItemNotFound` for an item that is not for sale; a violation for items of different currencies.
    pub async fn place(&self, tx: &mut PgConnection, new: NewOrder) -> Result<Begun, Error> {
        place::place(&self.inner, tx, new).await
    }

    /// Cancels an order of the user's that is not shipped, in the caller's transaction: money goes back, and the
    /// stock. One that is being cancelled already goes on being so.
    ///
    /// # Errors
    /// `OrderNotFound` for none or somebody else's, `OrderState` when it cannot be cancelled any more.
    pub async fn cancel(
        &self,
        tx: &mut PgConnection,
        order: OrderId,
        by: UserId,
        answer: Option<Key>,
    ) -> Result<Begun, Error> {
        change::cancel(&self.inner, tx, order, by, answer).await
    }

    /// Gives money back, in the caller's transaction. The stock stays as it is.
    ///
    /// # Errors
    /// `OrderNotFound`, or `OrderState` when there is no money or less than that to give back.
    pub async fn refund(
        &self,
        tx: &mut PgConnection,
        order: OrderId,
        new: NewRefund,
    ) -> Result<(Begun, RefundId), Error> {
        change::refund(&self.inner, tx, order, new).await
    }

    /// # Errors
    /// `OrderNotFound`, or `OrderState` unless it is confirmed and not being cancelled.
    pub async fn ship(&self, tx: &mut PgConnection, order: OrderId, by: UserId) -> Result<(), Error> {
        change::ship(tx, order, by).await
    }

    /// # Errors
    /// `OrderNotFound`, or `OrderState` unless it is shipped.
    pub async fn deliver(&self, tx: &mut PgConnection, order: OrderId, by: UserId) -> Result<(), Error> {
        change::deliver(tx, order, by).await
    }

    /// Drives it in a task of its own, which survives the caller, and waits for its end at most for so long. To be
    /// called after the commit.
    pub async fn settled(&self, begun: Begun, wait: Duration) -> Settled {
        runner::settled(&self.inner, begun, wait).await
    }

    /// The provider has said that something happened to the payment: its saga asks what, as soon as the caller's
    /// transaction is committed and [`Self::wake`] called. False when no saga cares.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn payment_changed(&self, tx: &mut PgConnection, payment: PaymentId) -> Result<bool, Error> {
        change::payment_changed(tx, payment).await
    }

    /// Looks at once for what is due.
    pub fn wake(&self) {
        self.inner.wake();
    }

    /// A person wants it tried again, now. Without `by` it is the operator; the order's history knows of it.
    ///
    /// # Errors
    /// `SagaNotFound`, or `OrderState` when it has ended.
    pub async fn retry(&self, saga: SagaId, by: Option<UserId>, reason: &str) -> Result<(), Error> {
        person::retry(&self.inner, saga, by, reason).await
    }

    /// A person wants it undone: an order fails and its money goes back, a refund that the provider refused is given
    /// up.
    ///
    /// # Errors
    /// `SagaNotFound`, or `OrderState` when it has ended or cannot be undone.
    pub async fn compensate(&self, saga: SagaId, by: Option<UserId>, reason: &str) -> Result<(), Error> {
        person::compensate(&self.inner, saga, by, reason).await
    }

    /// A person has looked and says how it ended at the provider: that is booked here, without asking. Only for
    /// what is stuck.
    ///
    /// # Errors
    /// `SagaNotFound`, or `OrderState` when it is not stuck.
    pub async fn resolve(
        &self,
        saga: SagaId,
        how: Resolution,
        by: Option<UserId>,
        reason: &str,
    ) -> Result<(), Error> {
        person::resolve(&self.inner, saga, how, by, reason).await
    }

    /// Takes up to `limit` sagas that are due, and drives each to its next rest.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep(&self, limit: u32) -> Result<Swept, Error> {
        runner::sweep(&self.inner, limit).await
    }
}
