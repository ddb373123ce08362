//! The matrix: at every point of every step the owner is killed, and another goes on.

use std::collections::BTreeSet;

use batch::engine::point::Point;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use testkit::eventually;
use tokio::time::Instant;

use super::cluster::PATIENCE;
use super::fate::{End, Fate, Fates};
use super::process::Passed;
use super::scene::{Scene, Way};
use super::setting;
use super::stage::{Plain, Stage};
use super::tell::tell;
use super::trial::Trial;

/// Every one there is to die at.
const POINTS: [Point; 10] = [
    Point::Claimed,
    Point::Planned,
    Point::Begin,
    Point::Read,
    Point::Written,
    Point::Committing,
    Point::Committed,
    Point::StepDone,
    Point::Ending,
    Point::Ended,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_an_owner_is_killed_the_job_leaves_what_it_would_have_left() {
    let stage = Stage::set(&Trial::ALL, setting::rows()).await;
    let plains = plains(&stage).await;
    let began = Instant::now();
    let (mut cells, mut wrongs) = (0, Vec::new());
    for seed in setting::seeds() {
        let mut random = StdRng::seed_from_u64(seed);
        let mut runs = Vec::new();
        for (trial, plain) in &plains {
            for ((point, step), count) in chosen(&plain.passed, &mut random) {
                let nth = random.random_range(1..=count.div_ceil(3));
                let fate = Fate { end: End::Killed, point: point.clone(), step: step.clone(), nth };
                let way = Way { second_comes_late: random.random_bool(0.5), ..Way::default() };
                runs.push(cell(&stage, *trial, plain, fate, way));
            }
        }
        cells += runs.len();
        let found = join_all(runs).await.into_iter().flatten().map(|wrong| format!("seed {seed}: {wrong}"));
        wrongs.extend(found);
        tell(&format!(
            "MATRIX_SEED={seed}: {cells} cells so far, {} wrong, {:.0?}",
            wrongs.len(),
            began.elapsed()
        ));
    }
    assert!(wrongs.is_empty(), "{} of {cells} cells:\n{}", wrongs.len(), wrongs.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_execution_whose_every_owner_dies_leaves_what_it_would_have_left() {
    let stage = Stage::set(&Trial::ALL, setting::rows()).await;
    let plains = plains(&stage).await;
    let mut wrongs = Vec::new();
    for seed in setting::seeds() {
        tell(&format!("MATRIX_SEED={seed}"));
        let mut random = StdRng::seed_from_u64(seed);
        let runs =
            plains.iter().map(|(trial, plain)| chain(&stage, *trial, plain, fates(plain, &mut random)));
        let runs: Vec<_> = runs.collect();
        let found = join_all(runs).await.into_iter().flatten().map(|wrong| format!("seed {seed}: {wrong}"));
        wrongs.extend(found);
    }
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
}

/// Every point of every step; unless somebody asked for seeds, every point of some step.
fn chosen<'a>(passed: &'a Passed, random: &mut StdRng) -> Vec<&'a ((String, String), u64)> {
    if setting::is_thorough() {
        return passed.iter().collect();
    }
    let of =
        |point: &Point| passed.iter().filter(|((name, _), _)| name == point.as_str()).collect::<Vec<_>>();
    let groups = POINTS.iter().map(of).filter(|group| !group.is_empty());
    groups.map(|group| group[random.random_range(0..group.len())]).collect()
}

/// The undisturbed runs, which pass every point there is.
async fn plains(stage: &Stage) -> Vec<(Trial, Plain)> {
    let mut plains = Vec::new();
    for trial in Trial::ALL {
        let began = Instant::now();
        let plain = stage.plain(trial).await;
        let step = plain.outcome.get("batch_db: step");
        tell(&format!("{}, undisturbed, {:.1?}:\n{step}", trial.job(), began.elapsed()));
        assert!(plain.outcome.get("batch_db: execution").contains(" COMPLETED"), "{}", plain.outcome.show());
        plains.push((trial, plain));
    }
    let passed: BTreeSet<&str> =
        plains.iter().flat_map(|(_, plain)| &plain.passed).map(|((point, _), _)| point.as_str()).collect();
    assert_eq!(
        passed,
        POINTS.iter().map(|point| point.as_str()).collect(),
        "the points that the matrix knows"
    );
    plains
}

/// What is wrong after one owner has died there.
async fn cell(stage: &Stage, trial: Trial, plain: &Plain, fate: Fate, way: Way) -> Vec<String> {
    let which = format!("{} {fate:?} {way:?}", trial.job());
    let mut scene = Scene::set(stage, trial, std::slice::from_ref(&fate), way).await;
    scene.keep_all();
    scene.begin().await;
    scene.ended().await;
    // Whoever dies of having ended dies after that.
    eventually(PATIENCE, || async { scene.fates().open().is_empty() && scene.deaths() == 1 }).await;
    let (fence, takeovers) = scene.fence().await;
    let mut wrongs = plain.outcome.differences(&scene.close().await);
    if fate.point != Point::Ended.as_str() && (fence < 2 || takeovers < 1) {
        wrongs.push(format!("fence {fence}, {takeovers} takeovers"));
    }
    wrongs.into_iter().map(|wrong| format!("{which}: {wrong}")).collect()
}

/// An owner dies at every point of every step, all in one execution: of the first time that anybody passes it, which
/// cannot be missed, and where it is passed often, of a later time too.
fn fates(plain: &Plain, random: &mut StdRng) -> Vec<Fate> {
    let points = plain.passed.len() as u64;
    let mut fates = Vec::new();
    for ((point, step), count) in &plain.passed {
        let fate = |nth| Fate { end: End::Killed, point: point.clone(), step: step.clone(), nth };
        fates.push(fate(1));
        if count / points > 1 {
            fates.push(fate(random.random_range(2..=count / points)));
        }
    }
    fates
}

async fn chain(stage: &Stage, trial: Trial, plain: &Plain, fates: Vec<Fate>) -> Vec<String> {
    let began = Instant::now();
    let mut scene = Scene::set(stage, trial, &fates, Way::default()).await;
    scene.keep_all();
    scene.begin().await;
    scene.ended().await;
    let took = began.elapsed();
    // The last may die of having ended.
    eventually(PATIENCE, || async {
        scene.deaths() + scene.fates().open().len() as u64 == fates.len() as u64
            && !scene.fates().open().iter().any(|fate| fate.point == Point::Ended.as_str())
    })
    .await;
    let (deaths, (fence, takeovers)) = (scene.deaths(), scene.fence().await);
    let (unmet, missed) = (scene.fates().open().len(), missed(plain, &scene.fates()));
    tell(&format!(
        "{}: {deaths} owners died ({unmet} fates were not met), {takeovers} takeovers, fence {fence}, {took:.0?}",
        trial.job()
    ));
    let mut wrongs = plain.outcome.differences(&scene.close().await);
    wrongs.extend(missed.into_iter().map(|point| format!("nobody died at {point}")));
    wrongs.into_iter().map(|wrong| format!("{}: {wrong}", trial.job())).collect()
}

/// Points of the undisturbed run at which no owner died, whatever the step. A step that is one chunk has either its commit
/// or its completion to die of.
fn missed(plain: &Plain, fates: &Fates) -> Vec<String> {
    let met: BTreeSet<&str> = fates.met().into_iter().map(|fate| fate.point.as_str()).collect();
    let passed = plain.passed.iter().map(|((point, _), _)| point.as_str());
    let always = [Point::Written, Point::Committing].map(Point::as_str);
    let wanted: BTreeSet<&str> = passed.chain(always).collect();
    wanted.difference(&met).map(|point| (*point).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_matrix_sees_what_is_done_twice() {
    let stage = Stage::set(&[Trial::Own], 1000).await;
    let plain = stage.plain(Trial::Own).await;
    let fate = |point: Point| {
        let (point, step) = (point.as_str().to_owned(), "copy".to_owned());
        Fate { end: End::Killed, point, step, nth: 1 }
    };
    let way = Way { forgets: true, ..Way::default() };
    let wrongs = cell(&stage, Trial::Own, &plain, fate(Point::Written), way).await;
    assert!(wrongs.iter().any(|wrong| wrong.contains("own items twice")), "{wrongs:?}");
}
