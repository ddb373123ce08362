//! The points at which a test can kill: told at once, in their order.

use std::cell::RefCell;
use std::fmt::Debug;
use std::sync::Once;

use contract::batch::ExecutionStatus;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use testkit::eventually;

use super::stage::{LIMIT, QUICK, Stage, job};

thread_local! {
    /// Every test has a thread of its own, and its tasks run on it.
    static REACHED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Hears the points that are reached, of every test: a subscriber of one thread only would not be told of what another
/// thread has logged first.
struct Points;

/// From now on the points of this test are heard.
pub(super) fn hear() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Points))
            .expect("nobody else hears");
    });
}

pub(super) fn reached() -> Vec<String> {
    REACHED.with_borrow(Clone::clone)
}

impl<S: Subscriber> Layer<S> for Points {
    fn on_event(&self, event: &Event<'_>, _cx: Context<'_, S>) {
        if event.metadata().target() == "batch::engine::point" {
            event.record(&mut Name);
        }
    }
}

struct Name;

impl Visit for Name {
    fn record_debug(&mut self, _field: &Field, _value: &dyn Debug) {}

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "point" {
            REACHED.with_borrow_mut(|reached| reached.push(value.to_owned()));
        }
    }
}

#[tokio::test]
async fn every_point_is_told_in_its_order() {
    hear();
    let stage = Stage::set().await;
    let instance = stage.instance(job(vec![stage.counting(15, 10)]), QUICK);
    let id = stage.start().await;
    instance.runner.wake();
    stage.becomes(id, ExecutionStatus::Completed).await;
    let chunk = ["begin", "read", "written", "committing", "committed"];
    let expected = [&["claimed", "planned"][..], &chunk, &chunk, &["step-done", "ending", "ended"]].concat();
    let all = || async { if reached() == expected { Ok(()) } else { Err(reached()) } };
    eventually(LIMIT, all).await;
}
