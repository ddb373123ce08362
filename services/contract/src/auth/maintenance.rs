//! What batch does to old tokens and asks about a day.
//!
//! Long work comes in chunks: an answer's `next` goes back as `after` until it is null. With an `Idempotency-Key` a
//! chunk that is sent again is answered again and nothing more is done; without one, repeating it is harmless.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{SessionId, UserId};

/// POST with `?limit=&after=&dryRun=` takes a [`PurgeTokens`] and answers a [`PurgedTokens`].
pub const PURGE: &str = "/internal/maintenance/tokens/purge";
/// GET with `?day=` answers a [`DayStatistics`].
pub const STATISTICS: &str = "/internal/maintenance/statistics";

/// `POST /internal/maintenance/tokens/purge`. No time is in the future.
#[derive(Debug, Clone, Serialize, Deserialize, garde::Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PurgeTokens {
    /// Sessions that ended or expired before this go with their tokens, and so do the tokens of other sessions that
    /// expired before. A token that was stolen and comes up later than that is refused like any unknown one, and ends
    /// its session no more.
    #[garde(skip)]
    #[serde(with = "crate::time::micros")]
    pub expired_before: DateTime<Utc>,
    /// Entries of the security trail from before this go, too; none do without it.
    #[garde(skip)]
    #[serde(default, with = "crate::time::micros_option", skip_serializing_if = "Option::is_none")]
    pub audit_before: Option<DateTime<Utc>>,
}

/// What a chunk of a purge has removed; of a dry run, what it would.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PurgedTokens {
    pub dry_run: bool,
    /// Sessions, tokens of other sessions, buckets and entries. It may be none although there are more: `next` says so.
    pub processed: u64,
    pub sessions: u64,
    /// With those of the sessions.
    pub tokens: u64,
    /// Buckets of failed logins that have run empty.
    pub buckets: u64,
    /// Entries of the security trail.
    pub audit: u64,
    #[schema(required)]
    pub next: Option<String>,
    /// The sessions, the oldest first; of a dry run only, so that what is kept of an answer is small.
    pub expired: Vec<ExpiredSession>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExpiredSession {
    pub id: SessionId,
    pub user_id: UserId,
    /// When it ended or expired, whichever was first.
    #[serde(with = "crate::time::micros")]
    pub over_at: DateTime<Utc>,
    pub tokens: i64,
}

/// What happened on a day (UTC), as far as it has not been purged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DayStatistics {
    pub day: NaiveDate,
    pub logins: LoginStatistics,
    pub sessions: SessionStatistics,
    /// Users who logged in, or whose session was last used on that day: fewer the later it is asked.
    pub active_users: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LoginStatistics {
    pub succeeded: i64,
    /// Unknown address or wrong password.
    pub failed: i64,
    /// The password was right, the account is inactive or suspended.
    pub refused: i64,
    /// Answered 429.
    pub throttled: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionStatistics {
    /// A login begins one.
    pub begun: i64,
    /// By a logout.
    pub logged_out: i64,
    /// By a refresh token that was used again.
    pub reused: i64,
    /// Because the user was suspended or has left, or by any other decision.
    pub revoked: i64,
    /// Not used for too long.
    pub expired: i64,
}
