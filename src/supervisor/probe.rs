//! Asks units whether they are ready, in-process and without a shell.
//!
//! Until a unit is ready it is asked after 5 ms, then after twice as long each time up to 250 ms; afterwards
//! every 2 s, so that a start never waits for a poll and a running system is left alone.

use std::time::Duration;

use reqwest::Client;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::state::Verdict;
use crate::stack::Probe;

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
const READY_PAUSE: Duration = Duration::from_secs(2);
/// A healthy local service answers in a millisecond; a second without an answer means that it hangs.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);

/// A client for probes: local, direct, without a pool that would hide a listener that is gone.
///
/// # Errors
/// When the TLS backend cannot be initialised.
pub(super) fn client() -> reqwest::Result<Client> {
    Client::builder()
        .no_proxy()
        .connect_timeout(ANSWER_LIMIT)
        .timeout(ANSWER_LIMIT)
        .pool_max_idle_per_host(0)
        .build()
}

/// Asks for ever and tells each verdict. Ends only by being aborted, or when nobody listens.
pub(super) async fn watch<F>(
    probe: Probe,
    port: Option<u16>,
    client: Client,
    mut tell: impl FnMut(Verdict) -> F,
) where
    F: Future<Output = ()>,
{
    let mut pause = FIRST_PAUSE;
    loop {
        let verdict = ask(&probe, port, &client).await;
        tell(verdict).await;
        pause = match verdict {
            Verdict::Ready => {
                sleep(READY_PAUSE).await;
                FIRST_PAUSE
            }
            Verdict::Alive | Verdict::Silent => {
                sleep(pause).await;
                (pause * 2).min(LONGEST_PAUSE)
            }
        };
    }
}

async fn ask(probe: &Probe, port: Option<u16>, client: &Client) -> Verdict {
    let Some(port) = port else { return Verdict::Ready };
    match probe {
        Probe::None => Verdict::Ready,
        Probe::Http { path, liveness } => http(client, port, path, liveness.as_deref()).await,
        Probe::Tcp => answer(TcpStream::connect(("127.0.0.1", port)), |_| Verdict::Ready).await,
        Probe::Postgres => answer(backing::postgres::is_ready(port), |()| Verdict::Ready).await,
        Probe::Redis => answer(backing::redis::is_ready(port), |()| Verdict::Ready).await,
    }
}

async fn answer<T, E>(
    question: impl Future<Output = Result<T, E>>,
    verdict: impl Fn(T) -> Verdict,
) -> Verdict {
    match timeout(ANSWER_LIMIT, question).await {
        Ok(Ok(value)) => verdict(value),
        Ok(Err(_)) | Err(_) => Verdict::Silent,
    }
}

/// Ready when the readiness path says so. A unit that is not ready is alive when its liveness path says so;
/// without one, any answer is a sign of life.
async fn http(client: &Client, port: u16, path: &str, liveness: Option<&str>) -> Verdict {
    let get = async |path: &str| client.get(format!("http://127.0.0.1:{port}{path}")).send().await;
    match (get(path).await, liveness) {
        (Ok(answer), _) if answer.status().is_success() => Verdict::Ready,
        (Ok(_), None) => Verdict::Alive,
        (Ok(_), Some(liveness)) => match get(liveness).await {
            Ok(answer) if answer.status().is_success() => Verdict::Alive,
            Ok(_) | Err(_) => Verdict::Silent,
        },
        (Err(_), _) => Verdict::Silent,
    }
}
