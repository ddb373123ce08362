//! What a job is: its parameters, its schedule, its steps.

use std::sync::Arc;

use contract::batch::{Concurrency, Misfire, ParameterType};

use super::work::Work;

/// A job as its file in `jobs/` declares it.
pub struct Job {
    pub name: &'static str,
    pub description: &'static str,
    pub parameters: &'static [Parameter],
    /// What holds until somebody changes it.
    pub schedule: Schedule,
    /// In their order. A restart goes on in the first that is not complete.
    pub steps: Vec<Step>,
}

/// A parameter that a trigger may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    pub name: &'static str,
    pub description: &'static str,
    pub kind: ParameterType,
    pub range: Range,
    /// As it would be written. One without a default and not required is absent unless it is set.
    pub default: Option<&'static str>,
    pub required: bool,
    /// It is part of what tells one instance of the job from another.
    pub identifying: bool,
}

/// Which values of its type a parameter may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    Any,
    /// A number from the first to the second.
    Between(i64, i64),
    /// A month, `YYYY-MM`.
    Month,
}

impl Range {
    /// At most a hundred years.
    pub const DAYS: Self = Self::Between(1, 36_500);
}

/// When a job runs by itself, in Seoul.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Five fields, or six with seconds first.
    pub cron: &'static str,
    pub misfire: Misfire,
    pub concurrency: Concurrency,
}

#[derive(Clone)]
pub struct Step {
    pub name: &'static str,
    /// How many of its parts run at once.
    pub parallel: usize,
    pub sizes: Sizes,
    /// So many items of one execution may be skipped in this step; the next one fails it.
    pub skip_limit: u64,
    pub work: Arc<dyn Work>,
}

/// Items of one chunk. The size of the next one follows from how long the last one took; that of a chunk that is tried
/// again never changes, so that who did it already knows it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    pub first: u32,
    pub least: u32,
    pub most: u32,
}

impl Sizes {
    pub const fn fixed(size: u32) -> Self {
        Self { first: size, least: size, most: size }
    }
}

/// Every job of this service, by name. Cheap to clone.
#[derive(Clone)]
pub struct Registry(Arc<[Job]>);

impl Registry {
    pub fn new(jobs: Vec<Job>) -> Self {
        Self(jobs.into())
    }

    pub fn get(&self, name: &str) -> Option<&Job> {
        self.0.iter().find(|job| job.name == name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Job> {
        self.0.iter()
    }
}
