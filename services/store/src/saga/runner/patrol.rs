//! Taking up what is due and what a process has left.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{error, info, warn};

use super::super::Settled;
use super::super::job::Job;
use super::{Inner, TAKEN, UNDER_WAY, drive};
use crate::repository::saga;

/// Until the service begins to stop.
pub(super) async fn patrol(inner: Arc<Inner>) {
    let mut told = String::new();
    loop {
        let free = UNDER_WAY.saturating_sub(inner.driven().len());
        let limit = u32::try_from(free).unwrap_or(TAKEN).min(TAKEN);
        let taken = match take(&inner, limit).await {
            Ok(taken) => taken.len(),
            Err(error) => {
                let problem = error.to_string();
                if problem != told {
                    warn!("sagas cannot be taken up: {problem}");
                    told = problem;
                }
                0
            }
        };
        // A full hand says that there is more.
        if taken == 0 || taken < usize::try_from(limit).unwrap_or(usize::MAX) {
            let _ = timeout(inner.settings.poll, inner.due.notified()).await;
        }
    }
}

/// Takes up to `limit` sagas that are due, and drives each in a task of its own.
pub(super) async fn take(
    inner: &Arc<Inner>,
    limit: u32,
) -> Result<Vec<watch::Receiver<Settled>>, sqlx::Error> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let lease = inner.settings.lease.as_secs_f64();
    let loaded = saga::claim(&inner.db, &inner.owner, lease, limit.into()).await?;
    let mut driven = Vec::with_capacity(loaded.len());
    for row in loaded {
        let (id, order, attempt) = (row.id, row.order, row.attempt);
        let Some((job, _state)) = Job::of(row) else {
            // Its lease keeps it from being read again at once.
            error!(saga.id = %id, order.id = %order, "a saga rests where none can");
            continue;
        };
        // Else it was only a pause.
        if attempt == 0 && job.fence > 1 {
            info!(saga.id = %id, order.id = %order, "took up the {} of a saga", job.stage.step());
        }
        driven.push(drive::start(inner, job));
    }
    Ok(driven)
}
