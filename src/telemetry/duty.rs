//! What batch and store are busy with, asked as the operator.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use contract::batch::{self, ExecutionStatus, Job};
use contract::store::SagaState;
use contract::store::maintenance::{SagaList, path};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::operator;

/// Nothing changes quickly while nothing runs.
const EVERY: Duration = Duration::from_secs(10);
const EVERY_WHILE_BUSY: Duration = Duration::from_secs(2);
/// More sagas than these are told as "at least".
const PAGE: usize = 100;

/// Of the jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Jobs {
    pub next: Option<NextJob>,
    /// The one that ended last.
    pub last: Option<LastJob>,
    pub running: Vec<RunningJob>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NextJob {
    pub job: String,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LastJob {
    pub job: String,
    pub status: ExecutionStatus,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunningJob {
    pub job: String,
    pub written: i64,
    /// As far as is known.
    pub total: Option<i64>,
}

/// Of the orders on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sagas {
    pub running: usize,
    /// A person has to look, or ten attempts came to nothing.
    pub stuck: usize,
    /// There are more than these.
    pub at_least: bool,
}

/// What was learnt.
#[derive(Debug, Clone)]
pub(super) enum Duty {
    Jobs(Jobs),
    Sagas(Sagas),
}

/// Asks one service now and then.
pub(super) struct Asker {
    service: &'static str,
    key: PathBuf,
    due: Option<Instant>,
}

impl Asker {
    /// None for a service without duties of this kind.
    pub(super) fn of(service: &str, key: PathBuf) -> Option<Self> {
        let service = ["batch", "store"].into_iter().find(|name| *name == service)?;
        Some(Self { service, key, due: None })
    }

    /// None when it is not time, or the service does not answer as it should.
    pub(super) async fn ask(&mut self, http: &reqwest::Client, port: u16) -> Option<Duty> {
        if self.due.is_some_and(|due| Instant::now() < due) {
            return None;
        }
        self.due = Some(Instant::now() + EVERY);
        let duty = match self.service {
            "batch" => {
                self.get(http, port, batch::path::JOBS).await.map(|jobs: Vec<Job>| Duty::Jobs(of_jobs(&jobs)))
            }
            _ => self.sagas(http, port).await.map(Duty::Sagas),
        };
        if let Some(Duty::Jobs(jobs)) = &duty
            && !jobs.running.is_empty()
        {
            self.due = Some(Instant::now() + EVERY_WHILE_BUSY);
        }
        duty
    }

    async fn sagas(&self, http: &reqwest::Client, port: u16) -> Option<Sagas> {
        let mut counts = [0; 3];
        let states = [SagaState::Running, SagaState::Compensating, SagaState::Stuck];
        for (count, state) in counts.iter_mut().zip(states) {
            let route = format!("{}?state={}&size={PAGE}", path::SAGAS, state.as_str());
            *count = self.get::<SagaList>(http, port, &route).await?.items.len();
        }
        let [running, compensating, stuck] = counts;
        Some(Sagas { running: running + compensating, stuck, at_least: counts.contains(&PAGE) })
    }

    async fn get<A: DeserializeOwned>(&self, http: &reqwest::Client, port: u16, route: &str) -> Option<A> {
        let token = operator::token(&self.key, self.service, SystemTime::now()).ok()?;
        let answer = http.get(format!("http://127.0.0.1:{port}{route}")).bearer_auth(token).send().await;
        answer.ok()?.error_for_status().ok()?.json().await.ok()
    }
}

fn of_jobs(jobs: &[Job]) -> Jobs {
    let time = |micros: i64| Timestamp::from_microsecond(micros).unwrap_or_default();
    let scheduled = jobs.iter().filter_map(|job| Some((job, job.schedule.next_fire_time?)));
    let next = scheduled.min_by_key(|(_, at)| *at);
    let executions = || jobs.iter().filter_map(|job| job.last_execution.as_ref());
    let ended = executions().filter_map(|execution| Some((execution, execution.end_time?)));
    let last = ended.max_by_key(|(_, at)| *at);
    let running = executions().filter(|execution| execution.status.is_running());
    Jobs {
        next: next.map(|(job, at)| NextJob { job: job.name.clone(), at: time(at.timestamp_micros()) }),
        last: last.map(|(last, at)| LastJob {
            job: last.job.clone(),
            status: last.status,
            at: time(at.timestamp_micros()),
        }),
        running: running
            .map(|execution| RunningJob {
                job: execution.job.clone(),
                written: execution.progress.written,
                total: execution.progress.total,
            })
            .collect(),
    }
}
