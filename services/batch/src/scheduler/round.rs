//! One look at what is due.

use std::time::Duration;

use chassis::db;
use sqlx::PgPool;

use super::fire::fire;
use crate::engine::Registry;
use crate::repository::job;

/// What a look has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// Executions that have begun.
    pub started: usize,
    /// More is due than one transaction fires: look again at once.
    pub more: bool,
    /// Until the next slot; zero when another instance is at what is due.
    pub wait: Duration,
}

/// Fires what is due, each job in a transaction of its own. `horizon` is the longest that it looks ahead.
///
/// # Errors
/// When the database does not answer, or refuses what a job wants; other jobs fire all the same. What is committed stays.
pub async fn round(pool: &PgPool, jobs: &Registry, horizon: Duration) -> Result<Round, sqlx::Error> {
    let names: Vec<String> = jobs.iter().map(|job| job.name.to_owned()).collect();
    let upcoming = job::upcoming(&mut *pool.acquire().await?, &names, horizon.as_secs_f64()).await?;
    let mut done = Round { started: 0, more: false, wait: horizon };
    let mut refused = None;
    for next in upcoming {
        let Some(job) = jobs.get(&next.name) else { continue };
        if next.wait_secs > 0.0 {
            done.wait = done.wait.min(Duration::from_secs_f64(next.wait_secs));
            continue;
        }
        let mut tx = db::transaction(pool).await?;
        match fire(&mut tx, job).await {
            Ok(Some(fired)) => {
                tx.commit().await?;
                fired.tell(job.name);
                done.started += fired.started;
                done.more |= fired.more;
            }
            Ok(None) => done.wait = Duration::ZERO,
            Err(error) if error.as_database_error().is_some() => {
                refused = Some(error);
                tx.rollback().await?;
            }
            Err(error) => return Err(error),
        }
    }
    refused.map_or(Ok(done), Err)
}
