//! One process of a service, asked for its metrics and its durations.

use std::time::Instant;

use anyhow::Context as _;
use reqwest::StatusCode;

use super::cells::Cells;
use super::millis;
use super::sample::{Sample, Service};
use super::scrape::{self, Levels, Totals};

/// A service with many routes has 200 KB.
const LONGEST: usize = 4 << 20;

pub(super) struct Link {
    port: u16,
    /// Of this very process.
    last: Option<(Instant, Totals)>,
}

impl Link {
    pub(super) fn new(port: u16) -> Self {
        Self { port, last: None }
    }

    /// # Errors
    /// When it does not answer, or not as a service does. The caller bounds the time.
    pub(super) async fn read(&mut self, http: &reqwest::Client) -> anyhow::Result<(Sample, Levels)> {
        let text = self.get(http, "/actuator/prometheus").await?.context("it has no metrics")?;
        let now = Instant::now();
        let (totals, levels) = scrape::read(&String::from_utf8_lossy(&text));
        let idle = self.last.as_ref().filter(|(_, last)| totals.is_as_busy_as(last));
        let cells = match idle {
            Some((_, last)) => last.latency().clone(),
            None => self.durations(http).await?,
        };
        let totals = totals.with_latency(cells);
        let grown = self.last.as_ref().and_then(|(at, last)| totals.since(last, millis(now - *at)));
        self.last = Some((now, totals));
        let (mut service, traffic) = match grown {
            Some((service, traffic)) => (service, Some(traffic)),
            None => (Service::default(), None),
        };
        levels.note(&mut service);
        Ok((Sample { traffic, service: Some(Box::new(service)), ..Sample::default() }, levels))
    }

    async fn durations(&self, http: &reqwest::Client) -> anyhow::Result<Cells> {
        let bytes = self.get(http, "/actuator/latency").await?;
        let cells = bytes.map(|bytes| Cells::decode(&bytes)).transpose();
        Ok(cells.context("read its durations")?.unwrap_or_default())
    }

    /// None when there is no such page.
    async fn get(&self, http: &reqwest::Client, path: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let mut answer = http.get(format!("http://127.0.0.1:{}{path}", self.port)).send().await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        anyhow::ensure!(answer.status().is_success(), "{path} answered {}", answer.status());
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            anyhow::ensure!(bytes.len() + chunk.len() <= LONGEST, "{path} is longer than {LONGEST} bytes");
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(bytes))
    }
}
