//! Spring Batch's start rule: what the executions of an instance say about a further one.

use contract::batch::ExecutionStatus;
use contract::id::ExecutionId;

/// An execution that there was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    pub id: ExecutionId,
    pub status: ExecutionStatus,
}

/// Which execution is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    Running(ExecutionId),
    /// Completed, or given up.
    Complete(ExecutionId),
    /// Nobody knows how it ended.
    Unknown(ExecutionId),
}

/// Which execution a new one goes on from, if from any. `history` begins with the newest.
///
/// # Errors
/// When there must not be a new one.
pub fn decide(history: &[Past]) -> Result<Option<ExecutionId>, Refusal> {
    if let Some(running) = history.iter().find(|past| past.status.is_running()) {
        return Err(Refusal::Running(running.id));
    }
    if let Some(over) = history.iter().find(|past| is_over_for_good(past.status)) {
        return Err(Refusal::Complete(over.id));
    }
    match history.first() {
        Some(last) if last.status == ExecutionStatus::Unknown => Err(Refusal::Unknown(last.id)),
        last => Ok(last.map(|last| last.id)),
    }
}

/// Whether a person may restart `id`.
///
/// # Errors
/// With the status that forbids it: its own, or that of the execution in the way.
pub fn may_restart(id: ExecutionId, history: &[Past]) -> Result<(), ExecutionStatus> {
    let status_of = |id| history.iter().find(|past| past.id == id).map(|past| past.status);
    match decide(history) {
        Ok(Some(newest)) if newest == id => Ok(()),
        Ok(newest) => Err(newest.and_then(status_of).unwrap_or(ExecutionStatus::Unknown)),
        Err(Refusal::Running(other) | Refusal::Complete(other) | Refusal::Unknown(other)) => {
            Err(status_of(other).unwrap_or(ExecutionStatus::Unknown))
        }
    }
}

const fn is_over_for_good(status: ExecutionStatus) -> bool {
    match status {
        ExecutionStatus::Completed | ExecutionStatus::Abandoned => true,
        ExecutionStatus::Starting
        | ExecutionStatus::Started
        | ExecutionStatus::Stopping
        | ExecutionStatus::Stopped
        | ExecutionStatus::Failed
        | ExecutionStatus::Unknown => false,
    }
}

#[cfg(test)]
mod tests {
    use ExecutionStatus::{Abandoned, Completed, Failed, Started, Starting, Stopped, Stopping, Unknown};
    use uuid::Uuid;

    use super::*;

    /// The newest first; the id of each is its place from the end.
    fn history(statuses: &[ExecutionStatus]) -> Vec<Past> {
        let past = |(place, status): (usize, &ExecutionStatus)| Past {
            id: id(statuses.len() - place),
            status: *status,
        };
        statuses.iter().enumerate().map(past).collect()
    }

    fn id(number: usize) -> ExecutionId {
        ExecutionId::from_uuid(Uuid::from_u128(number as u128))
    }

    #[test]
    fn same_parameters_run_once_at_a_time_and_complete_once() {
        let table = [
            (&[][..], Ok(None)),
            (&[Failed], Ok(Some(id(1)))),
            (&[Stopped, Failed], Ok(Some(id(2)))),
            (&[Starting], Err(Refusal::Running(id(1)))),
            (&[Started, Failed], Err(Refusal::Running(id(2)))),
            (&[Stopping], Err(Refusal::Running(id(1)))),
            (&[Completed, Failed], Err(Refusal::Complete(id(2)))),
            (&[Abandoned], Err(Refusal::Complete(id(1)))),
            // Given up, although something was begun after it.
            (&[Failed, Abandoned], Err(Refusal::Complete(id(1)))),
            (&[Unknown], Err(Refusal::Unknown(id(1)))),
            (&[Failed, Unknown], Ok(Some(id(2)))),
        ];
        for (statuses, expected) in table {
            assert_eq!(decide(&history(statuses)), expected, "{statuses:?}");
        }
    }

    #[test]
    fn only_the_newest_is_restarted_and_only_when_it_failed_or_was_stopped() {
        let table = [
            (&[Failed][..], 1, Ok(())),
            (&[Stopped], 1, Ok(())),
            (&[Failed, Stopped], 2, Ok(())),
            (&[Stopped, Failed], 1, Err(Stopped)),
            (&[Started, Failed], 1, Err(Started)),
            (&[Completed, Failed], 1, Err(Completed)),
            (&[Completed], 1, Err(Completed)),
            (&[Abandoned], 1, Err(Abandoned)),
            (&[Unknown], 1, Err(Unknown)),
        ];
        for (statuses, number, expected) in table {
            assert_eq!(may_restart(id(number), &history(statuses)), expected, "{statuses:?}");
        }
    }
}
