//! What the supervisor knows of how its units do: collected every second, kept for a day, told on the control socket.
//!
//! Pure: `exposition`, `cells`, `sample`, `scrape`, `history`, `window`, `summary`, `view`. Effects: `service`,
//! `postgres`, `redis` (each asks one kind of unit), `process` and `socket` (ask the kernel), `duty`, `journal` (the
//! disk), `collector` (the loop), `board` (what is known), `api` (who asks). Nothing here touches the runtime's state:
//! it reads the published states, and ends with them.

pub(crate) mod api;
mod board;
mod cells;
mod collector;
mod duty;
mod exposition;
mod history;
mod journal;
mod postgres;
mod process;
mod redis;
mod sample;
mod scrape;
mod service;
mod socket;
mod summary;
mod target;
#[cfg(test)]
mod tests;
pub(crate) mod view;
mod window;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use tokio::sync::watch;

use self::board::Board;
use self::collector::Collector;
use crate::layout::Layout;
use crate::supervisor::report::StateReport;

/// The routes of the control API, and the collection itself, which goes on until the states end.
pub(crate) fn begin(
    layout: &Layout,
    instance: &str,
    reports: watch::Receiver<Arc<StateReport>>,
    started: Instant,
) -> (Router, impl Future<Output = ()> + use<>) {
    let board = Board::new(instance);
    let routes = api::routes(board.clone(), reports.clone(), started);
    (routes, Collector::new(layout, board, reports).run())
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
