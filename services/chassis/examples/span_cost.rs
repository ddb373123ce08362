//! What a span costs: requests through a service's router with spans exported and without, in turn.
//!
//! `cargo run --release -p chassis --example span_cost`. Each figure is of a process of its own on one thread, which
//! also encodes and sends the spans; the receiver throws them away.

#![expect(clippy::print_stdout, reason = "an example tells what it has measured")]

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::routing::{get, post};
use chassis::trace::{Kind, Span};
use chassis::{Platform, Reader};
use http::Request;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

const ROUNDS: usize = 7;
const REQUESTS: u32 = 20_000;
/// As a request with a call, four statements and an event has them.
const SPANS_A_REQUEST: u32 = 6;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match arguments.next() {
        Some(endpoint) => runtime.block_on(measure(&endpoint)),
        None => runtime.block_on(compare()),
    }
}

async fn compare() -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    let router: Router = Router::new()
        .route("/v1/traces", post(|_: axum::body::Bytes| async {}))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .layer(CatchPanicLayer::new());
    let rounds = tokio::task::spawn_blocking(move || {
        (0..ROUNDS).map(|_| Ok((child("off")?, child(&endpoint)?))).collect::<anyhow::Result<Vec<_>>>()
    });
    let rounds = tokio::select! {
        served = async { axum::serve(listener, router).await } => return Ok(served?),
        rounds = rounds => rounds??,
    };
    let off = median(rounds.iter().map(|(off, _)| *off));
    let on = median(rounds.iter().map(|(_, on)| *on));
    println!("a request, spans off: {off:.0} ns");
    println!("a request, {} spans on: {on:.0} ns, {:.2} times", 1 + SPANS_A_REQUEST, on / off);
    println!("a span: {:.0} ns, with its encoding and sending", (on - off) / f64::from(1 + SPANS_A_REQUEST));
    Ok(())
}

fn child(endpoint: &str) -> anyhow::Result<f64> {
    let program = std::env::current_exe()?;
    let output = Command::new(program).arg(endpoint).stderr(Stdio::inherit()).output()?;
    String::from_utf8(output.stdout)?.trim().parse().context("a round tells no number")
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<_> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Prints nanoseconds a request.
async fn measure(endpoint: &str) -> anyhow::Result<()> {
    let mut env = BTreeMap::new();
    if endpoint != "off" {
        env.insert("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), endpoint.to_owned());
    }
    let mut read = Reader::new(&env);
    let base = read.base("user", 0);
    let platform = Platform::quiet(read.finish(|| Some(base))?)?;
    let routes = OpenApiRouter::new().route("/things/{id}", get(work));
    let app = chassis::app(&platform, routes);
    let mut since = Instant::now();
    for n in 0..REQUESTS + REQUESTS / 10 {
        if n == REQUESTS / 10 {
            since = Instant::now();
        }
        let request = Request::get("/things/7").body(Body::empty())?;
        let Ok(_) = tower::ServiceExt::oneshot(app.clone(), request).await;
        // The exporter has its turn, as it has between requests of a server.
        tokio::task::yield_now().await;
    }
    println!("{}", since.elapsed().as_secs_f64() * 1e9 / f64::from(REQUESTS));
    platform.spans().close().await;
    Ok(())
}

async fn work(Path(id): Path<String>) -> String {
    for _ in 0..SPANS_A_REQUEST {
        let mut span = Span::child(Kind::Client, "select");
        span.set("db.system.name", "postgresql");
        span.set("db.operation.name", "select");
        span.set("db.query.summary", "select thing");
        span.end();
    }
    id
}
