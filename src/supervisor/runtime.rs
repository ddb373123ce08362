//! The only loop: events in, `step`, effects out.
//!
//! It owns the state, the live runs and the listeners; everything slow happens in tasks that report back.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use reqwest::Client;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};
use tracing::{error, info, warn};

use super::control::{Ask, Asked, Reply};
use super::lease::Lease;
use super::leftover::{self, Marks};
use super::plan::Plan;
use super::process::{self, Start};
use super::publish::{self, Published};
use super::report::StateReport;
use super::state::{Cause, Desired, Effect, Event, Phase, Report, RunId, StackState, UnitId};
use super::step::step;
use super::{adoption, client, facts, probe};
use crate::layout::Layout;
use crate::port;
use crate::shim::protocol::{PROTOCOL, ShimCommand, ShimSpec, StopSignal, Target};
use crate::stack::Stack;

/// Room for every unit's timers and reports of a busy moment; senders wait, nothing is dropped.
const QUEUE: usize = 1024;
/// Signals to one unit that its shim has not read yet.
const COMMANDS: usize = 16;
/// How often the supervisor makes sure that it can still be found.
const LEASE_CHECK: Duration = Duration::from_secs(2);

/// Everything of a running supervisor.
pub(super) struct Runtime {
    layout: Layout,
    stack: Stack,
    plan: Plan,
    state: StackState,
    live: BTreeMap<UnitId, mpsc::Sender<ShimCommand>>,
    probes: BTreeMap<UnitId, AbortHandle>,
    listeners: BTreeMap<UnitId, TcpListener>,
    events: mpsc::Sender<(UnitId, Event)>,
    tasks: JoinSet<()>,
    probe_client: Client,
    reports: watch::Sender<Arc<StateReport>>,
    published: Published,
    started: Instant,
    shutting_down: bool,
    lease: Lease,
}

/// The ends that others hold on to.
pub(super) struct Inbox {
    pub events: mpsc::Receiver<(UnitId, Event)>,
    pub reports: watch::Receiver<Arc<StateReport>>,
}

impl Runtime {
    pub(super) fn new(
        stack: Stack,
        layout: Layout,
        plan: Plan,
        started: Instant,
        lease: Lease,
    ) -> anyhow::Result<(Self, Inbox)> {
        let units = plan.units.iter().map(|unit| (unit.name.clone(), unit.rules())).collect();
        let state = StackState::new(units, plan.graph.clone(), &adoption::last_runs(&layout)?);
        let (events, inbox) = mpsc::channel(QUEUE);
        let first = Arc::new(publish::report(&plan, &state, started, false));
        let (reports, watcher) = watch::channel(first);
        let runtime = Self {
            published: Published::new(&layout),
            layout,
            stack,
            plan,
            state,
            live: BTreeMap::new(),
            probes: BTreeMap::new(),
            listeners: BTreeMap::new(),
            events,
            tasks: JoinSet::new(),
            probe_client: probe::client().context("prepare the health probes")?,
            reports,
            started,
            shutting_down: false,
            lease,
        };
        Ok((runtime, Inbox { events: inbox, reports: watcher }))
    }

    /// Takes over what is there; from then on its reports are true.
    pub(super) async fn begin(&mut self) -> anyhow::Result<()> {
        self.adopt().await;
        match self.published.gateway(&self.stack) {
            // A gateway that runs keeps its routes, and units that run can be stopped also on a full disk.
            Err(error) if !self.live.is_empty() => error!("the gateway's routes stay as they are: {error:#}"),
            published => published?,
        }
        self.publish();
        Ok(())
    }

    /// Runs until a shutdown was asked for and nothing lives.
    pub(super) async fn run(
        &mut self,
        mut events: mpsc::Receiver<(UnitId, Event)>,
        mut asks: mpsc::Receiver<Asked>,
        mut terminate: mpsc::Receiver<()>,
    ) {
        let mut lease_check = tokio::time::interval(LEASE_CHECK);
        while !self.is_finished() {
            tokio::select! {
                Some((id, event)) = events.recv() => self.handle(id, event),
                Some(asked) = asks.recv() => self.answer(asked),
                Some(()) = terminate.recv() => self.shut_down(),
                _ = lease_check.tick() => self.check_lease(),
                Some(ended) = self.tasks.join_next() => {
                    if let Err(error) = ended && error.is_panic() {
                        error!(%error, "a task of the supervisor panicked");
                    }
                }
            }
            self.publish();
        }
        info!("everything is down");
    }

    /// Ends everything but the lease.
    pub(super) fn into_lease(self) -> Lease {
        self.lease
    }

    /// Without its state directory nobody can find a supervisor, and another one may begin.
    fn check_lease(&mut self) {
        if !self.shutting_down && !self.lease.is_in_place() {
            let root = self.layout.root().display();
            error!("{root} was deleted or moved while its units ran: everything is stopped");
            self.shut_down();
        }
    }

    fn is_finished(&self) -> bool {
        self.shutting_down && self.state.units.iter().all(|unit| !unit.phase.is_live())
    }

    fn handle(&mut self, id: UnitId, event: Event) {
        let before = self.state.unit(id).phase.word();
        for (id, effect) in step(&mut self.state, id, event, Instant::now()) {
            self.execute(id, effect);
        }
        let unit = self.state.unit(id);
        let after = unit.phase.word();
        if before != after {
            let cause = unit.last_failure.as_ref().map(Cause::describe).unwrap_or_default();
            let (name, from, to) = (&unit.name, before.as_str(), after.as_str());
            info!(unit = name, from, to, cause, "{name} is {to}");
        }
    }

    fn execute(&mut self, id: UnitId, effect: Effect) {
        match effect {
            Effect::Spawn(run) => self.spawn(id, run),
            Effect::Signal(signal, to) => self.signal(id, signal, to),
            Effect::StartProbe(run) => self.start_probe(id, run),
            Effect::StopProbe => {
                if let Some(probe) = self.probes.remove(&id) {
                    probe.abort();
                }
            }
            Effect::Timer { after, spread, epoch } => {
                let after = after + spread.mul_f64(rand::random::<f64>());
                self.later(id, after, Event::Timeout(epoch));
            }
            Effect::Publish => self.tidy(id),
        }
    }

    fn later(&mut self, id: UnitId, after: Duration, event: Event) {
        let events = self.events.clone();
        self.tasks.spawn(async move {
            tokio::time::sleep(after).await;
            // Nobody listens when the supervisor ends.
            let _ = events.send((id, event)).await;
        });
    }

    fn spawn(&mut self, id: UnitId, run: RunId) {
        let stdin = match self.listener(id) {
            Ok(stdin) => stdin,
            Err(error) => {
                self.later(id, Duration::ZERO, Event::Report(run, Report::SpawnFailed(format!("{error:#}"))));
                self.later(id, Duration::ZERO, Event::Report(run, Report::Gone));
                return;
            }
        };
        let spec = self.plan.unit(id);
        let start = Start {
            layout: self.layout.clone(),
            spec_path: self.layout.shim_spec(&spec.name),
            spec: shim_spec(spec, run, &self.layout, stdin.is_some()),
            stdin,
            marks: Marks::new(&self.layout, &spec.name, run),
        };
        let (commands, inbox) = mpsc::channel(COMMANDS);
        self.live.insert(id, commands);
        let reports = self.report_channel(id, run);
        self.tasks.spawn(process::run(start, inbox, reports));
    }

    /// A channel whose reports arrive as events of that run.
    fn report_channel(&mut self, id: UnitId, run: RunId) -> mpsc::Sender<Report> {
        let (reports, mut inbox) = mpsc::channel(COMMANDS);
        let events = self.events.clone();
        self.tasks.spawn(async move {
            while let Some(report) = inbox.recv().await {
                if events.send((id, Event::Report(run, report))).await.is_err() {
                    return;
                }
            }
        });
        reports
    }

    /// The public listener stays open between two runs of its unit, so that a restart refuses no connection.
    fn listener(&mut self, id: UnitId) -> anyhow::Result<Option<std::os::fd::OwnedFd>> {
        let spec = self.plan.unit(id);
        let (true, Some(port)) = (spec.inherit_listener, spec.port) else {
            return Ok(None);
        };
        let listener = match self.listeners.remove(&id) {
            Some(open) => open,
            None => listen(port)?,
        };
        let inherited = listener.try_clone().context("share the listener")?;
        self.listeners.insert(id, listener);
        Ok(Some(inherited.into()))
    }

    fn signal(&mut self, id: UnitId, signal: StopSignal, to: Target) {
        let Some(commands) = self.live.get(&id) else {
            return;
        };
        if let Err(error) = commands.try_send(ShimCommand::Signal { signal, to }) {
            // The run has ended, or its shim reads nothing: the next signal of the stop plan follows.
            info!(unit = self.state.unit(id).name, %error, "a signal was not delivered");
        }
    }

    fn start_probe(&mut self, id: UnitId, run: RunId) {
        let spec = self.plan.unit(id);
        let events = self.events.clone();
        let tell = move |verdict| {
            let events = events.clone();
            async move {
                // Nobody listens when the supervisor ends.
                let _ = events.send((id, Event::Report(run, Report::Probed(verdict)))).await;
            }
        };
        let watch = probe::watch(spec.probe.clone(), spec.port, self.probe_client.clone(), tell);
        if let Some(former) = self.probes.insert(id, self.tasks.spawn(watch)) {
            former.abort();
        }
    }

    /// Lets go of what a unit at rest does not need.
    fn tidy(&mut self, id: UnitId) {
        let phase = &self.state.unit(id).phase;
        if !phase.is_live() {
            self.live.remove(&id);
            let record = self.layout.exit_record(&self.state.unit(id).name);
            // This end was seen. A record that stays is told once more by the next supervisor.
            let _ = process::remove_stale(&record);
        }
        if matches!(phase, Phase::Stopped | Phase::Failed | Phase::Completed) {
            self.listeners.remove(&id);
        }
    }

    /// Takes over what an earlier supervisor of this instance left running, and ends what cannot be taken over.
    async fn adopt(&mut self) {
        let found = adoption::find(&self.plan, &self.layout).await;
        let ours: Vec<Marks> = found.iter().map(|(_, found)| found.marks.clone()).collect();
        leftover::end_lost_supervisor(&self.layout).await;
        leftover::kill_strangers(&self.layout, &ours).await;
        for (id, cause) in adoption::unseen_ends(&self.plan, &self.layout) {
            let unit = self.state.unit_mut(id);
            let (name, cause) = (&unit.name, &*unit.last_failure.insert(cause));
            warn!(unit = name, "while nobody supervised it, {name} {}", cause.describe());
        }
        for (id, found) in found {
            let (commands, inbox) = mpsc::channel(COMMANDS);
            self.live.insert(id, commands);
            let reports = self.report_channel(id, found.run);
            self.tasks.spawn(process::adopt(self.layout.clone(), found.client, found.marks, inbox, reports));
            self.handle(id, Event::Adopted { run: found.run, pid: found.pid, started: found.started });
        }
    }

    fn answer(&mut self, asked: Asked) {
        let reply = self.act(asked.ask).unwrap_or_else(|error| Reply::Refused(format!("{error:#}")));
        reply_to(asked.reply, reply);
    }

    fn act(&mut self, ask: Ask) -> anyhow::Result<Reply> {
        let is_end = matches!(ask, Ask::Shutdown | Ask::Kill);
        anyhow::ensure!(is_end || !self.shutting_down, "the stack is being stopped");
        let concerned = match ask {
            Ask::Up { units, stack } => {
                self.replace(*stack)?;
                self.want(&units, Desired::Up)?
            }
            Ask::Start { units } => self.want(&units, Desired::Up)?,
            Ask::Stop { units } => self.want(&units, Desired::Down)?,
            Ask::Restart { units } => {
                let ids = self.select(&units)?;
                let needed = self.state.graph.with_dependencies(ids.iter().copied());
                for id in needed.into_iter().filter(|id| !ids.contains(id)) {
                    self.handle(id, Event::Want(Desired::Up));
                }
                for id in &ids {
                    self.handle(*id, Event::Restart);
                }
                ids
            }
            Ask::Shutdown => {
                self.shut_down();
                self.state.ids().collect()
            }
            Ask::Kill => {
                self.shut_down();
                for id in self.state.ids() {
                    self.signal(id, StopSignal::Kill, Target::Descendants);
                }
                self.state.ids().collect()
            }
        };
        Ok(Reply::Units(concerned.into_iter().map(|id| self.state.unit(id).name.clone()).collect()))
    }

    fn want(&mut self, units: &[String], desired: Desired) -> anyhow::Result<Vec<UnitId>> {
        let named = self.select(units)?;
        let concerned = match desired {
            Desired::Up => self.state.graph.with_dependencies(named),
            Desired::Down => self.state.graph.with_dependents(named),
        };
        for id in &concerned {
            self.handle(*id, Event::Want(desired));
        }
        Ok(concerned.into_iter().collect())
    }

    fn shut_down(&mut self) {
        self.shutting_down = true;
        for id in self.state.ids() {
            self.handle(id, Event::Want(Desired::Down));
        }
    }

    /// No name means every unit.
    fn select(&self, names: &[String]) -> anyhow::Result<Vec<UnitId>> {
        if names.is_empty() {
            return Ok(self.state.ids().collect());
        }
        let mut ids = Vec::new();
        for name in names {
            let found = self.plan.named(name);
            anyhow::ensure!(!found.is_empty(), "there is no unit `{name}` in the running stack");
            ids.extend(found);
        }
        Ok(ids)
    }

    /// Units that start from now on start as the new stack says.
    fn replace(&mut self, stack: Stack) -> anyhow::Result<()> {
        if stack == self.stack {
            return Ok(());
        }
        let plan = Plan::new(&stack, &facts::gather(&stack, &self.layout)?);
        let names = |plan: &Plan| plan.units.iter().map(|unit| unit.name.clone()).collect::<Vec<_>>();
        anyhow::ensure!(
            names(&plan) == names(&self.plan) && plan.graph == self.plan.graph,
            "the stack file now has other units or dependencies than the running stack: run `doran down` first"
        );
        let mut pairs = plan.units.iter().zip(&self.plan.units);
        if let Some((new, old)) = pairs.find(|(new, old)| new.port != old.port) {
            let (to, from) = (new.port.unwrap_or_default(), old.port.unwrap_or_default());
            anyhow::bail!(
                "{} runs on port {from} and would move to {to}: give the same --port-offset, or run `doran down` first",
                new.name
            );
        }
        self.published.gateway(&stack)?;
        // Jobs that start from now on, and the next supervisor, read it there.
        client::record(&self.layout, &stack)?;
        for (unit, spec) in self.state.units.iter_mut().zip(&plan.units) {
            unit.rules = spec.rules();
        }
        self.stack = stack;
        self.plan = plan;
        Ok(())
    }

    fn publish(&mut self) {
        let report = publish::report(&self.plan, &self.state, self.started, self.shutting_down);
        self.published.registry(&report);
        self.reports.send_if_modified(|last| {
            let changed = **last != report;
            if changed {
                *last = Arc::new(report);
            }
            changed
        });
    }
}

/// # Errors
/// Names who holds the port: the preflight found it free, so it was taken since.
fn listen(port: u16) -> anyhow::Result<TcpListener> {
    TcpListener::bind(("127.0.0.1", port)).with_context(|| match port::holders(&[port]).get(&port) {
        Some(holder) => format!("port {port} is taken by {holder}"),
        None => format!("listen on port {port}"),
    })
}

fn reply_to(reply: oneshot::Sender<Reply>, answer: Reply) {
    // The client may have left; its request stands.
    let _ = reply.send(answer);
}

fn shim_spec(spec: &super::unit::UnitSpec, run: RunId, layout: &Layout, inherit_stdin: bool) -> ShimSpec {
    let mut launch = spec.launch.clone();
    launch.env.insert(contract::env::UNIT_MARK.to_owned(), Marks::new(layout, &spec.name, run).unit);
    ShimSpec {
        protocol: PROTOCOL,
        unit: spec.name.clone(),
        run: run.0,
        launch,
        logs: layout.logs(),
        socket: layout.shim_socket(&spec.name),
        exit_record: layout.exit_record(&spec.name),
        inherit_stdin,
    }
}
