//! Accounts that nobody uses any more, and what batch asks about a day.
//!
//! A listing comes in chunks: an answer's `next` goes back as `after` until it is null.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::id::UserId;
use crate::word::word;

/// GET with `?inactiveBefore=&withdrawnBefore=&after=&limit=` answers [`InactiveUsers`]; POST takes a
/// [`SettleUsers`] and answers [`SettledUsers`], with an `Idempotency-Key` the same ones whenever it is sent again.
pub const INACTIVE_USERS: &str = "/internal/maintenance/inactive-users";
/// GET with `?day=` answers a [`DayStatistics`].
pub const STATISTICS: &str = "/internal/maintenance/statistics";
/// As many users are settled at once.
pub const MOST_SETTLED: usize = 500;

word! {
    /// What is to become of an account. `DEACTIVATE` closes one that is open: its user may not log in. `PSEUDONYMISE`
    /// takes out of a closed one everything that says who it was.
    Settlement { Deactivate = "DEACTIVATE", Pseudonymise = "PSEUDONYMISE" }
}

/// Accounts of which something is to become: open ones that were not used, the longest first, then closed ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InactiveUsers {
    pub users: Vec<InactiveUser>,
    #[schema(required)]
    pub next: Option<String>,
    /// How many there are in all; with the first chunk only.
    #[schema(required)]
    pub total: Option<u64>,
}

/// An account as it was seen. Given back to be settled, it is settled only if it still is so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, garde::Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct InactiveUser {
    pub id: UserId,
    pub action: Settlement,
    /// Of an open account: when its user was last here, or signed up. Of a closed one: since when it is closed.
    #[serde(with = "crate::time::micros")]
    pub since: DateTime<Utc>,
    /// Of the profile.
    pub version: i64,
}

/// `POST /internal/maintenance/inactive-users`
#[derive(Debug, Clone, Serialize, Deserialize, garde::Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SettleUsers {
    /// 1 to 500, each once.
    #[garde(length(min = 1, max = MOST_SETTLED))]
    pub users: Vec<InactiveUser>,
}

word! {
    /// What became of it. `UNCHANGED`: it is not as it was seen any more, or is just being changed, or is that of an
    /// administrator, which is never closed by itself.
    SettlementOutcome { Applied = "APPLIED", Unchanged = "UNCHANGED" }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SettledUsers {
    pub deactivated: u64,
    pub pseudonymised: u64,
    pub unchanged: u64,
    /// In the order in which they were given.
    pub users: Vec<SettledUser>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SettledUser {
    pub id: UserId,
    pub outcome: SettlementOutcome,
}

/// What happened on a day (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DayStatistics {
    pub day: NaiveDate,
    pub sign_ups: i64,
    /// Closed on that day, and not opened again since.
    pub deactivated: i64,
    pub pseudonymised: i64,
    /// Who was last here on that day: fewer the later it is asked.
    pub last_seen: i64,
    /// As it is when it is asked.
    pub users: UserStatistics,
}

/// Accounts by their status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UserStatistics {
    pub active: i64,
    pub inactive: i64,
    pub suspended: i64,
}
