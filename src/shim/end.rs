//! When a shim ends, and what it does about a unit that nobody looks after: pure, the clock comes in.

use std::time::{Duration, Instant};

use super::protocol::StopSignal;

/// How long a half-dead unit, or an end that nobody has seen, waits for a supervisor.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between the TERM and the KILL of what is left of an abandoned unit, and between repeated KILLs.
const GRACE: Duration = Duration::from_secs(5);
/// For output that a stranger's copy of the pipe keeps open, and for clients that do not read.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What the keeper should do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Wait for an event, at most until then.
    Wait(Option<Instant>),
    /// To all descendants.
    Signal(StopSignal),
    /// Tell the clients that nothing lives, and take nobody new.
    Announce,
    Leave,
}

/// What the keeper sees of the world.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    /// A client is connected.
    pub(crate) attended: bool,
    /// Clients have not taken everything that was said to them.
    pub(crate) unread: bool,
    /// The unit's output has ended and is written.
    pub(crate) logged: bool,
}

#[derive(Debug, Default)]
pub(super) struct End {
    leader_ended: bool,
    childless: Option<Instant>,
    announced: Option<Instant>,
    /// Since when a half-dead unit has had nobody to decide about it.
    abandoned: Option<Instant>,
    last_signal: Option<(StopSignal, Instant)>,
    /// Somebody has heard of this run; the exit record tells everybody else.
    heard: bool,
}

impl End {
    pub(super) fn leader_ended(&mut self) {
        self.leader_ended = true;
    }

    pub(super) fn childless(&mut self, now: Instant) {
        self.leader_ended = true;
        self.childless.get_or_insert(now);
    }

    /// The next action. Ask again after carrying it out, and after every event.
    pub(super) fn next(&mut self, view: View, now: Instant) -> Action {
        self.heard |= view.attended;
        match (self.announced, self.childless) {
            (Some(since), _) => leave(since, view, now),
            (None, Some(since)) => self.announce(since, view, now),
            (None, None) if self.leader_ended => self.look_after(view, now),
            (None, None) => Action::Wait(None),
        }
    }

    fn announce(&mut self, since: Instant, view: View, now: Instant) -> Action {
        if !view.logged && now < since + LAST_WORDS {
            return Action::Wait(Some(since + LAST_WORDS));
        }
        if !self.heard && now < since + PATIENCE {
            return Action::Wait(Some(since + PATIENCE));
        }
        self.announced = Some(now);
        Action::Announce
    }

    /// The leader has ended and descendants live: a supervisor decides; without one they are ended.
    fn look_after(&mut self, view: View, now: Instant) -> Action {
        if view.attended {
            self.abandoned = None;
            self.last_signal = None;
            return Action::Wait(None);
        }
        let since = *self.abandoned.get_or_insert(now);
        let (signal, due) = match self.last_signal {
            None => (StopSignal::Term, since + PATIENCE),
            Some((_, sent)) => (StopSignal::Kill, sent + GRACE),
        };
        if now < due {
            return Action::Wait(Some(due));
        }
        self.last_signal = Some((signal, now));
        Action::Signal(signal)
    }
}

fn leave(since: Instant, view: View, now: Instant) -> Action {
    if view.unread && now < since + LAST_WORDS {
        return Action::Wait(Some(since + LAST_WORDS));
    }
    Action::Leave
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALONE: View = View { attended: false, unread: false, logged: true };
    const ATTENDED: View = View { attended: true, ..ALONE };

    #[test]
    fn a_living_unit_is_left_alone() {
        assert_eq!(End::default().next(ALONE, Instant::now()), Action::Wait(None));
    }

    #[test]
    fn an_attended_end_is_announced_at_once_and_the_shim_leaves() {
        let now = Instant::now();
        let mut end = End::default();
        end.childless(now);
        assert_eq!(end.next(ATTENDED, now), Action::Announce);
        let unread = View { unread: true, ..ATTENDED };
        assert_eq!(end.next(unread, now), Action::Wait(Some(now + LAST_WORDS)));
        assert_eq!(end.next(unread, now + LAST_WORDS), Action::Leave, "a stuck client is not waited for");
        assert_eq!(end.next(ATTENDED, now), Action::Leave);
    }

    #[test]
    fn an_end_that_nobody_heard_of_waits_for_a_supervisor() {
        let now = Instant::now();
        let mut end = End::default();
        end.childless(now);
        assert_eq!(end.next(ALONE, now), Action::Wait(Some(now + PATIENCE)));
        assert_eq!(end.next(ALONE, now + PATIENCE), Action::Announce);
        assert_eq!(end.next(ALONE, now + PATIENCE), Action::Leave);
    }

    #[test]
    fn a_run_whose_supervisor_was_killed_ends_without_waiting() {
        let now = Instant::now();
        let mut end = End::default();
        assert_eq!(end.next(ATTENDED, now), Action::Wait(None));
        end.childless(now);
        assert_eq!(end.next(ALONE, now), Action::Announce, "the exit record tells the next supervisor");
    }

    #[test]
    fn open_output_delays_the_end_only_shortly() {
        let now = Instant::now();
        let mut end = End::default();
        end.childless(now);
        let open = View { logged: false, ..ATTENDED };
        assert_eq!(end.next(open, now), Action::Wait(Some(now + LAST_WORDS)));
        assert_eq!(end.next(open, now + LAST_WORDS), Action::Announce);
    }

    #[test]
    fn what_a_dead_leader_left_is_ended_when_nobody_decides() {
        let start = Instant::now();
        let mut end = End::default();
        end.leader_ended();
        assert_eq!(end.next(ATTENDED, start), Action::Wait(None), "the supervisor decides");
        assert_eq!(end.next(ALONE, start), Action::Wait(Some(start + PATIENCE)));
        let due = start + PATIENCE;
        assert_eq!(end.next(ALONE, due), Action::Signal(StopSignal::Term));
        assert_eq!(end.next(ALONE, due), Action::Wait(Some(due + GRACE)));
        assert_eq!(end.next(ALONE, due + GRACE), Action::Signal(StopSignal::Kill));
        assert_eq!(end.next(ALONE, due + GRACE * 2), Action::Signal(StopSignal::Kill), "until nothing lives");
    }

    #[test]
    fn a_supervisor_that_returns_takes_the_decision_back() {
        let start = Instant::now();
        let mut end = End::default();
        end.leader_ended();
        end.next(ALONE, start);
        end.next(ATTENDED, start + PATIENCE);
        let left_again = start + PATIENCE * 2;
        assert_eq!(end.next(ALONE, left_again), Action::Wait(Some(left_again + PATIENCE)));
    }
}
