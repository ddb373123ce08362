//! What has served its time here, and when it goes.

use std::time::Duration;

use chassis::upkeep::{self, IdempotencyKeys, Upkeep};
use sqlx::PgConnection;

use crate::repository::bookmark;

/// Deleted bookmarks are places for cursors that name them: for as long as a list may stay open.
pub const DELETED_BOOKMARKS: Duration = Duration::from_hours(30 * 24);

/// Which rows are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Old {
    Bookmarks,
    /// Answers that were kept for requests that come again.
    IdempotencyKeys,
}

pub const UPKEEP: Upkeep<Old> = Upkeep::new("store", &[Old::Bookmarks, Old::IdempotencyKeys]);

impl upkeep::Old for Old {
    fn name(self) -> &'static str {
        match self {
            Self::Bookmarks => "bookmarks",
            Self::IdempotencyKeys => IdempotencyKeys.name(),
        }
    }

    async fn delete(self, db: &mut PgConnection, limit: i64) -> Result<u64, sqlx::Error> {
        match self {
            Self::Bookmarks => bookmark::purge(db, DELETED_BOOKMARKS, limit).await,
            Self::IdempotencyKeys => IdempotencyKeys.delete(db, limit).await,
        }
    }

    async fn overdue(self, db: &mut PgConnection) -> Result<Option<f64>, sqlx::Error> {
        match self {
            Self::Bookmarks => bookmark::overdue(db, DELETED_BOOKMARKS).await.map(Some),
            Self::IdempotencyKeys => IdempotencyKeys.overdue(db).await,
        }
    }
}
