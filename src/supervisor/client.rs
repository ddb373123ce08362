//! The verbs' end of the control socket, and how a supervisor is started.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::{Stream, StreamExt as _};
use reqwest::Response;
use serde::de::DeserializeOwned;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::control::{Ask, Reply};
use super::lease::{self, Lease};
use super::leftover;
use super::report::StateReport;
use super::serve::make_directories;
use crate::error::{CliError, ExitStatus};
use crate::layout::Layout;
use crate::shim::protocol::PROTOCOL;
use crate::stack::Stack;

/// A supervisor answers from memory.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// It finds the servers, makes keys and adopts before it listens.
const START_LIMIT: Duration = Duration::from_secs(20);
/// The URL's host is not dialled: the client speaks to the socket.
const BASE: &str = "http://doran";
pub(crate) const SUPERVISOR_LOG: &str = "supervisor.log";
/// Between two looks at a lock that somebody else holds for a moment.
const LOOK_AGAIN: Duration = Duration::from_millis(2);
/// The supervisor's own log is put aside by the next start when it is longer than this.
const LONGEST_LOG: u64 = 4 << 20;

/// A connection to the supervisor of one instance.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    instance: String,
    lease: PathBuf,
    /// The supervisor's; 0 until it has answered.
    pid: u32,
}

/// What came of a wish to have a supervisor.
pub(crate) struct Started {
    pub client: Client,
    /// It was not there before.
    pub ours: bool,
}

impl Client {
    /// `None` when nobody supervises this instance.
    ///
    /// # Errors
    /// When the socket cannot be used, or a supervisor of another version answers.
    pub(crate) async fn connect(layout: &Layout, instance: &str) -> anyhow::Result<Option<Self>> {
        if lease::holder(&layout.lease()).context("read the supervisor's lease")?.is_none() {
            return Ok(None);
        }
        let http = reqwest::Client::builder()
            .unix_socket(layout.control_socket())
            .no_proxy()
            .build()
            .context("prepare the control client")?;
        let mut client = Self { http, instance: instance.to_owned(), lease: layout.lease(), pid: 0 };
        let deadline = Instant::now() + START_LIMIT;
        loop {
            match client.state().await {
                Ok(state) => {
                    check_protocol(&state)?;
                    client.pid = state.supervisor.pid;
                    return Ok(Some(client));
                }
                Err(_) if lease::holder(&layout.lease())?.is_none() => return Ok(None),
                Err(error) if Instant::now() > deadline => return Err(mute(layout, &error)),
                Err(_) => sleep(LOOK_AGAIN).await,
            }
        }
    }

    /// Like [`Self::connect`]; when a killed supervisor left units behind, a new one takes them over first, with
    /// the stack that they were started with.
    ///
    /// # Errors
    /// Also when that one cannot start.
    pub(crate) async fn find(layout: &Layout, instance: &str) -> anyhow::Result<Option<Self>> {
        if let Some(client) = Self::connect(layout, instance).await? {
            return Ok(Some(client));
        }
        match recorded(layout) {
            Some(stack) if leftover::any_of(layout) => Ok(Some(start(&stack, layout).await?.client)),
            Some(_) | None => Ok(None),
        }
    }

    /// Like [`Self::connect`], for verbs that need a running stack.
    ///
    /// # Errors
    /// Exit code 6 when nothing runs.
    pub(crate) async fn require(layout: &Layout, instance: &str) -> anyhow::Result<Self> {
        Self::find(layout, instance).await?.ok_or_else(|| not_running(instance).into())
    }

    pub(crate) async fn state(&self) -> anyhow::Result<StateReport> {
        self.get("/v1/state").await
    }

    /// A document of the control API.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let request = self.http.get(format!("{BASE}{path}")).timeout(ANSWER_LIMIT);
        let answer =
            request.send().await.and_then(Response::error_for_status).map_err(|error| self.unheard(error))?;
        answer.json().await.map_err(|error| self.unheard(error))
    }

    /// It takes no more wishes: it stops everything, or has gone.
    pub(crate) async fn is_ending(&self) -> bool {
        self.state().await.is_ok_and(|state| state.supervisor.shutting_down) || self.is_gone()
    }

    /// Waits until the supervisor's process has ended, and learns it by the end of the stream of states.
    pub(crate) async fn ended(&self) {
        if let Ok(states) = self.watch().await {
            states.for_each(|_| std::future::ready(())).await;
        }
        self.gone().await;
    }

    /// Nobody supervises the instance any more, or somebody else does.
    pub(crate) fn is_gone(&self) -> bool {
        let is_other = |pid| pid != 0 && self.pid != 0 && pid != self.pid;
        lease::holder(&self.lease).is_ok_and(|holder| holder.is_none_or(|holder| is_other(holder.pid)))
    }

    /// Waits until the supervisor's process has ended.
    pub(crate) async fn gone(&self) {
        while !self.is_gone() {
            sleep(LOOK_AGAIN).await;
        }
    }

    /// The present state and then every change. Ends with the supervisor.
    pub(crate) async fn watch(
        &self,
    ) -> anyhow::Result<impl Stream<Item = anyhow::Result<StateReport>> + use<>> {
        self.lines("/v1/watch").await
    }

    /// A stream of the control API, one document a line. Ends with the supervisor.
    pub(crate) async fn lines<T: DeserializeOwned + Send + 'static>(
        &self,
        path: &str,
    ) -> anyhow::Result<impl Stream<Item = anyhow::Result<T>> + use<T>> {
        let answer = self.http.get(format!("{BASE}{path}")).send().await;
        let answer = answer.and_then(Response::error_for_status).map_err(|error| self.unheard(error))?;
        let mut chunks = answer.bytes_stream();
        let (tell, told) = tokio::sync::mpsc::channel(1);
        let mut reading = tokio::task::JoinSet::new();
        reading.spawn(async move {
            let mut buffer = Vec::new();
            while let Some(Ok(chunk)) = chunks.next().await {
                buffer.extend_from_slice(&chunk);
                while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = buffer.drain(..=end).collect();
                    let document = serde_json::from_slice(&line).context("read what the supervisor tells");
                    if tell.send(document).await.is_err() {
                        return;
                    }
                }
            }
        });
        Ok(tokio_stream::wrappers::ReceiverStream::new(told).map(move |document| {
            // The reader lives exactly as long as the stream.
            let _ = &reading;
            document
        }))
    }

    /// A supervisor that has ended meanwhile is none: exit code 6.
    fn unheard(&self, error: reqwest::Error) -> anyhow::Error {
        if self.is_gone() {
            return not_running(&self.instance).into();
        }
        anyhow::Error::new(error.without_url()).context("the supervisor does not answer")
    }

    /// Asks and returns the names of the units concerned.
    pub(crate) async fn ask(&self, ask: &Ask) -> anyhow::Result<Vec<String>> {
        let request = self.http.post(format!("{BASE}/v1/ask")).timeout(ANSWER_LIMIT).json(ask);
        let answer =
            request.send().await.and_then(Response::error_for_status).map_err(|error| self.unheard(error))?;
        match answer.json().await.map_err(|error| self.unheard(error))? {
            Reply::Units(names) => Ok(names),
            Reply::Refused(message) => Err(CliError::new(ExitStatus::Failure, message)
                .help(format!("`doran ps --instance {}` lists the units", self.instance))
                .into()),
        }
    }
}

/// It is stopped, or waits for a disk.
fn mute(layout: &Layout, error: &anyhow::Error) -> anyhow::Error {
    let pid = lease::holder(&layout.lease()).ok().flatten().map_or(0, |holder| holder.pid);
    let log = layout.logs().join(SUPERVISOR_LOG);
    CliError::new(
        ExitStatus::Failure,
        format!("the supervisor (pid {pid}) runs but does not answer: {error:#}"),
    )
    .help(format!(
        "see {}; `kill -9 {pid}` harms no unit: the next `doran up` takes them over",
        log.display()
    ))
    .into()
}

pub(crate) fn not_running(instance: &str) -> CliError {
    let name = if instance == "default" { String::new() } else { format!(" (instance {instance})") };
    CliError::new(ExitStatus::NotRunning, format!("the stack is not running{name}"))
        .help("start it with `doran up`")
}

fn check_protocol(state: &StateReport) -> anyhow::Result<()> {
    let theirs = state.supervisor.protocol;
    if theirs != PROTOCOL {
        return Err(CliError::new(
            ExitStatus::Conflict,
            format!("the running supervisor speaks protocol {theirs}, this doran speaks {PROTOCOL}"),
        )
        .help("run `doran down` with the doran that started it, then `doran up`")
        .into());
    }
    Ok(())
}

/// One start at a time: whoever comes second finds the supervisor of the first.
pub(crate) async fn start_turn(layout: &Layout) -> anyhow::Result<Lease> {
    make_directories(layout)?;
    let path = layout.start_lock();
    let deadline = Instant::now() + START_LIMIT;
    loop {
        match Lease::take(&path).with_context(|| format!("lock {}", path.display()))? {
            Some(turn) => return Ok(turn),
            None if Instant::now() > deadline => {
                let message =
                    format!("another doran has been starting this instance for {} s", START_LIMIT.as_secs());
                return Err(CliError::new(ExitStatus::Conflict, message)
                    .help(format!("{} says who it is", path.display()))
                    .into());
            }
            None => sleep(LOOK_AGAIN).await,
        }
    }
}

/// Starts a detached supervisor and returns when it answers. It begins with `stack`, or when units are left of
/// an earlier one, with the stack that those were started with.
///
/// # Errors
/// When it ends before it answers: the message carries the end of its log.
pub(crate) async fn start(stack: &Stack, layout: &Layout) -> anyhow::Result<Started> {
    let _turn = start_turn(layout).await?;
    start_now(stack, layout).await
}

/// Like [`start`], for who has the turn already.
pub(crate) async fn start_now(stack: &Stack, layout: &Layout) -> anyhow::Result<Started> {
    if let Some(client) = Client::connect(layout, &stack.instance).await? {
        return Ok(Started { client, ours: false });
    }
    if recorded(layout).is_none() || !leftover::any_of(layout) {
        record(layout, stack)?;
    }
    let log_path = layout.logs().join(SUPERVISOR_LOG);
    let log = open_log(&log_path).with_context(|| format!("open {}", log_path.display()))?;
    let from = log.metadata().map_or(0, |metadata| metadata.len());
    let mut child = Command::new("/proc/self/exe")
        .arg("supervisor")
        .arg(layout.stack())
        .env(contract::env::UNIT_MARK, leftover::supervisor(layout))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .context("start the supervisor")?;
    let deadline = Instant::now() + START_LIMIT;
    loop {
        if let Some(client) = Client::connect(layout, &stack.instance).await? {
            return Ok(Started { client, ours: true });
        }
        if let Some(error) = ended(&mut child, &log_path, from)? {
            return Err(error);
        }
        anyhow::ensure!(
            Instant::now() < deadline,
            "the supervisor did not start; see {}",
            log_path.display()
        );
        sleep(LOOK_AGAIN).await;
    }
}

/// What a supervisor that ended at once said.
fn ended(child: &mut Child, log: &Path, from: u64) -> anyhow::Result<Option<anyhow::Error>> {
    let Some(status) = child.try_wait().context("watch the supervisor")? else {
        return Ok(None);
    };
    let text = fs::read(log).unwrap_or_default();
    let said = text.get(usize::try_from(from).unwrap_or(0)..).unwrap_or_default();
    let said = String::from_utf8_lossy(said);
    let message = format!("the supervisor ended before it was ready ({status})\n{}", said.trim_end());
    let class = match status.code().and_then(|code| u8::try_from(code).ok()) {
        Some(code) if code == ExitStatus::Config.code() => ExitStatus::Config,
        Some(code) if code == ExitStatus::Conflict.code() => ExitStatus::Conflict,
        Some(_) | None => ExitStatus::Failure,
    };
    Ok(Some(CliError::new(class, message).into()))
}

fn open_log(path: &Path) -> std::io::Result<fs::File> {
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() > LONGEST_LOG) {
        fs::rename(path, path.with_extension("log.old"))?;
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

/// The stack that the instance's units run with.
pub(crate) fn recorded(layout: &Layout) -> Option<Stack> {
    // Missing, or written by another version: then nothing is known.
    serde_json::from_slice(&fs::read(layout.stack()).ok()?).ok()
}

/// Writes down what the instance runs with.
pub(super) fn record(layout: &Layout, stack: &Stack) -> anyhow::Result<()> {
    write_private(&layout.stack(), &serde_json::to_vec_pretty(stack)?)
}

/// 0600 from its first byte.
fn write_private(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let aside = path.with_extension("new");
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&aside)
        .and_then(|mut file| file.write_all(content))
        .and_then(|()| fs::rename(&aside, path))
        .with_context(|| format!("write {}", path.display()))
}
