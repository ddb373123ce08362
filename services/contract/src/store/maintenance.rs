//! Bodies of `/internal/**` of store: sagas for the operator, and what batch has done.
//!
//! Long work comes in chunks: an answer's `next` goes back as `after` until it is null. Repeating a chunk is harmless.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::{PaymentStatus, SagaView};
use crate::id::{OrderId, PaymentId, SagaId};
use crate::payment::Status;
use crate::word::word;

/// Paths of the internal routes. Those of sagas are for the operator, the others for batch, too.
pub mod path {
    use crate::id::SagaId;

    /// GET with `?state=&cursor=&size=` answers a [`super::SagaList`]. States are the words of
    /// [`crate::store::SagaState`] in any case; `stuck` also finds what has been tried ten times and more.
    pub const SAGAS: &str = "/internal/sagas";
    /// POST with `?limit=&dryRun=` answers [`super::ExpiredOrders`].
    pub const EXPIRE_ORDERS: &str = "/internal/maintenance/orders/expire";
    /// POST with `?day=&after=&limit=` answers [`super::ReconciledPayments`].
    pub const RECONCILE_PAYMENTS: &str = "/internal/maintenance/payments/reconcile";
    /// GET with `?day=` answers [`super::DayStatistics`].
    pub const STATISTICS: &str = "/internal/maintenance/statistics";

    /// POST takes a [`super::Intervention`] and answers the [`crate::store::SagaView`]: the next attempt is made now.
    pub fn retry(saga: SagaId) -> String {
        format!("{SAGAS}/{saga}/retry")
    }

    /// POST takes a [`super::Intervention`] and answers the [`crate::store::SagaView`]: what was done is undone.
    pub fn compensate(saga: SagaId) -> String {
        format!("{SAGAS}/{saga}/compensate")
    }

    /// POST takes a [`super::ResolveSaga`] and answers the [`crate::store::SagaView`]: booked as said, nobody is asked.
    pub fn resolve(saga: SagaId) -> String {
        format!("{SAGAS}/{saga}/resolve")
    }
}

/// Sagas, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SagaList {
    pub items: Vec<SagaView>,
    /// Passed back as `cursor`; null at the end.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// Why a person steps in. It stays in the order's history.
#[derive(Debug, Clone, Serialize, Deserialize, garde::Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Intervention {
    /// 1 to 500 characters.
    #[garde(custom(said))]
    pub reason: String,
}

word! {
    /// How a stuck saga ended at the provider, as a person has found out.
    Resolution { Completed = "COMPLETED", Compensated = "COMPENSATED" }
}

/// A person ends a saga that is stuck.
#[derive(Debug, Clone, Serialize, Deserialize, garde::Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResolveSaga {
    #[garde(skip)]
    pub r#as: Resolution,
    /// 1 to 500 characters.
    #[garde(custom(said))]
    pub reason: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "garde passes the context like this")]
fn said(reason: &str, _: &()) -> garde::Result {
    match reason.chars().count() {
        1..=500 if !reason.trim().is_empty() => Ok(()),
        _ => Err(garde::Error::new("length is not 1 to 500 characters")),
    }
}

/// What a sweep found and did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExpiredOrders {
    /// Nothing was changed.
    pub dry_run: bool,
    /// What was past its deadline when this began, the oldest first, up to the limit.
    pub overdue: Vec<OverdueSaga>,
    /// Sagas that were due, of whatever deadline, and nobody held.
    pub processed: u64,
    /// Of these, the ones that ended.
    pub finished: u64,
    /// Sagas that wait for a person.
    pub stuck: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OverdueSaga {
    pub id: SagaId,
    pub order_id: OrderId,
    #[serde(with = "crate::time::micros")]
    pub deadline: DateTime<Utc>,
}

/// What a chunk of a day's payments shows: first ours of that day as the provider has them, then what the provider
/// booked on it and we do not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReconciledPayments {
    pub day: NaiveDate,
    /// Payments and bookings that were looked at.
    pub processed: u64,
    /// Payments left out because their sagas go on.
    pub in_flight: u64,
    #[schema(required)]
    pub next: Option<String>,
    pub differences: Vec<Difference>,
}

word! {
    /// What two books disagree in.
    DifferenceKind {
        // The provider has it, we do not.
        MissingHere = "MISSING_HERE",
        // The other way round.
        MissingThere = "MISSING_THERE",
        Status = "STATUS", Amount = "AMOUNT",
    }
}

/// A payment that the two books disagree in. Every key is always present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    pub kind: DifferenceKind,
    pub payment_id: PaymentId,
    #[schema(required)]
    pub order_id: Option<OrderId>,
    #[schema(required)]
    pub ours: Option<OurBooks>,
    #[schema(required)]
    pub theirs: Option<TheirBooks>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OurBooks {
    pub status: PaymentStatus,
    pub amount: i64,
    pub refunded_amount: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TheirBooks {
    /// Null when only the movements of the day are known.
    #[schema(required)]
    pub status: Option<Status>,
    pub captured_amount: i64,
    pub refunded_amount: i64,
}

/// What happened on a day (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DayStatistics {
    pub day: NaiveDate,
    pub orders: OrderStatistics,
    /// By currency, in the order of their codes.
    pub sales: Vec<Sales>,
    /// Users who placed an order.
    pub active_users: i64,
    pub bookmarks: BookmarkStatistics,
}

/// How many orders came to be so on the day, whenever they were placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderStatistics {
    pub placed: i64,
    pub confirmed: i64,
    pub shipped: i64,
    pub delivered: i64,
    pub cancelled: i64,
    pub failed: i64,
    pub refunded: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sales {
    pub currency: String,
    /// Of the orders confirmed on the day, in minor units.
    pub confirmed_amount: i64,
    /// What went back on the day by refunds, in minor units.
    pub refunded_amount: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BookmarkStatistics {
    pub created: i64,
    pub deleted: i64,
}
