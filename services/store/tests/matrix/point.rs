//! The points of the saga, as a process sees them: tells of each once, and stops at the one that is armed.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::io::Write as _;
use std::sync::{Arc, Condvar, Mutex};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use uuid::Uuid;

use super::process::TOLD;

/// Where the saga tells of them.
const TARGET: &str = "store::saga::point";

/// What the parent wants of this process.
#[derive(Default)]
pub(crate) struct Control {
    state: Mutex<State>,
    go: Condvar,
}

#[derive(Default)]
struct State {
    armed: Option<Armed>,
    seen: BTreeSet<String>,
    is_held: bool,
}

struct Armed {
    point: String,
    /// Ids are in order of time: older orders belong to an earlier run.
    since: Uuid,
}

impl Control {
    /// One line of the parent.
    pub(crate) fn obey(&self, line: &str) {
        let mut state = self.state.lock().unwrap();
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["arm", point, since] => {
                state.armed = Some(Armed { point: point.to_owned(), since: since.parse().unwrap() });
            }
            ["go"] => {
                state.armed = None;
                state.is_held = false;
                self.go.notify_all();
            }
            _ => panic!("the parent says `{line}`"),
        }
    }

    /// A thread is at `point`, and stays there if the parent wants it to.
    fn pass(&self, point: &str, order: Uuid) {
        let mut state = self.state.lock().unwrap();
        if state.seen.insert(point.to_owned()) {
            tell(&format!("seen {point}"));
        }
        let is_armed = state.armed.as_ref().is_some_and(|armed| armed.point == point && order >= armed.since);
        if !is_armed {
            return;
        }
        state.armed = None;
        state.is_held = true;
        tell(&format!("reached {order}"));
        drop(self.go.wait_while(state, |state| state.is_held).unwrap());
    }
}

fn tell(news: &str) {
    let mut out = std::io::stdout().lock();
    // Without a parent this process ends anyway.
    let _ = writeln!(out, "{TOLD}{news}");
    let _ = out.flush();
}

/// Looks at every event of [`TARGET`].
pub(crate) struct Points {
    control: Arc<Control>,
}

impl Points {
    pub(crate) const fn new(control: Arc<Control>) -> Self {
        Self { control }
    }
}

impl<S: Subscriber> Layer<S> for Points {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        if event.metadata().target() != TARGET {
            return;
        }
        let mut found = Found::default();
        event.record(&mut found);
        let order = found.order.parse().unwrap();
        self.control.pass(&found.point, order);
    }
}

#[derive(Default)]
struct Found {
    point: String,
    order: String,
}

impl Found {
    fn put(&mut self, field: &Field, value: String) {
        match field.name() {
            "point" => self.point = value,
            "order.id" => self.order = value,
            _ => {}
        }
    }
}

impl Visit for Found {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format!("{value:?}"));
    }
}
