//! What an owner knows of its ownership, without asking: until when it may believe in it, and whether it is to stop.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contract::id::ExecutionId;
use metrics::gauge;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::repository::claim::Renewed;
use crate::repository::fence::Fence;

/// Executions that this process runs.
const RUNNING: &str = "batch_executions_running";

pub(super) struct Tenure {
    pub(super) fence: Fence,
    standing: watch::Sender<Standing>,
}

#[derive(Debug, Clone, Copy)]
struct Standing {
    /// By our own clock, reckoned from before the last sign of life was sent: never later than the database's.
    until: Instant,
    lost: bool,
    stop: bool,
}

impl Tenure {
    pub(super) fn execution(&self) -> ExecutionId {
        self.fence.execution
    }

    /// Somebody has asked for a stop.
    pub(super) fn ask_to_stop(&self) {
        self.standing.send_if_modified(|standing| !std::mem::replace(&mut standing.stop, true));
    }

    pub(super) fn is_stop_asked(&self) -> bool {
        self.standing.borrow().stop
    }

    /// Completes when somebody has asked for a stop.
    pub(super) async fn stop_asked(&self) {
        // The sender is ours, so there is no error.
        let _ = self.standing.subscribe().wait_for(|standing| standing.stop).await;
    }

    /// Completes when another may have the execution.
    pub(super) async fn lost(&self) {
        let mut standing = self.standing.subscribe();
        loop {
            let Standing { until, lost, .. } = *standing.borrow_and_update();
            if lost || until <= Instant::now() {
                return;
            }
            tokio::select! {
                // The sender is ours, so there is no error.
                _ = standing.changed() => {}
                () = sleep_until(until) => {}
            }
        }
    }
}

/// The executions of this process.
#[derive(Default)]
pub(super) struct Tenures(Mutex<Vec<Arc<Tenure>>>);

impl Tenures {
    pub(super) fn begin(&self, fence: Fence, until: Instant, stop: bool) -> Arc<Tenure> {
        let (standing, _) = watch::channel(Standing { until, lost: false, stop });
        let tenure = Arc::new(Tenure { fence, standing });
        let mut all = self.all();
        all.push(tenure.clone());
        show(&all);
        tenure
    }

    pub(super) fn end(&self, tenure: &Arc<Tenure>) {
        let mut all = self.all();
        all.retain(|other| !Arc::ptr_eq(other, tenure));
        show(&all);
    }

    pub(super) fn count(&self) -> usize {
        self.all().len()
    }

    /// What a sign of life is to be given of.
    pub(super) fn held(&self) -> Vec<(ExecutionId, i64)> {
        self.all().iter().map(|tenure| (tenure.execution(), tenure.fence.number)).collect()
    }

    /// Of `asked`, `renewed` are ours until then, and the others are not ours any more.
    pub(super) fn renew(&self, asked: &[(ExecutionId, i64)], renewed: &[Renewed], until: Instant) {
        for tenure in self.all().iter() {
            let key = (tenure.execution(), tenure.fence.number);
            if !asked.contains(&key) {
                continue;
            }
            let renewed = renewed.iter().find(|renewed| (renewed.id, renewed.fence) == key);
            tenure.standing.send_modify(|standing| match renewed {
                Some(renewed) => {
                    standing.until = until;
                    standing.stop |= renewed.stop_requested;
                }
                None => standing.lost = true,
            });
        }
    }

    fn all(&self) -> MutexGuard<'_, Vec<Arc<Tenure>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn show(tenures: &[Arc<Tenure>]) {
    gauge!(RUNNING).set(u32::try_from(tenures.len()).unwrap_or(u32::MAX));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use uuid::Uuid;

    use super::*;

    fn fence(number: i64) -> Fence {
        Fence { execution: ExecutionId::from_uuid(Uuid::nil()), number, owner: "me".into() }
    }

    fn renewed(fence: i64, stop_requested: bool) -> Renewed {
        Renewed { id: ExecutionId::from_uuid(Uuid::nil()), fence, stop_requested }
    }

    #[tokio::test(start_paused = true)]
    async fn an_owner_that_hears_nothing_stops_believing_when_its_lease_is_over() {
        let tenures = Tenures::default();
        let second = Duration::from_secs(1);
        let tenure = tenures.begin(fence(1), Instant::now() + 2 * second, false);
        assert!(tenure.lost().now_or_never().is_none());
        tenures.renew(&tenures.held(), &[renewed(1, false)], Instant::now() + 3 * second);
        let began = Instant::now();
        tenure.lost().await;
        assert_eq!(began.elapsed(), 3 * second);
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_owner_of_an_older_fence_loses() {
        let tenures = Tenures::default();
        let until = Instant::now() + Duration::from_secs(1);
        let (old, new) = (tenures.begin(fence(1), until, false), tenures.begin(fence(2), until, false));
        tenures.renew(&tenures.held(), &[renewed(2, true)], until);
        assert!(old.lost().now_or_never().is_some());
        assert!(new.lost().now_or_never().is_none());
        assert!(new.is_stop_asked() && !old.is_stop_asked());
        tenures.end(&old);
        assert_eq!(tenures.held(), [(new.execution(), 2)]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_taken_up_after_a_sign_of_life_was_sent_is_not_lost_by_its_answer() {
        let tenures = Tenures::default();
        let asked = tenures.held();
        let tenure = tenures.begin(fence(1), Instant::now() + Duration::from_secs(1), false);
        tenures.renew(&asked, &[], Instant::now());
        assert!(tenure.lost().now_or_never().is_none());
    }
}
