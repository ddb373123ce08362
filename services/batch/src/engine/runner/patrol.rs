//! Taking up what waits and what a process has left.

use std::sync::Arc;

use metrics::counter;
use tokio::time::{Instant, timeout};
use tracing::{info, warn};

use super::{AT_ONCE, Inner, drive};
use crate::repository::claim;
use crate::repository::fence::Fence;

/// How often this process went on with what another had begun.
const TAKEOVERS: &str = "batch_takeovers_total";

/// Until the service begins to stop. Not to be dropped between taking up and driving: nobody would be driving then.
pub(super) async fn patrol(inner: Arc<Inner>) {
    let jobs: Vec<String> = inner.jobs.iter().map(|job| job.name.to_owned()).collect();
    let mut told = String::new();
    while !inner.drain.is_begun() {
        let room = AT_ONCE.saturating_sub(inner.tenures.count());
        let problem =
            take(&inner, &jobs, room).await.err().map_or_else(String::new, |error| error.to_string());
        if problem != told && !problem.is_empty() {
            warn!("executions cannot be taken up: {problem}");
        }
        told = problem;
        tokio::select! {
            () = inner.drain.begun() => {}
            _ = timeout(inner.settings.poll, inner.due.notified()) => {}
        }
    }
}

async fn take(inner: &Arc<Inner>, jobs: &[String], room: usize) -> Result<(), sqlx::Error> {
    if room == 0 || jobs.is_empty() {
        return Ok(());
    }
    let lease = inner.settings.lease;
    let until = Instant::now() + lease;
    let room = i64::try_from(room).unwrap_or(i64::MAX);
    for claimed in claim::claim(&inner.db, &inner.owner, lease, jobs, room).await? {
        let (id, job) = (claimed.id, &claimed.job);
        if let Some(former) = &claimed.former {
            counter!(TAKEOVERS).increment(1);
            info!(execution.id = %id, job, "took over an execution of {job} from {former}");
        } else {
            info!(execution.id = %id, job, "took up an execution of {job}");
        }
        let fence = Fence { execution: id, number: claimed.fence, owner: inner.owner.clone() };
        let tenure = inner.tenures.begin(fence, until, claimed.stop_requested);
        drive::start(inner, tenure, claimed);
    }
    Ok(())
}
