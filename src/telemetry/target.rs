//! The units that are asked, each in its own way, and what is remembered of each from one time to the next.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::time::timeout;
use tracing::debug;

use super::duty::{Asker, Duty};
use super::sample::{Database, Sample};
use super::scrape::Levels;
use super::summary::is_running;
use super::{postgres, redis, service};
use crate::secrets::{OPERATOR, Secrets, roles};
use crate::supervisor::report::{StateReport, UnitReport};
use crate::supervisor::unit::Kind;

/// Who has not answered by then is asked again with the next tick.
const LIMIT: Duration = Duration::from_millis(900);

pub(super) struct Targets {
    secrets: Secrets,
    http: reqwest::Client,
    units: BTreeMap<Arc<str>, Target>,
}

struct Target {
    /// Another run or process begins to count anew.
    process: (u64, i32),
    port: u16,
    link: Link,
    duty: Option<Asker>,
}

enum Link {
    Service(service::Link),
    Database(Box<postgres::Link>),
    Cache(redis::Link),
}

/// What one unit said.
pub(super) struct Answer {
    pub(super) unit: Arc<str>,
    /// None when it did not answer.
    pub(super) sample: Option<Sample>,
    pub(super) levels: Option<Levels>,
    pub(super) duty: Option<Duty>,
}

impl Targets {
    pub(super) fn new(secrets: PathBuf) -> reqwest::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(LIMIT).pool_max_idle_per_host(1).build()?;
        Ok(Self { secrets: Secrets::new(secrets), http, units: BTreeMap::new() })
    }

    /// Takes up who runs now, and lets go of who does not.
    pub(super) fn follow(&mut self, report: &StateReport) {
        let mut before = std::mem::take(&mut self.units);
        for unit in report.items.iter().filter(|unit| is_running(unit.state)) {
            let (Some(pid), Some(port)) = (unit.pid, unit.port) else { continue };
            let process = (unit.run, pid);
            let known = before.remove_entry(unit.name.as_str());
            let known = known.filter(|(_, target)| target.process == process && target.port == port);
            let taken = known.or_else(|| {
                let link = self.link(unit, port)?;
                let duty = Asker::of(&unit.service, self.secrets.service_key_file(OPERATOR));
                Some((unit.name.as_str().into(), Target { process, port, link, duty }))
            });
            self.units.extend(taken);
        }
    }

    /// None for a unit that cannot be asked.
    fn link(&self, unit: &UnitReport, port: u16) -> Option<Link> {
        match unit.kind {
            Kind::Service => Some(Link::Service(service::Link::new(port))),
            Kind::Database => {
                let password = self.secrets.database_app(&unit.service).ok()?;
                let options = PgConnectOptions::new_without_pgpass()
                    .host("127.0.0.1")
                    .port(port)
                    .username(&roles(&unit.service).1)
                    .password(password.expose())
                    .database(&unit.service)
                    .ssl_mode(PgSslMode::Disable);
                Some(Link::Database(Box::new(postgres::Link::new(options))))
            }
            Kind::Cache => Some(Link::Cache(redis::Link::new(port, self.secrets.cache().ok()?))),
            Kind::Job => None,
        }
    }

    /// Asks all at once.
    pub(super) async fn read(&mut self) -> Vec<Answer> {
        let http = &self.http;
        join_all(self.units.iter_mut().map(|(unit, target)| target.read(unit, http))).await
    }
}

impl Target {
    async fn read(&mut self, unit: &Arc<str>, http: &reqwest::Client) -> Answer {
        let (port, duty) = (self.port, &mut self.duty);
        let duty = async {
            let asking = duty.as_mut()?.ask(http, port);
            timeout(LIMIT, asking).await.ok().flatten()
        };
        let (read, duty) = tokio::join!(timeout(LIMIT, self.link.read(http)), duty);
        let (sample, levels) = match read {
            Ok(Ok((sample, levels))) => (sample, levels),
            Ok(Err(error)) => {
                debug!("{unit} did not tell its figures: {error:#}");
                (None, None)
            }
            Err(_late) => {
                self.link.hang_up();
                debug!("{unit} did not tell its figures in time");
                (None, None)
            }
        };
        Answer { unit: Arc::clone(unit), sample, levels, duty }
    }
}

impl Link {
    async fn read(&mut self, http: &reqwest::Client) -> anyhow::Result<(Option<Sample>, Option<Levels>)> {
        match self {
            Self::Service(link) => {
                let (sample, levels) = link.read(http).await?;
                Ok((Some(sample), Some(levels)))
            }
            Self::Database(link) => Ok((link.read().await?.map(of_database), None)),
            Self::Cache(link) => {
                let sample = link.read().await?.map(|(cache, traffic)| Sample {
                    cache: Some(Box::new(cache)),
                    traffic,
                    ..Sample::default()
                });
                Ok((sample, None))
            }
        }
    }

    /// What a connection still brings belongs to a question that nobody waits for any more.
    fn hang_up(&mut self) {
        match self {
            Self::Service(_) => {}
            Self::Database(link) => link.hang_up(),
            Self::Cache(link) => link.hang_up(),
        }
    }
}

fn of_database(database: Database) -> Sample {
    Sample { database: Some(Box::new(database)), ..Sample::default() }
}
