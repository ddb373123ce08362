//! SQL of `batch_db`. Transactions begin with whoever calls.

pub mod archive;
pub mod archived;
pub mod claim;
pub mod commit;
pub mod effect;
pub mod end;
pub mod execution;
pub mod execution_view;
pub mod fence;
pub mod fire;
pub mod job;
pub mod log;
pub mod log_view;
pub mod report;
pub mod report_row;
pub mod skipped;
pub mod step;
pub mod upkeep;
