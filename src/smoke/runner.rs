//! The only part of `smoke` with effects: sends requests, waits, reads the clock.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use futures_util::StreamExt as _;
use futures_util::stream;
use reqwest::header::AUTHORIZATION;
use reqwest::redirect::Policy;
use tokio::time::{Instant, sleep, timeout};

use super::evaluate::{Mismatch, capture, evaluate};
use super::patience::{Next, Outcome, Spent, next};
use super::plan::{PlannedScenario, PlannedStep};
use super::random;
use super::record::{Answer, AttemptRecord, ScenarioRecord, StepRecord, Verdict};
use super::redact::Redactor;
use super::report::ScenarioReport;
use super::request::{Request, request};
use super::response::Response;
use super::scenario::Secrecy;
use super::template::Variables;
use crate::operator;

/// The answer of a body is read up to here; the rest cannot be checked.
const LARGEST_BODY: usize = 1024 * 1024;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// For everything.
    pub total: Duration,
    /// For one answer.
    pub answer: Duration,
    /// Scenarios at the same time.
    pub parallel: usize,
}

/// Runs the scenarios and hands each report out in the order of the plan, as soon as it is that one's turn.
///
/// # Errors
/// When no HTTP client can be made, or `show` fails.
pub(crate) async fn run(
    plan: Vec<PlannedScenario>,
    limits: Limits,
    operator_key: &Path,
    mut show: impl FnMut(&ScenarioReport) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<ScenarioReport>> {
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .user_agent(concat!("doran-smoke/", env!("CARGO_PKG_VERSION")))
        .build()
        .context("prepare the HTTP client")?;
    let end = Instant::now() + limits.total;
    let runner = &Runner { http, limits, operator_key: operator_key.to_owned(), end };
    let mut running = stream::iter(plan.into_iter().enumerate())
        .map(|(index, scenario)| async move { (index, runner.scenario(scenario).await) })
        .buffer_unordered(limits.parallel);
    let mut waiting = BTreeMap::new();
    let mut shown = Vec::new();
    while let Some((index, record)) = running.next().await {
        waiting.insert(index, ScenarioReport::of(record));
        while let Some(report) = waiting.remove(&shown.len()) {
            show(&report)?;
            shown.push(report);
        }
    }
    Ok(shown)
}

struct Runner {
    http: reqwest::Client,
    limits: Limits,
    /// Signs the tokens of steps that ask as the operator.
    operator_key: PathBuf,
    /// When everything must be over.
    end: Instant,
}

/// What a scenario knows while it runs.
struct State {
    variables: Variables,
    redactor: Redactor,
}

impl Runner {
    async fn scenario(&self, scenario: PlannedScenario) -> ScenarioRecord {
        let begun = Instant::now();
        let mut state = State { variables: scenario.fixed, redactor: Redactor::default() };
        for variable in &scenario.variables {
            let value = random::set(variable, &mut state.variables, &mut rand::rng());
            if variable.secrecy == Secrecy::Secret {
                state.redactor.learn(&value);
            }
        }
        let mut steps = Vec::new();
        let mut going_on = true;
        for step in &scenario.steps {
            let record = if going_on { self.step(step, &mut state).await } else { skipped(step) };
            going_on = record.verdict == Verdict::Passed;
            steps.push(record);
        }
        ScenarioRecord {
            file: scenario.file,
            name: scenario.name,
            took: begun.elapsed(),
            steps,
            redactor: state.redactor,
        }
    }

    async fn step(&self, step: &PlannedStep, state: &mut State) -> StepRecord {
        let begun = Instant::now();
        let mut record = StepRecord {
            name: step.name.clone(),
            verdict: Verdict::Unfinished,
            request: String::new(),
            took: Duration::ZERO,
            attempts: Vec::new(),
        };
        match self.request(step, &state.variables) {
            Ok(request) => {
                record.request = request.line();
                request.teach(&mut state.redactor);
                record.verdict = self.attempts(step, &request, state, &mut record.attempts).await;
            }
            Err(error) => {
                let answer = Answer::Lost(format!("{error:#}"));
                record.attempts.push(AttemptRecord { took: Duration::ZERO, answer });
                record.verdict = Verdict::Failed;
            }
        }
        record.took = begun.elapsed();
        record
    }

    /// What the step sends, with the operator's token if it needs one.
    fn request(&self, step: &PlannedStep, variables: &Variables) -> anyhow::Result<Request> {
        let mut request = request(step, variables)?;
        if let Some(service) = &step.operator_at {
            let token = operator::token(&self.operator_key, service, SystemTime::now())?;
            let value = format!("Bearer {token}").parse().context("write the operator's token")?;
            request.headers.insert(AUTHORIZATION, value);
        }
        Ok(request)
    }

    /// Asks until the step passes or its patience, or the time of the run, is over.
    async fn attempts(
        &self,
        step: &PlannedStep,
        request: &Request,
        state: &mut State,
        attempts: &mut Vec<AttemptRecord>,
    ) -> Verdict {
        let begun = Instant::now();
        let mut throttled = Duration::ZERO;
        loop {
            let Some(left) = self.left() else {
                return Verdict::Unfinished;
            };
            let asked = Instant::now();
            let (answer, outcome) = self.attempt(step, request, left, state).await;
            attempts.push(AttemptRecord { took: asked.elapsed(), answer });
            let Some(left) = self.left().or_else(|| (outcome == Outcome::Passed).then_some(Duration::ZERO))
            else {
                return Verdict::Unfinished;
            };
            let spent = Spent { asking: begun.elapsed().saturating_sub(throttled), left };
            match next(outcome, step.step.patience, spent) {
                Next::Pass => return Verdict::Passed,
                Next::Fail => return Verdict::Failed,
                Next::Again(after) => {
                    if matches!(outcome, Outcome::Throttled { .. }) {
                        throttled += after;
                    }
                    sleep(after.min(left)).await;
                }
            }
        }
    }

    async fn attempt(
        &self,
        step: &PlannedStep,
        request: &Request,
        left: Duration,
        state: &mut State,
    ) -> (Answer, Outcome) {
        let limit = left.min(self.limits.answer);
        let response = match timeout(limit, self.send(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return (Answer::Lost(chain(&error)), Outcome::Failed),
            Err(_) => {
                let why = format!("no answer within {} ms", limit.as_millis());
                return (Answer::Lost(why), Outcome::Failed);
            }
        };
        state.redactor.learn_body(&response.body);
        let mut mismatches = evaluate(&step.step.checks, &state.variables, &response);
        if mismatches.is_empty() {
            match keep(step, &response, state) {
                Ok(()) => {
                    return (Answer::Good { status: response.status }, Outcome::Passed);
                }
                Err(mismatch) => mismatches.push(*mismatch),
            }
        }
        let outcome =
            response.retry_after().map_or(Outcome::Failed, |retry_after| Outcome::Throttled { retry_after });
        let trace = response.trace_id();
        (Answer::Bad { status: response.status, mismatches, body: response.body, trace }, outcome)
    }

    async fn send(&self, request: &Request) -> reqwest::Result<Response> {
        let mut builder =
            self.http.request(request.method.clone(), &request.url).headers(request.headers.clone());
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        let mut answer = builder.send().await.map_err(reqwest::Error::without_url)?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
            let room = LARGEST_BODY - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() == LARGEST_BODY {
                break;
            }
        }
        Ok(Response { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
    }

    /// `None` when the time of the run is over.
    fn left(&self) -> Option<Duration> {
        let left = self.end.saturating_duration_since(Instant::now());
        (left > Duration::ZERO).then_some(left)
    }
}

fn skipped(step: &PlannedStep) -> StepRecord {
    StepRecord {
        name: step.name.clone(),
        verdict: Verdict::Skipped,
        request: String::new(),
        took: Duration::ZERO,
        attempts: Vec::new(),
    }
}

/// Sets what the step captures.
fn keep(step: &PlannedStep, response: &Response, state: &mut State) -> Result<(), Box<Mismatch>> {
    for (capture, value) in capture(&step.step.captures, response)? {
        if capture.secrecy == Secrecy::Secret {
            state.redactor.learn(&value);
        }
        state.variables.insert(capture.name.clone(), value);
    }
    Ok(())
}

/// An error and what caused it, on one line.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
