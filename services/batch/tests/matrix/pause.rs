//! Owners that stand still for longer than their lease, and go on as if nothing had happened.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use super::cluster::PATIENCE;
use super::fate::{End, Fate};
use super::process::Passed;
use super::role::Lease;
use super::scene::{Scene, Way};
use super::setting;
use super::stage::{Plain, Stage};
use super::tell::tell;
use super::trial::Trial;

/// Twice the lease of the matrix.
const PAUSE: Duration = Duration::from_secs(3);
/// Where it hurts: before the work is known here, inside of the transaction, before the end is committed.
const POINTS: [&str; 4] = ["begin", "written", "committing", "ending"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_stood_still_commits_nothing_when_it_goes_on() {
    let stage = Stage::set(&Trial::ALL, setting::rows()).await;
    let mut wrongs = Vec::new();
    for trial in Trial::ALL {
        let plain = stage.plain(trial).await;
        let runs = POINTS.map(|point| stand(&stage, trial, &plain, point));
        wrongs.extend(join_all(runs).await.into_iter().flatten());
    }
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_stood_for_less_than_its_lease_goes_on() {
    let stage = Stage::set(&[Trial::Own], 1000).await;
    let plain = stage.plain(Trial::Own).await;
    let fate = Fate { end: End::Stopped, point: "committing".to_owned(), step: "copy".to_owned(), nth: 1 };
    let way = Way { lease: Lease::Long, ..Way::default() };
    let mut scene = Scene::set(&stage, Trial::Own, &[fate], way).await;
    let mut owner = scene.units[0].start();
    scene.begin().await;
    owner.met().await;
    // The server does not let a transaction stand for as long.
    scene.no_transaction_is_open().await;
    owner.awake();
    scene.ended().await;
    owner.end().await;
    assert_eq!(scene.fence().await, (1, 0), "it is its first owner's to the end");
    let wrongs = plain.outcome.differences(&scene.close().await);
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
}

/// What is wrong after an owner has stood at the point.
async fn stand(stage: &Stage, trial: Trial, plain: &Plain, point: &str) -> Vec<String> {
    let which = format!("{}, stopped at {point}", trial.job());
    let pause = setting::pause().unwrap_or(PAUSE);
    // The first step that passes it has the most to do.
    let Some(((_, step), _)) = plain.passed.iter().find(|((passed, _), _)| passed == point) else {
        return vec![format!("{which}: it is not passed")];
    };
    let fate = Fate { end: End::Stopped, point: point.to_owned(), step: step.clone(), nth: 1 };
    let lease = if setting::pause().is_some() { Lease::Real } else { Lease::Short };
    let way = Way { lease, ..Way::default() };
    let mut scene = Scene::set(stage, trial, &[fate], way).await;
    let mut runs = [scene.units[0].start(), scene.units[1].start()];
    for run in &runs {
        run.ready().await;
    }
    scene.begin().await;
    let [first, second] = &mut runs;
    let zombie = tokio::select! {
        () = first.met() => 0,
        () = second.met() => 1,
    };
    let owner = Arc::clone(&scene.units[zombie]);
    let zombie = &mut runs[zombie];
    let (stopped, before, losses) = (Instant::now(), owner.passed(), zombie.losses());
    let most = commits(&before) + under_way(&before, point);
    let taken = timeout(PATIENCE, scene.taken_over()).await.map(|()| stopped.elapsed());
    let Ok(taken) = taken else {
        return vec![format!("{which}: nobody takes over within {PATIENCE:?}")];
    };
    sleep(pause.saturating_sub(stopped.elapsed())).await;
    zombie.awake();
    let mut wrongs = Vec::new();
    match timeout(PATIENCE, zombie.lost(losses)).await {
        // Behind its loss it is as good an owner as any, and may be the next.
        Ok(passed) if commits(&passed) > most => {
            wrongs.push(format!("the zombie has committed {} chunks or ends", commits(&passed) - most));
        }
        Ok(_) => {}
        Err(_) => wrongs.push("the zombie does not notice".to_owned()),
    }
    scene.ended().await;
    let [first, second] = runs;
    first.end().await;
    second.end().await;
    let (fence, takeovers) = scene.fence().await;
    tell(&format!(
        "{which} for {:.1?}: taken over after {taken:.1?}, fence {fence}, {takeovers} takeovers",
        stopped.elapsed()
    ));
    wrongs.extend(plain.outcome.differences(&scene.close().await));
    wrongs.into_iter().map(|wrong| format!("{which}: {wrong}")).collect()
}

/// Chunks and ends that a process says it has committed.
fn commits(passed: &Passed) -> u64 {
    count(passed, ["committed", "ended"])
}

/// Of other parts, sent to the database before the process stood, and not known there before it goes on. The one that
/// stands in its transaction is not among them.
fn under_way(passed: &Passed, point: &str) -> u64 {
    let standing = u64::from(matches!(point, "committing" | "ending"));
    count(passed, ["committing", "ending"]).saturating_sub(commits(passed) + standing)
}

fn count(passed: &Passed, points: [&str; 2]) -> u64 {
    passed.iter().filter(|((point, _), _)| points.contains(&&**point)).map(|(_, count)| count).sum()
}
