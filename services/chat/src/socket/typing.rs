//! Who types: what one client may tell the others, and what one client was told of them. Pure.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

/// A client says again that it types while it does; when it does not, it has stopped, or is gone.
const EXPIRY: Duration = Duration::from_secs(5);
/// The same thing is told to the others at most so often.
const PAUSE: Duration = Duration::from_secs(1);
/// For a signal on its way between instances.
const SLACK: Duration = Duration::from_secs(1);
/// A bot does not say again that it types. Longer than a turn takes; its message ends it.
const BOT: Duration = Duration::from_secs(30);
/// A room has one learner and one bot.
const MAX_SENDERS: usize = 16;

/// What this client does.
#[derive(Debug, Default)]
pub(super) struct Typist {
    until: Option<Instant>,
    told: bool,
    /// When the others were last told that it types not, and that it does.
    at: [Option<Instant>; 2],
}

impl Typist {
    /// What the client says; answered by what to tell the others, if anything.
    pub(super) fn say(&mut self, typing: bool, now: Instant) -> Option<bool> {
        self.until = typing.then_some(now + EXPIRY);
        if typing && self.told && self.may_tell(true, now) {
            self.tell(true, now);
            return Some(true);
        }
        self.step(now)
    }

    pub(super) const fn is_typing(&self) -> bool {
        self.until.is_some()
    }

    /// When to [`Self::step`].
    pub(super) fn due(&self) -> Option<Instant> {
        match (self.until, self.told) {
            (until, true) if until.is_some() => until,
            (None, false) => None,
            // Whatever waits was told less than a pause ago.
            (until, _) => self.at[usize::from(until.is_some())].map(|at| at + PAUSE),
        }
    }

    /// What to tell the others now, if anything.
    pub(super) fn step(&mut self, now: Instant) -> Option<bool> {
        self.until = self.until.filter(|until| *until > now);
        let typing = self.until.is_some();
        if typing == self.told || !self.may_tell(typing, now) {
            return None;
        }
        self.tell(typing, now);
        Some(typing)
    }

    /// The client is gone: whether the others have to be told.
    pub(super) fn leave(&mut self) -> bool {
        self.until = None;
        std::mem::take(&mut self.told)
    }

    fn may_tell(&self, typing: bool, now: Instant) -> bool {
        self.at[usize::from(typing)].is_none_or(|at| now >= at + PAUSE)
    }

    fn tell(&mut self, typing: bool, now: Instant) {
        self.told = typing;
        self.at[usize::from(typing)] = Some(now);
    }
}

/// Whom this client sees typing.
#[derive(Debug, Default)]
pub(super) struct Typists {
    until: HashMap<Uuid, Instant>,
}

/// Who says that they type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Learner,
    Bot,
}

impl Typists {
    /// Whether the client has to hear of it.
    pub(super) fn hear(&mut self, sender: Uuid, kind: Kind, typing: bool, now: Instant) -> bool {
        if !typing {
            return self.until.remove(&sender).is_some();
        }
        let lasts = match kind {
            Kind::Learner => EXPIRY + SLACK,
            Kind::Bot => BOT,
        };
        if self.until.len() >= MAX_SENDERS && !self.until.contains_key(&sender) {
            return false;
        }
        self.until.insert(sender, now + lasts).is_none()
    }

    /// When somebody is taken to have stopped.
    pub(super) fn due(&self) -> Option<Instant> {
        self.until.values().min().copied()
    }

    /// Who has stopped by now without a word.
    pub(super) fn expired(&mut self, now: Instant) -> Vec<Uuid> {
        self.until.extract_if(|_, until| *until <= now).map(|(sender, _)| sender).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_others_hear_of_changes_and_of_going_on_once_a_second() {
        let start = Instant::now();
        let mut typist = Typist::default();
        for (at, typing, told) in [
            (0, true, Some(true)),
            (300, true, None),
            (900, true, None),
            (1100, true, Some(true)),
            (1200, false, Some(false)),
            (1300, false, None),
        ] {
            assert_eq!(typist.say(typing, start + ms(at)), told, "at {at}");
        }
        assert_eq!(typist.due(), None);
        assert!(!typist.leave());
    }

    #[test]
    fn what_flickers_is_told_late_and_in_the_end_rightly() {
        let start = Instant::now();
        let mut typist = Typist::default();
        assert_eq!(typist.say(true, start), Some(true));
        assert_eq!(typist.say(false, start + ms(100)), Some(false));
        assert_eq!(typist.say(true, start + ms(200)), None);
        assert_eq!(typist.due(), Some(start + ms(1000)));
        assert_eq!(typist.step(start + ms(999)), None);
        assert_eq!(typist.step(start + ms(1000)), Some(true));
        assert_eq!(typist.say(false, start + ms(1050)), None);
        assert_eq!(typist.due(), Some(start + ms(1100)));
        assert_eq!(typist.step(start + ms(1100)), Some(false));
        assert_eq!(typist.due(), None);
    }

    #[test]
    fn who_says_no_more_has_stopped() {
        let start = Instant::now();
        let mut typist = Typist::default();
        typist.say(true, start);
        assert_eq!(typist.due(), Some(start + EXPIRY));
        assert_eq!(typist.step(start + EXPIRY - ms(1)), None);
        assert_eq!(typist.step(start + EXPIRY), Some(false));
        typist.say(true, start + EXPIRY);
        assert!(typist.leave() && !typist.leave(), "told once when it goes");
    }

    #[test]
    fn a_client_hears_of_changes_only_and_of_silence() {
        let (start, sender) = (Instant::now(), Uuid::from_u128(1));
        let mut typists = Typists::default();
        assert!(!typists.hear(sender, Kind::Learner, false, start), "it never began");
        assert!(typists.hear(sender, Kind::Learner, true, start));
        assert!(!typists.hear(sender, Kind::Learner, true, start + EXPIRY));
        assert_eq!(typists.due(), Some(start + EXPIRY * 2 + SLACK));
        assert!(typists.expired(start + EXPIRY * 2).is_empty());
        assert_eq!(typists.expired(start + EXPIRY * 2 + SLACK), [sender]);
        assert!(typists.hear(sender, Kind::Bot, true, start));
        assert_eq!(typists.due(), Some(start + BOT));
        assert!(typists.hear(sender, Kind::Bot, false, start));
        assert_eq!(typists.due(), None);
    }

    #[test]
    fn a_storm_of_senders_is_bounded() {
        let (start, mut typists) = (Instant::now(), Typists::default());
        let heard = (0..100).filter(|n| typists.hear(Uuid::from_u128(*n), Kind::Bot, true, start)).count();
        assert_eq!(heard, MAX_SENDERS);
    }
}
