//! The handles that every handler shares.

use axum::extract::FromRef;
use chassis::Platform;
use chassis::identity::Identity;
use chassis::shutdown::Drain;
use sqlx::PgPool;

use crate::handlers::usage::Limits;
use crate::live::Live;
use crate::month_sum::MonthSums;
use crate::posting::Posting;
use crate::responder::Responder;
use crate::socket::presence::Pace;
use crate::socket::{Sockets, Timing};
use crate::turn::Turns;

#[derive(Clone, FromRef)]
pub struct AppState {
    pub db: PgPool,
    pub identity: Identity,
    pub drain: Drain,
    pub limits: Limits,
    pub live: Live,
    pub month_sums: MonthSums,
    pub posting: Posting,
    pub responder: Responder,
    pub sockets: Sockets,
    pub turns: Turns,
}

impl AppState {
    pub fn new(platform: &Platform, db: PgPool, responder: Responder, limits: Limits) -> Self {
        let live = Live::start(platform, &db);
        let turns = Turns::start(platform, db.clone(), live.clone(), responder.clone());
        let posting = Posting::new(platform, db.clone(), live.clone(), turns.clone());
        let (timing, pace) = (Timing::default(), Pace::default());
        Self {
            sockets: Sockets::start(platform, db.clone(), live.clone(), posting.clone(), timing, pace),
            posting,
            identity: platform.identity().clone(),
            drain: platform.drain().clone(),
            limits,
            month_sums: MonthSums::new(platform, db.clone()),
            db,
            live,
            responder,
            turns,
        }
    }
}
