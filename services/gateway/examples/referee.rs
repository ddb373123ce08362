//! Percentiles of the gateway beside those of a referee: `cargo run --release -p gateway --example referee [SECONDS]`.
//!
//! A service that answers after a known time stands behind a real gateway, wrk asks through it, and what wrk has
//! measured at its end is printed beside what `/actuator/latency` says, which is what `doran top` adds up. wrk corrects
//! its figures for requests that it could not send in time, which spreads answers that take twice its mean: the known
//! times lie closer together than that. Fails when a percentile differs by more than 2 %.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use axum::Router;
use axum::extract::State;
use chassis::Platform;
use chassis::shutdown::Drain;
use contract::gateway::{GatewayConfig, RateLimit};
use gateway::Config;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;

const PERCENTILES: [f64; 3] = [50.0, 95.0, 99.0];
/// Of a hundred answers 80 take 40 ms, 17 take 50 ms and 3 take 60 ms.
const KNOWN_MS: [f64; 3] = [40.0, 50.0, 60.0];
const TOLERANCE: f64 = 0.02;
/// Prints the percentiles in microseconds.
const SCRIPT: &str = "done = function(s, l, r)
  io.write(string.format('referee %d %d %d %d\\n', s.requests, l:percentile(50), l:percentile(95), l:percentile(99)))
end\n";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let seconds = std::env::args().nth(1).unwrap_or_else(|| "10".to_owned());
    let (service, url) = listen()?;
    let drain = Drain::new(Duration::from_secs(1));
    let answers = Router::new().fallback(answer).with_state(Arc::default());
    let upstream = chassis::server::serve(service, answers.into(), drain.clone());
    let directory = tempfile::tempdir()?;
    let config = configure(directory.path(), &url)?;
    let platform = Platform::quiet(config.base.clone())?;
    let (listener, url) = listen()?;
    let gateway = gateway::build(config, platform.clone()).await?;
    let serving = chassis::server::serve(listener, gateway, platform.drain().clone());
    let measuring = async {
        let script = directory.path().join("percentiles.lua");
        std::fs::write(&script, SCRIPT)?;
        let wrk = tokio::task::spawn_blocking({
            let (url, duration) = (format!("{url}/api/users/check-email/a"), format!("{seconds}s"));
            move || {
                Command::new("wrk").args(["-t1", "-c8", "-d", &duration, "-s"]).arg(script).arg(url).output()
            }
        });
        let referee = read(&wrk.await?.context("start wrk (apt-get install wrk)")?)?;
        let client = reqwest::Client::builder().no_proxy().build()?;
        let bytes = client.get(format!("{url}/actuator/latency")).send().await?.bytes().await?;
        let ours: Histogram<u64> = Deserializer::new().deserialize(&mut &*bytes)?;
        compare(&referee, &ours)
    };
    tokio::select! {
        measured = measuring => measured,
        ended = serving => ended.and(Err(anyhow::anyhow!("the gateway ended"))),
        ended = upstream => ended.and(Err(anyhow::anyhow!("the service ended"))),
    }
}

async fn answer(State(count): State<Arc<AtomicU64>>) -> &'static str {
    let millis = match count.fetch_add(1, Ordering::Relaxed) % 100 {
        0..80 => KNOWN_MS[0],
        80..97 => KNOWN_MS[1],
        _ => KNOWN_MS[2],
    };
    tokio::time::sleep(Duration::from_secs_f64(millis / 1000.0)).await;
    "{}"
}

fn listen() -> anyhow::Result<(TcpListener, String)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}

/// The standard routes without limits.
fn configure(directory: &std::path::Path, service: &str) -> anyhow::Result<Config> {
    let mut routes = GatewayConfig::standard();
    for route in &mut routes.routes {
        route.rate_limit = RateLimit { per_second: 1_000_000, burst: 1_000_000 };
    }
    let path = directory.join("gateway.json");
    std::fs::write(&path, serde_json::to_vec(&routes)?)?;
    let services =
        ["auth", "user", "chat", "store", "batch"].map(|name| (contract::env::urls_of(name), service));
    let mut env: BTreeMap<String, String> =
        services.into_iter().map(|(name, url)| (name, url.to_owned())).collect();
    env.insert("DORAN_GATEWAY_CONFIG".to_owned(), path.display().to_string());
    Ok(Config::from_env(&env)?)
}

/// Requests and percentiles, in milliseconds.
fn read(output: &Output) -> anyhow::Result<(u64, [f64; 3])> {
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(!text.contains("Non-2xx"), "not every request was answered:\n{text}");
    let line = text.lines().find_map(|line| line.strip_prefix("referee ")).context("read what wrk says")?;
    let mut numbers = line.split(' ');
    let requests = numbers.next().context("wrk counts requests")?.parse()?;
    let mut percentiles = [0.0; 3];
    for (percentile, number) in percentiles.iter_mut().zip(numbers) {
        *percentile = number.parse::<f64>()? / 1000.0;
    }
    Ok((requests, percentiles))
}

fn compare((requests, referee): &(u64, [f64; 3]), ours: &Histogram<u64>) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} requests by wrk, {} by the gateway", requests, ours.len())?;
    writeln!(out, "{:>6} {:>9} {:>9} {:>9} {:>7}", "", "known ms", "wrk ms", "ours ms", "off %")?;
    let mut worst: f64 = 0.0;
    for ((percentile, known), theirs) in PERCENTILES.into_iter().zip(KNOWN_MS).zip(referee) {
        let micros = ours.median_equivalent(ours.value_at_percentile(percentile));
        let ours = Duration::from_micros(micros).as_secs_f64() * 1000.0;
        let off = (ours - theirs) / theirs;
        worst = worst.max(off.abs());
        writeln!(out, "{percentile:>5}% {known:>9.2} {theirs:>9.2} {ours:>9.2} {:>7.2}", off * 100.0)?;
    }
    ensure!(worst <= TOLERANCE, "a percentile differs by {:.1} %", worst * 100.0);
    Ok(())
}
