//! Sagas as administrators and the operator see them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{OrderId, SagaId};
use crate::word::word;

word! {
    /// What a saga brings about.
    SagaKind { Place = "PLACE", Cancel = "CANCEL", Refund = "REFUND" }
}

word! {
    /// What a saga does next. `HOLD`, `CONFIRM`, `COMMIT` and `RELEASE` need the database alone and are done in the
    /// transaction of the step before; a saga rests at those that ask the provider, and at `DONE`.
    SagaStep {
        Hold = "HOLD", Authorise = "AUTHORISE", Confirm = "CONFIRM", Capture = "CAPTURE", Commit = "COMMIT",
        // Gives back what may have been paid: the authorisation, or the money.
        Void = "VOID", Release = "RELEASE",
        // Sends a part of the money back, or all of it.
        Refund = "REFUND",
        Done = "DONE",
    }
}

word! {
    /// `STUCK` waits for a person; `RESOLVED` was ended by one.
    SagaState {
        Running = "RUNNING", Compensating = "COMPENSATING", Stuck = "STUCK", Completed = "COMPLETED",
        Compensated = "COMPENSATED", Resolved = "RESOLVED",
    }
}

/// A saga. Every key is always present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SagaView {
    pub id: SagaId,
    pub order_id: OrderId,
    pub kind: SagaKind,
    pub step: SagaStep,
    pub state: SagaState,
    /// Attempts at this step that came to nothing.
    pub attempt: i32,
    /// When the next attempt is due.
    #[serde(with = "crate::time::micros")]
    pub next_at: DateTime<Utc>,
    #[serde(with = "crate::time::micros")]
    pub deadline: DateTime<Utc>,
    #[schema(required)]
    pub last_error: Option<String>,
    /// What the person said who ended it.
    #[schema(required)]
    pub resolution: Option<String>,
    #[serde(with = "crate::time::micros")]
    pub created_at: DateTime<Utc>,
    #[serde(with = "crate::time::micros")]
    pub updated_at: DateTime<Utc>,
}
