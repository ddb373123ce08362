//! Moves old months of messages out of chat's database into archives, and drops a month when its archive is proven.
//!
//! An archive is a directory of numbered parts and a manifest, written last. What chat compares before it drops a month
//! is the checksum of all parts in order, so what changed since it was read is never lost.

mod drop;
mod export;
mod found;
mod manifest;
mod month;
mod part;
mod turn;
mod verify;

use contract::batch::{Concurrency, Misfire, ParameterType};

use super::{Means, only_step, period};
use crate::engine::{Job, Parameter, Range, Schedule, Sizes, Step};

pub use manifest::{Manifest, ManifestPart};

pub const NAME: &str = "message-archiving";
/// Messages of one part. Borders of parts must never depend on how fast somebody is.
const PART_MESSAGES: u32 = 10_000;

pub fn job(means: &Means) -> Job {
    let (db, objects, chat) = (means.db.clone(), means.objects.clone(), means.chat.clone());
    let report = means.reporting(&["archive", "object", "messages", "bytes", "sha256", "state"], period::day);
    let export = export::Export { db: db.clone(), objects: objects.clone(), chat: chat.clone() };
    let verify = verify::Verify { db: db.clone(), objects };
    let drop = drop::Drop { db, chat };
    Job {
        name: NAME,
        description: "Moves old months of messages into archives",
        parameters: PARAMETERS,
        schedule: Schedule { cron: "0 4 * * *", misfire: Misfire::RunOnce, concurrency: Concurrency::Forbid },
        steps: vec![
            Step { parallel: 2, ..only_step("export", Sizes::fixed(PART_MESSAGES), export) },
            only_step("verify", Sizes::fixed(1), verify),
            only_step("drop", Sizes::fixed(1), drop),
            only_step("report", Sizes::fixed(1), report),
        ],
    }
}

const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: month::OLDER_THAN,
        description: "Months that ended so many months ago; 0 is all that are over",
        kind: ParameterType::Long,
        range: Range::Between(0, 1200),
        default: Some("12"),
        required: false,
        identifying: true,
    },
    Parameter {
        name: month::ONLY,
        description: "Only this month, YYYY-MM, however old it is; it must be over",
        kind: ParameterType::String,
        range: Range::Month,
        default: None,
        required: false,
        identifying: true,
    },
];
