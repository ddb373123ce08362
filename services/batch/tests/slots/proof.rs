//! A thousand slots.

use std::io::Write as _;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sqlx::PgPool;
use testkit::eventually;
use tokio::time::{Instant, sleep, timeout};

use super::check;
use super::clock::Clock;
use super::cluster::{Cluster, PATIENCE};
use super::process::Instance;
use super::role::JOB;

const SLOTS: i64 = 1000;
const INSTANCES: usize = 3;
/// The database's clock gets to the last slot in so many jumps ahead, with as many back between them.
const JUMPS: i64 = 10;
/// The most that it goes back.
const BACK_MINUTES: i64 = 300;
/// The longest that it stays there, which would be for ever if nothing moved it.
const BEHIND_MS: u64 = 500;
/// For somebody to be seen firing; there may be nothing left to fire.
const SEARCH: Duration = Duration::from_secs(3);
/// The longest that who was seen to fire goes on with it.
const MIDST_MS: u64 = 50;
/// For everything to have been fired and run, on a machine that is busy with much else.
const END: Duration = Duration::from_mins(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_slot_fires_once_whoever_dies_and_whatever_the_clocks_say() {
    let Some(clock) = Clock::new() else { return };
    let cluster = Cluster::start(clock.environment()).await;
    let db = cluster.pool();
    let seed = std::env::var_os("SLOTS_SEED");
    let seed = seed.map_or_else(rand::random, |seed| seed.to_str().unwrap().parse().unwrap());
    let mut random = StdRng::seed_from_u64(seed);
    let mut instances: Vec<Instance> = (0..INSTANCES)
        .map(|n| Instance::new(format!("batch-{n}"), Clock::new().unwrap(), cluster.url()))
        .collect();
    instances.iter_mut().for_each(Instance::start);
    let began = Instant::now();
    let first = first_slot(&db).await;
    let last = first + TimeDelta::minutes(SLOTS - 1);

    let mut kills = 0;
    for jump in 1..=JUMPS {
        let ahead = TimeDelta::minutes(SLOTS * jump / JUMPS + 1);
        clock.set(ahead);
        for instance in &mut instances {
            instance.mislead(TimeDelta::minutes(random.random_range(-100_000..100_000)));
            instance.start();
        }
        kills += kill_who_fires(&db, &mut instances, &mut random).await;
        // What is due now may not be in a moment.
        clock.set(ahead - TimeDelta::minutes(random.random_range(1..BACK_MINUTES)));
        sleep(Duration::from_millis(random.random_range(0..BEHIND_MS))).await;
    }
    assert!(kills >= INSTANCES, "only {kills} died while they fired (seed {seed})");
    clock.set(TimeDelta::minutes(SLOTS + 1));
    instances.iter_mut().for_each(Instance::start);
    eventually(END, || async {
        let fired = check::fired(&db, first, last).await;
        if fired == SLOTS { Ok(()) } else { Err(format!("{fired} of {SLOTS} fired (seed {seed})")) }
    })
    .await;
    let fired_after = began.elapsed();
    eventually(END, || async {
        let open = check::open(&db).await;
        if open == 0 { Ok(()) } else { Err(format!("{open} have not completed (seed {seed})")) }
    })
    .await;
    let wrongs = check::wrongs(&db, first, last).await;
    assert!(wrongs.is_empty(), "seed {seed}:\n{}", wrongs.join("\n"));
    let figures = format!(
        "{SLOTS} slots fired once in {:.1} s and their executions completed in {:.1} s; {} jumps of the clock, {kills} killed while they fired, seed {seed}",
        fired_after.as_secs_f64(),
        began.elapsed().as_secs_f64(),
        2 * JUMPS,
    );
    // Past the capture of libtest: it is what the proof is for.
    let _ = writeln!(std::io::stderr(), "{figures}");
}

/// When the service first runs the job by itself.
async fn first_slot(db: &PgPool) -> DateTime<Utc> {
    let next = "select next_fire_at from batch_job where name = $1 and next_fire_at is not null";
    eventually(PATIENCE, || async { sqlx::query_scalar(next).bind(JOB).fetch_optional(db).await.unwrap() })
        .await
}

/// SIGKILL to an instance in the midst of the transaction that fires slots, and as the dice fall to the next that takes
/// its place. How many died; one always lives.
async fn kill_who_fires(db: &PgPool, instances: &mut [Instance], random: &mut StdRng) -> usize {
    let mut kills = 0;
    while kills == 0 || (kills < 2 && random.random_bool(0.5)) {
        // All may have been fired by now.
        let Ok(found) = timeout(SEARCH, firing(db, instances)).await else { break };
        sleep(Duration::from_millis(random.random_range(0..MIDST_MS))).await;
        instances[found].kill().await;
        kills += 1;
    }
    kills
}

/// Which of the living instances is in the midst of that transaction.
async fn firing(db: &PgPool, instances: &[Instance]) -> usize {
    // Sessions are called as their instances.
    let firing = "select application_name from pg_stat_activity
                  where datname = 'batch_db' and xact_start is not null and query like '%insert into job_instance%'";
    eventually(PATIENCE, || async {
        let firing: Vec<String> = sqlx::query_scalar(firing).fetch_all(db).await.unwrap();
        instances
            .iter()
            .position(|instance| instance.runs() && firing.iter().any(|name| name == instance.name()))
    })
    .await
}
