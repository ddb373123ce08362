//! The matrix: at every point of every saga the store, the provider or the database is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::time::Instant;

use super::plot::{By, POINTS};
use super::scene::Scene;
use super::tell::tell;
use super::world::Way;

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Victim {
    Store,
    Provider,
    Database,
}

const VICTIMS: [Victim; 3] = [Victim::Store, Victim::Provider, Victim::Database];

/// What the matrix was.
#[derive(Default)]
struct Tally {
    runs: usize,
    orders: usize,
    /// Attempts beyond the first.
    again: u32,
    /// Of the time, what was waited for the last to end.
    ending: Duration,
    ends: BTreeMap<String, usize>,
    wrongs: Vec<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_killed_at_any_point_no_money_is_lost_and_no_stock() {
    let seeds = number("MATRIX_SEEDS").unwrap_or(1);
    let first = number("MATRIX_SEED").unwrap_or_else(|| rand::random::<u32>().into());
    tell(&format!("MATRIX_SEED={first} MATRIX_SEEDS={seeds}"));
    let began = Instant::now();
    let mut scene = Scene::set(Way::default()).await;
    let mut tally = Tally::default();
    for seed in first..first + seeds {
        round(&mut scene, seed, &mut tally).await;
        assert!(tally.wrongs.is_empty(), "seed {seed}:\n{}", tally.wrongs.join("\n"));
        tell(&format!("seed {seed}: {} runs so far, {:.0?}", tally.runs, began.elapsed()));
    }
    tell(&tally.report(seeds, began.elapsed()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_matrix_knows_every_point_of_the_saga() {
    let mut scene = Scene::set(Way::default()).await;
    let mut random = StdRng::seed_from_u64(1);
    for by in By::ALL {
        let items = scene.world.items(2, 100).await;
        scene.send(by.wish(&items, &mut random, scene.doors()));
    }
    let (_, wrongs) = scene.end().await;
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
    let seen: BTreeSet<String> = scene.stores.iter().flatten().flat_map(super::process::Run::seen).collect();
    let known: BTreeSet<String> = POINTS.iter().map(|(point, _)| (*point).to_owned()).collect();
    assert_eq!(seen, known, "the points that the sagas pass, and those that the matrix knows");
}

/// Every point with every victim, in an order that the seed decides.
async fn round(scene: &mut Scene, seed: u64, tally: &mut Tally) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut runs: Vec<_> =
        POINTS.iter().flat_map(|(point, by)| VICTIMS.map(|victim| (*point, *by, victim))).collect();
    for n in (1..runs.len()).rev() {
        runs.swap(n, random.random_range(0..=n));
    }
    for (point, by, victim) in runs {
        run(scene, point, by, victim, &mut random).await;
        tally.runs += 1;
    }
    let began = Instant::now();
    let (receipts, wrongs) = scene.end().await;
    tally.wrongs.extend(wrongs);
    tally.ending += began.elapsed();
    for receipt in receipts {
        tally.orders += 1;
        tally.again += receipt.attempts.saturating_sub(1);
        *tally.ends.entry(receipt.status.to_string()).or_default() += 1;
    }
}

/// One cell. What it has begun goes on behind it.
async fn run(scene: &mut Scene, point: &str, by: By, victim: Victim, random: &mut StdRng) {
    scene.second(random.random_bool(0.5)).await;
    let items = scene.world.items(3, 40).await;
    scene.arm(point).await;
    for _ in 0..random.random_range(1..=2) {
        scene.send(by.wish(&items, random, vec![scene.world.stores[0].url()]));
    }
    for _ in 0..random.random_range(0..=3) {
        let by = By::ALL[random.random_range(0..By::ALL.len())];
        scene.send(by.wish(&items, random, scene.doors()));
    }
    let Some(store) = scene.reached().await else {
        panic!("{point} is not reached (by {by:?}, before {victim:?})");
    };
    match victim {
        Victim::Store => scene.kill_store(store, random).await,
        Victim::Provider => {
            scene.kill_provider().await;
            scene.go(store).await;
            scene.restart_provider(random).await;
        }
        Victim::Database => {
            scene.cluster.kill().await;
            scene.go(store).await;
            scene.restart_database(random).await;
        }
    }
}

impl Tally {
    fn report(&self, seeds: u64, took: Duration) -> String {
        let mut ends = String::new();
        for (status, count) in &self.ends {
            let _ = write!(ends, ", {count} {status}");
        }
        format!(
            "kill matrix: {} points x {} victims x {seeds} seeds = {} runs in {took:.0?} ({:.0?} of it for the last to end): {} violations\n\
             {} orders{ends}; {} attempts of buyers were repeated",
            POINTS.len(),
            VICTIMS.len(),
            self.runs,
            self.ending,
            self.wrongs.len(),
            self.orders,
            self.again,
        )
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var_os(variable).map(|text| text.to_str().unwrap().parse().unwrap())
}
