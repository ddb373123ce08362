//! Measures a real outage: a process that answers is killed under load and started again.
//!
//! `cargo run --release -p chassis --example outage` prints, for 5 runs, how long until its breaker is open, how
//! fast calls are refused then, how long until calls succeed again, and how many attempts reached a leaf that
//! answered 503 to everything. The same program is the leaf, started as a child.

#![expect(clippy::print_stdout, reason = "printing is what this is for")]

use std::collections::BTreeMap;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use axum::Router;
use axum::routing::{get, post};
use chassis::client::{CallError, Reason, ServiceClient};
use chassis::{Platform, Reader};
use http::StatusCode;
use resilience::breaker::{Breaker, State};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

const RUNS: usize = 5;
/// 200 calls a second.
const BETWEEN: Duration = Duration::from_millis(5);
/// How long the leaf stays away.
const AWAY: Duration = Duration::from_secs(3);

fn main() -> anyhow::Result<()> {
    let port = std::env::args().nth(1);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match port {
        Some(port) => runtime.block_on(leaf(port.parse()?)),
        None => runtime.block_on(measure()),
    }
}

/// Counts what reaches it; told to, it answers 503 without saying when to come back.
async fn leaf(port: u16) -> anyhow::Result<()> {
    let (attempts, down) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (counted, is_down) = (attempts.clone(), down.clone());
    let answer = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        let down = is_down.load(Ordering::Relaxed);
        let status = if down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
        std::future::ready((status, "1"))
    };
    let count = move || std::future::ready(attempts.load(Ordering::Relaxed).to_string());
    let fail = move || {
        down.store(true, Ordering::Relaxed);
        std::future::ready("1")
    };
    let routes =
        Router::new().route("/answer", get(answer)).route("/count", get(count)).route("/down", post(fail));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    axum::serve(listener, routes).await?;
    Ok(())
}

async fn measure() -> anyhow::Result<()> {
    println!(
        "run  calls to open  ms to open  refused p50 us  p99 us  max us  ms to first answer  ms to closed"
    );
    for run in 1..=RUNS {
        outage(run).await?;
    }
    for breaker in ["on", "off"] {
        amplification(breaker).await?;
    }
    Ok(())
}

/// A client of one leaf.
struct Setting {
    client: ServiceClient,
    breaker: Breaker,
    port: u16,
    child: Child,
    _platform: Platform,
}

impl Setting {
    async fn new() -> anyhow::Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let env = BTreeMap::from([("DORAN_AUTH_URLS".to_owned(), format!("http://127.0.0.1:{port}"))]);
        let mut read = Reader::new(&env);
        let base = read.base("chat", 0);
        let platform = Platform::quiet(read.finish(|| Some(base))?)?;
        let client = platform.client("auth", Duration::from_secs(1));
        let breaker = platform.breakers().find("auth-1").context("the leaf is registered")?.breaker;
        let mut setting = Self { client, breaker, port, child: spawn(port)?, _platform: platform };
        setting.wait_for_port().await?;
        Ok(setting)
    }

    /// Until the leaf takes connections; how long that took.
    async fn wait_for_port(&mut self) -> anyhow::Result<Instant> {
        let start = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            ensure!(start.elapsed() < Duration::from_secs(10), "the leaf does not start");
            ensure!(self.child.try_wait()?.is_none(), "the leaf has ended");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(Instant::now())
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(port: u16) -> anyhow::Result<Child> {
    Ok(Command::new(std::env::current_exe()?).arg(port.to_string()).spawn()?)
}

/// When a call began, how long it took, and what came of it.
type Sample = (Instant, Duration, Option<Reason>);

async fn call(client: ServiceClient) -> Sample {
    let start = Instant::now();
    let result: Result<u8, CallError> = client.get("/answer").await;
    (start, start.elapsed(), result.err().map(|error| error.reason()))
}

async fn outage(run: usize) -> anyhow::Result<()> {
    let mut setting = Setting::new().await?;
    let (mut calls, mut ticks) = (JoinSet::new(), interval(BETWEEN));
    let start = Instant::now();
    let (mut killed, mut opened, mut back, mut closed) = (None, None, None, None);
    while closed.is_none_or(|at: Instant| at.elapsed() < Duration::from_millis(200)) {
        ticks.tick().await;
        calls.spawn(call(setting.client.clone()));
        let state = setting.breaker.snapshot().state;
        match (killed, back) {
            (None, _) if start.elapsed() > Duration::from_secs(1) => {
                setting.child.kill()?;
                setting.child.wait()?;
                killed = Some(Instant::now());
            }
            (Some(at), None) if at.elapsed() > AWAY => {
                setting.child = spawn(setting.port)?;
                back = Some(setting.wait_for_port().await?);
            }
            (Some(_), None) if state == State::Open => drop(opened.get_or_insert_with(Instant::now)),
            (Some(_), Some(_)) if state == State::Closed => drop(closed.get_or_insert_with(Instant::now)),
            _ => {}
        }
    }
    let samples = calls.join_all().await;
    let (killed, opened) = (killed.context("killed")?, opened.context("opened")?);
    let (back, closed) = (back.context("back")?, closed.context("closed")?);
    report(run, &samples, [killed, opened, back, closed])
}

fn report(
    run: usize,
    samples: &[Sample],
    [killed, opened, back, closed]: [Instant; 4],
) -> anyhow::Result<()> {
    let is_lost = |reason: &Option<Reason>| reason.is_some_and(|reason| reason != Reason::Open);
    let lost = samples.iter().filter(|(at, _, reason)| *at <= opened && is_lost(reason)).count();
    let mut refused: Vec<_> = samples
        .iter()
        .filter(|(_, _, reason)| *reason == Some(Reason::Open))
        .map(|(_, took, _)| *took)
        .collect();
    refused.sort_unstable();
    let first = samples
        .iter()
        .filter(|(at, _, reason)| *at >= back && reason.is_none())
        .map(|(at, took, _)| *at + *took);
    let first = first.min().context("an answer after the restart")?;
    let us = |part: usize| {
        refused.get((refused.len() * part / 100).min(refused.len() - 1)).map(Duration::as_micros)
    };
    println!(
        "{run:>3}  {lost:>13}  {:>10}  {:>14}  {:>6}  {:>6}  {:>18}  {:>12}",
        (opened - killed).as_millis(),
        us(50).unwrap_or_default(),
        us(99).unwrap_or_default(),
        us(100).unwrap_or_default(),
        (first - back).as_millis(),
        (closed - back).as_millis(),
    );
    Ok(())
}

/// 500 calls a second for 10 s against a leaf that fails every one, counted there.
async fn amplification(breaker: &str) -> anyhow::Result<()> {
    const CALLS: u64 = 5000;
    let setting = Setting::new().await?;
    setting.client.post::<u8>("/down", &()).await?;
    if breaker == "off" {
        setting.breaker.disable();
    }
    let (mut calls, mut ticks) = (JoinSet::new(), interval(Duration::from_millis(2)));
    for _ in 0..CALLS {
        ticks.tick().await;
        calls.spawn(call(setting.client.clone()));
    }
    calls.join_all().await;
    setting.breaker.disable();
    let attempts: u64 = setting.client.get("/count").await?;
    println!(
        "breaker {breaker}: {CALLS} calls in 10 s, {attempts} attempts at the leaf, at most {} allowed",
        CALLS + CALLS / 5 + 200
    );
    Ok(())
}
