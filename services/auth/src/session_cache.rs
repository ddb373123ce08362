//! Sessions as most requests need them: whether one still runs, and what auth knows of its user. Read through
//! Redis; `auth_db` is the truth.

use std::sync::Arc;
use std::time::Duration;

use chassis::cache::{Cache, Versioned};
use chassis::{ApiError, Platform, db};
use chrono::{DateTime, Utc};
use contract::id::SessionId;
use contract::user::UserSnapshot;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use crate::repository::{account, session};

/// A session that has ended may pass for one that runs for less than a second, whatever becomes of Redis between
/// the commit and the invalidation: an entry gets no older than this and a tenth, and a read that is under way is
/// joined for another 200 ms.
const TTL: Duration = Duration::from_millis(700);
/// Of every session that runs.
const RUNS: i64 = 0;
/// Of every session that has ended: none ever runs again.
const ENDED: i64 = 1;

/// A session that runs. Without the hash of the password, which stays in the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveSession {
    pub user: UserSnapshot,
    /// Access tokens from before this are revoked.
    pub tokens_not_before: DateTime<Utc>,
}

#[derive(Clone)]
pub struct Sessions {
    db: PgPool,
    cache: Cache<LiveSession>,
}

impl Sessions {
    pub fn new(platform: &Platform, db: PgPool) -> Self {
        Self { db, cache: Cache::new(platform, "session", TTL) }
    }

    /// The session, if it runs and its user may log in.
    pub async fn live(&self, id: SessionId) -> Result<Option<Arc<LiveSession>>, ApiError> {
        self.cache.get(id, || read(self.db.clone(), id)).await
    }

    /// To be called when the end is committed.
    pub async fn ended(&self, id: SessionId) {
        self.cache.invalidate(id, ENDED).await;
    }
}

async fn read(db: PgPool, id: SessionId) -> Result<Option<Versioned<LiveSession>>, ApiError> {
    let mut tx = db::begin(&db).await?;
    let account = match session::live_user(&mut tx, id).await? {
        Some(user) => account::find(&mut tx, user).await?,
        None => None,
    };
    tx.commit().await?;
    Ok(account.map(|account| {
        let value = LiveSession { user: (&account).into(), tokens_not_before: account.tokens_not_before };
        Versioned { version: RUNS, value }
    }))
}
