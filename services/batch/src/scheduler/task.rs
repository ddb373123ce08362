//! The task of an instance that looks for what is due.

use std::time::Duration;

use chassis::{Platform, db};
use sqlx::PgPool;
use tokio::time::sleep;
use tracing::{debug, info, warn};

use super::round::{Round, round};
use crate::engine::{Registry, Runner};
use crate::repository::job;

/// The longest between two looks. Clocks jump, and others change schedules.
const LOOK: Duration = Duration::from_secs(1);
/// Between two looks when another instance is at what is due.
const YIELD: Duration = Duration::from_millis(50);
/// It must not wait until requests give their connections back.
const CONNECTIONS: u32 = 1;

/// Writes the jobs of the code into the database, as soon as that works, and fires them until the service stops. The
/// service is not ready before they are written: what asks for a job finds it.
pub fn start(platform: &Platform, requests: &PgPool, jobs: Registry, runner: Runner) {
    let db = db::beside(requests, CONNECTIONS);
    let condition = platform.readiness().condition("jobs");
    platform.tasks().spawn_until_drain("scheduler", async move {
        let mut trouble = Trouble::default();
        while let Err(error) = job::sync(&db, &jobs).await {
            trouble.tell(&error);
            condition.unmet(error.to_string());
            sleep(LOOK).await;
        }
        condition.met();
        loop {
            let pause = match round(&db, &jobs, LOOK).await {
                Ok(done) => {
                    trouble.is_over();
                    if done.started > 0 {
                        runner.wake();
                    }
                    pause(&done)
                }
                Err(error) => {
                    trouble.tell(&error);
                    LOOK
                }
            };
            sleep(pause).await;
        }
    });
}

fn pause(done: &Round) -> Duration {
    if done.more {
        return Duration::ZERO;
    }
    done.wait.clamp(YIELD, LOOK)
}

/// A database that is away is so for more than one look, and is told of once.
#[derive(Default)]
struct Trouble {
    told: String,
}

impl Trouble {
    fn tell(&mut self, error: &sqlx::Error) {
        let problem = error.to_string();
        if problem == self.told {
            debug!("jobs still do not run by themselves: {problem}");
        } else {
            warn!("jobs do not run by themselves now: {problem}");
            self.told = problem;
        }
    }

    fn is_over(&mut self) {
        if !self.told.is_empty() {
            info!("jobs run by themselves again");
            self.told.clear();
        }
    }
}
