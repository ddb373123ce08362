//! Runs jobs in chunks, so that whoever dies is followed by somebody who goes on at the last commit.
//!
//! Knows no job: what a chunk does, [`work::Work`] says. The cursor behind a chunk, its counts and what it found are
//! written in one transaction, which only the owner of the execution's newest fence can commit.

pub mod chunked;
pub mod fault;
pub mod job;
pub mod point;
pub mod report;
pub mod runner;
pub mod work;

pub use chunked::{Chunked, Chunks, Page, Written};
pub use fault::Fault;
pub use job::{Job, Parameter, Range, Registry, Schedule, Sizes, Step};
pub use report::Reporting;
pub use runner::Runner;
pub use work::{Chunk, Counts, Effect, NewArchive, NewReport, Part, Place, Skipped, Work};
