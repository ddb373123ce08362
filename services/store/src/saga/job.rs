//! A saga in the hands of this process.

use chassis::trace::TraceContext;
use contract::id::{OrderId, SagaId, UserId};
use contract::store::{OrderItem, OrderSnapshot, OrderStatus, SagaState};

use super::point::{self, Point};
use crate::domain::saga::{Others, Overdue, Saga, Stage, Wish};
use crate::payment::Charge;
use crate::repository::saga::{Data, Loaded};

/// What it is about, and how far it has come as far as this process knows.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) id: SagaId,
    /// Tells this process's hold of it from any later one.
    pub(super) fence: i64,
    pub(super) attempt: i32,
    pub(super) stage: Stage,
    pub(super) asked: Asked,
    pub(super) others: Others,
    pub(super) overdue: Overdue,
    pub(super) wish: Wish,
    pub(super) status: OrderStatus,
    pub(super) data: Data,
    pub(super) user: UserId,
    pub(super) items: Vec<OrderItem>,
    pub(super) charge: Charge,
    pub(super) trace: TraceContext,
}

/// Whether the provider may have been asked before to do what the saga rests at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Never,
    Perhaps,
}

impl Job {
    /// None for a row that this code cannot go on with.
    pub(super) fn of(loaded: Loaded) -> Option<(Self, SagaState)> {
        let data = loaded.data.0;
        let stage = Stage::read(loaded.kind, loaded.step, data.failure)?;
        let job = Self {
            id: loaded.id,
            fence: loaded.fence,
            attempt: loaded.attempt,
            stage,
            asked: Asked::Perhaps,
            others: if loaded.preceded { Others::Running } else { Others::Ended },
            overdue: if loaded.overdue { Overdue::Yes } else { Overdue::No },
            wish: if loaded.cancel_requested_by.is_some() { Wish::Cancelled } else { Wish::Kept },
            status: loaded.status,
            user: loaded.user,
            items: loaded.items.0,
            charge: Charge {
                payment: loaded.payment,
                order: loaded.order,
                amount: loaded.amount,
                currency: loaded.currency,
                method: loaded.method,
                token: loaded.token.unwrap_or_default(),
                reference: loaded.reference,
            },
            data,
            trace: TraceContext::start(),
        };
        Some((job, loaded.state))
    }

    pub(super) const fn order(&self) -> OrderId {
        self.charge.order
    }

    pub(super) const fn saga(&self) -> Saga {
        Saga { stage: self.stage, order: self.status, wish: self.wish, overdue: self.overdue }
    }

    pub(super) fn snapshot(&self, status: OrderStatus, version: i64) -> OrderSnapshot {
        OrderSnapshot {
            id: self.order(),
            user_id: self.user,
            status,
            items: self.items.clone(),
            total_amount: self.charge.amount,
            currency: self.charge.currency.clone(),
            failure_code: None,
            version,
        }
    }

    pub(super) fn reached(&self, point: Point) {
        point::reached(self.stage.step(), point, self.id, self.order());
    }
}
