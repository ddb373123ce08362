//! Jobs, their executions and what they leave behind, as clients see them. The words are Spring Batch's.

mod execution;
mod job;
pub mod path;
mod report;
mod skipped;

pub use crate::word::UnknownWord;
pub use execution::{
    Execution, ExecutionList, ExecutionStatus, LogLevel, LogLine, LogList, Progress, StepExecution,
    TriggerJob,
};
pub use job::{
    Concurrency, FireOutcome, Job, JobParameter, JobSchedule, Misfire, ParameterType, ParameterValue,
    PutSchedule, ScheduleFire,
};
pub use report::{Archive, ArchiveList, Report, ReportBody, ReportList};
pub use skipped::{Redriven, SkippedItem, SkippedList, SkippedPhase, SkippedState};
