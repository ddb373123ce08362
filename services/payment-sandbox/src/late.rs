//! Authorisations that are decided later. They are in nobody's books until then: a process that ends forgets them,
//! and whoever asks afterwards begins anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chassis::spawn::TaskSet;
use chrono::Utc;
use contract::id::PaymentId;
use contract::payment::{Authorise, Payment, Status, Webhook};
use tokio::time::sleep;
use tracing::debug;

use crate::domain::{Command, Refusal, reference};
use crate::error::Error;
use crate::ledger::Teller;
use crate::webhook::Manner;

/// Longer than a saga waits before it asks for the first time.
const DELAY: Duration = Duration::from_secs(2);
/// Undecided ones at the same time.
const AT_ONCE: usize = 10_000;

/// Cheap to clone; clones share the waiting ones.
#[derive(Clone)]
pub struct Late {
    waiting: Arc<Mutex<HashMap<PaymentId, Payment>>>,
    tasks: TaskSet,
}

impl Late {
    pub fn new(tasks: &TaskSet) -> Self {
        Self { waiting: Arc::default(), tasks: tasks.clone() }
    }

    /// One that is not decided yet.
    pub fn find(&self, id: PaymentId) -> Option<Payment> {
        self.waiting().get(&id).cloned()
    }

    /// Has it decided later, and answers with it as it is until then.
    ///
    /// # Errors
    /// When it waits already for another order or amount, or too many wait.
    pub(crate) fn decide(&self, id: PaymentId, body: &Authorise, teller: &Teller) -> Result<Payment, Error> {
        let payment = pending(id, body);
        let mut waiting = self.waiting();
        match waiting.get(&id) {
            Some(before) if *before == payment => return Ok(payment),
            Some(_) => return Err(Refusal::Other.into()),
            None if waiting.len() >= AT_ONCE => return Err(Error::Down),
            None => waiting.insert(id, payment.clone()),
        };
        drop(waiting);
        let old = Webhook {
            event_id: format!("evt_{}_pending", id.as_uuid().simple()),
            occurred_at: Utc::now(),
            payment: payment.clone(),
        };
        let (late, teller, command) = (self.clone(), teller.clone(), Command::authorise(body, None));
        self.tasks.spawn_until_drain("late", async move {
            sleep(DELAY).await;
            let booked = teller.book(id, command, Manner::WithOld(Box::new(old))).await;
            // Only now, so that it is always in one place or the other.
            late.waiting().remove(&id);
            if let Err(error) = booked {
                debug!(payment.id = %id, "nothing came of a payment that was decided late: {error}");
            }
        });
        Ok(payment)
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<PaymentId, Payment>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pending(id: PaymentId, body: &Authorise) -> Payment {
    Payment {
        id,
        reference: reference(id),
        order_id: Some(body.order_id),
        status: Status::Pending,
        amount: body.amount,
        currency: body.currency.clone(),
        captured_amount: 0,
        refunded_amount: 0,
        decline_code: None,
    }
}
