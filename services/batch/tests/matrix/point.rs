//! The points of an execution, as a process sees them: tells of each, and meets its fate there.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::Write as _;
use std::sync::Mutex;

use batch::engine::point::Point;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::fate::Fates;
use super::process::TOLD;

/// Where the engine tells of them.
const TARGET: &str = "batch::engine::point";

/// Looks at every event of [`TARGET`].
pub(crate) struct Points {
    fates: Option<Fates>,
    passed: Mutex<BTreeMap<(String, String), u64>>,
}

impl Points {
    pub(crate) const fn new(fates: Option<Fates>) -> Self {
        Self { fates, passed: Mutex::new(BTreeMap::new()) }
    }

    fn pass(&self, point: &str, step: &str) {
        // Held to the end: two threads at points at once would tell of them in each other's words.
        let mut passed = self.passed.lock().unwrap();
        tell(&format!("passed {point} {step}"));
        let count = passed.entry((point.to_owned(), step.to_owned())).or_default();
        *count += 1;
        if let Some((number, end)) = self.fates.as_ref().and_then(|fates| fates.meet(point, step, *count)) {
            tell(&format!("met {number} {end:?}"));
            end.befall();
        }
    }
}

fn tell(news: &str) {
    let mut out = std::io::stdout().lock();
    // Without a parent this process ends anyway.
    let _ = writeln!(out, "{TOLD}{news}");
    let _ = out.flush();
}

impl<S: Subscriber> Layer<S> for Points {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        if event.metadata().target() != TARGET {
            return;
        }
        let mut found = Found::default();
        event.record(&mut found);
        // A process that has lost an execution does not pass anything of it.
        if found.point == Point::Lost.as_str() {
            tell("lost");
        } else {
            self.pass(&found.point, &found.step);
        }
    }
}

#[derive(Default)]
struct Found {
    point: String,
    step: String,
}

impl Found {
    fn put(&mut self, field: &Field, value: String) {
        match field.name() {
            "point" => self.point = value,
            "step" => self.step = value,
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
