//! Schedules: when a job runs by itself, in a time zone, and what is to be done about slots that have passed.
//!
//! A slot is a time on the clock of the zone. Where that clock is put forward, a slot in the hour that does not exist
//! fires at the first moment behind it; where it is put back, a slot in the hour that comes twice fires the first time
//! only. A schedule for every hour is another matter: it goes by hours that pass, and leaves out what does not exist and
//! does twice what comes twice. (Vixie's cron makes the same difference.)

mod error;
mod plan;
mod slots;

pub use error::{Field, ScheduleError};
pub use plan::{AT_ONCE, LATE, Plan, RECORDED, outcome, plan};
pub use slots::{Schedule, first};

#[cfg(test)]
mod tests;
