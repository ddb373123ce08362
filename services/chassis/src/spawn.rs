//! Named background tasks that the shutdown joins. A panic in one is logged and ends the service's liveness.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, error, info_span};

use crate::readiness::Readiness;
use crate::shutdown::Drain;

#[derive(Clone)]
pub struct TaskSet {
    tracker: TaskTracker,
    drain: Drain,
    readiness: Readiness,
}

impl TaskSet {
    pub(crate) fn new(drain: Drain, readiness: Readiness) -> Self {
        Self { tracker: TaskTracker::new(), drain, readiness }
    }

    /// Starts a task. It should watch [`Drain::begun`] and end then; it is dropped when the drain is over.
    pub fn spawn(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let (drain, readiness) = (self.drain.clone(), self.readiness.clone());
        let guarded = async move {
            tokio::select! {
                () = drain.over() => {}
                outcome = AssertUnwindSafe(work).catch_unwind() => {
                    if outcome.is_err() {
                        error!(task = name, "task {name} panicked");
                        readiness.break_down(name);
                    }
                }
            }
        };
        self.tracker.spawn(guarded.instrument(info_span!("task", task = name)));
    }

    /// Starts a task that needs no farewell: it is dropped as soon as the service begins to stop.
    pub fn spawn_until_drain(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let drain = self.drain.clone();
        self.spawn(name, async move {
            tokio::select! {
                () = drain.begun() => {}
                () = work => {}
            }
        });
    }

    /// Waits for all tasks to end.
    pub(crate) async fn join(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_makes_the_service_unhealthy() {
        let readiness = Readiness::default();
        let tasks = TaskSet::new(Drain::new(Duration::ZERO), readiness.clone());
        tasks.spawn("doomed", async { panic!("on purpose") });
        tasks.join().await;
        assert_eq!(readiness.check_live(), Err("doomed"));
    }

    #[tokio::test]
    async fn shutdown_waits_for_tasks_until_the_drain_is_over() {
        let drain = Drain::new(Duration::ZERO);
        let tasks = TaskSet::new(drain.clone(), Readiness::default());
        tasks.spawn("stubborn", std::future::pending());
        tasks.spawn_until_drain("polite", std::future::pending());
        drain.begin();
        assert!(tasks.join().now_or_never().is_none(), "the stubborn one is still there");
        drain.end();
        tasks.join().await;
    }
}
