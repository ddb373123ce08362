//! The list itself: pure, without clock or lock.
//!
//! It is bounded by time, because a token that has expired need not be remembered, and by number: when it is
//! full, the oldest entry gives way to a rule that refuses every token of that age. Whoever meets the rule
//! refreshes and goes on.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use contract::auth::RevokedTokens;
use contract::claims::{AccessClaims, LONGEST_ACCESS_SECS};
use contract::id::{SessionId, UserId};
use tracing::warn;

/// A revocation is remembered so much longer than any token lives, in seconds: clocks of machines differ, and
/// an event's time is that of its transaction's begin.
const SLACK_SECS: i64 = 60;
/// At about 80 bytes each below 24 MiB; reached by 72 logouts a second for an hour.
const CAPACITY: usize = 256 * 1024;

/// How far back auth's events matter.
pub(super) const REMEMBERED: Duration =
    Duration::from_secs((LONGEST_ACCESS_SECS + SLACK_SECS).unsigned_abs());

/// What the list says about a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::identity) enum Verdict {
    Good,
    Revoked,
    /// The list is not loaded yet.
    Unknown,
}

#[derive(Default)]
pub(super) struct List {
    pub(super) loaded: bool,
    sessions: HashSet<SessionId>,
    /// Tokens of the user with a smaller `iat` are dead.
    users: HashMap<UserId, i64>,
    /// Everybody's tokens with a smaller `iat` are dead: what had to give way to newer revocations.
    everybody: i64,
    /// What to forget, and the second at which that may be done: the oldest first.
    order: VecDeque<(i64, Entry)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    Session(SessionId),
    User(UserId, i64),
}

impl List {
    /// Of nothing revoked, which is all there is to know.
    pub(super) fn loaded() -> Self {
        Self { loaded: true, ..Self::default() }
    }

    pub(super) fn count(&self) -> usize {
        self.order.len()
    }

    pub(super) fn verdict(&self, claims: &AccessClaims) -> Verdict {
        if !self.loaded {
            return Verdict::Unknown;
        }
        let revoked = claims.iat < self.everybody
            || self.sessions.contains(&claims.sid)
            || self.users.get(&claims.sub).is_some_and(|not_before| claims.iat < *not_before);
        if revoked { Verdict::Revoked } else { Verdict::Good }
    }

    pub(super) fn add(&mut self, user: UserId, tokens: RevokedTokens, at: i64, now: i64) {
        while self.order.front().is_some_and(|(until, _)| *until <= now) {
            self.forget_oldest();
        }
        let (entry, since) = match tokens {
            RevokedTokens::OfSession(sid) if self.sessions.contains(&sid) => return,
            RevokedTokens::OfSession(sid) => (Entry::Session(sid), at),
            RevokedTokens::IssuedBefore(time)
                if self.users.get(&user).is_some_and(|known| time <= *known) =>
            {
                return;
            }
            RevokedTokens::IssuedBefore(time) => (Entry::User(user, time), time.max(at)),
        };
        let until = since.saturating_add(LONGEST_ACCESS_SECS + SLACK_SECS);
        if until <= now {
            return;
        }
        if self.order.len() >= CAPACITY {
            self.replace_oldest_by_a_rule();
        }
        match entry {
            Entry::Session(sid) => {
                self.sessions.insert(sid);
            }
            Entry::User(user, time) => {
                self.users.insert(user, time);
            }
        }
        self.order.push_back((until, entry));
    }

    fn forget_oldest(&mut self) {
        match self.order.pop_front() {
            Some((_, Entry::Session(sid))) => {
                self.sessions.remove(&sid);
            }
            // A newer revocation of the same user has an entry of its own.
            Some((_, Entry::User(user, time))) if self.users.get(&user) == Some(&time) => {
                self.users.remove(&user);
            }
            Some((_, Entry::User(..))) | None => {}
        }
    }

    fn replace_oldest_by_a_rule(&mut self) {
        let Some((until, _)) = self.order.front() else {
            return;
        };
        if self.everybody == 0 {
            warn!(
                "more than {CAPACITY} tokens were revoked: from now on old tokens are refused, whoever has them"
            );
        }
        self.everybody = self.everybody.max(until - LONGEST_ACCESS_SECS);
        self.forget_oldest();
    }
}

#[cfg(test)]
mod tests {
    use contract::user::Role;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn claims(user: u128, session: u128, iat: i64) -> AccessClaims {
        AccessClaims {
            iss: String::new(),
            aud: String::new(),
            sub: Uuid::from_u128(user).into(),
            sid: Uuid::from_u128(session).into(),
            jti: Uuid::nil().into(),
            iat,
            exp: iat + LONGEST_ACCESS_SECS,
            email: String::new(),
            name: String::new(),
            role: Role::User,
        }
    }

    fn session(n: u128) -> RevokedTokens {
        RevokedTokens::OfSession(Uuid::from_u128(n).into())
    }

    fn user(n: u128) -> UserId {
        Uuid::from_u128(n).into()
    }

    #[test]
    fn a_session_is_dead_and_its_users_others_live() {
        let mut list = List::loaded();
        list.add(user(1), session(11), NOW, NOW);
        for (session, verdict) in [(11, Verdict::Revoked), (12, Verdict::Good)] {
            assert_eq!(list.verdict(&claims(1, session, NOW + 5)), verdict, "whenever it was issued");
        }
    }

    #[test]
    fn a_users_tokens_from_before_are_dead_and_those_issued_since_are_not() {
        let mut list = List::loaded();
        list.add(user(1), RevokedTokens::IssuedBefore(NOW), NOW, NOW);
        // An older one that is delivered late takes nothing back.
        list.add(user(1), RevokedTokens::IssuedBefore(NOW - 9), NOW - 9, NOW);
        for (who, iat, verdict) in
            [(1, NOW - 1, Verdict::Revoked), (1, NOW, Verdict::Good), (2, NOW - 1, Verdict::Good)]
        {
            assert_eq!(list.verdict(&claims(who, 9, iat)), verdict, "{who} {iat}");
        }
    }

    #[test]
    fn a_revocation_is_forgotten_when_no_token_can_be_alive() {
        let mut list = List::loaded();
        let kept = LONGEST_ACCESS_SECS + SLACK_SECS;
        list.add(user(1), session(11), NOW, NOW);
        list.add(user(1), RevokedTokens::IssuedBefore(NOW), NOW, NOW);
        list.add(user(1), RevokedTokens::IssuedBefore(NOW + 1), NOW, NOW);
        list.add(user(2), session(21), NOW + kept - 1, NOW + kept - 1);
        assert_eq!(list.order.len(), 4);
        list.add(user(2), session(22), NOW + kept, NOW + kept);
        assert_eq!((list.order.len(), list.sessions.len()), (3, 2), "two of the first second are gone");
        assert_eq!(list.users.get(&user(1)), Some(&(NOW + 1)), "the newer one of the same user stays");
        list.add(user(3), session(31), NOW, NOW + kept);
        assert!(!list.sessions.contains(&Uuid::from_u128(31).into()), "too old to matter");
    }

    #[test]
    fn the_same_revocation_again_takes_no_room() {
        let mut list = List::loaded();
        for _ in 0..3 {
            list.add(user(1), session(11), NOW, NOW);
            list.add(user(1), RevokedTokens::IssuedBefore(NOW), NOW, NOW);
        }
        assert_eq!(list.order.len(), 2);
    }

    #[test]
    fn a_full_list_refuses_everything_old_instead_of_forgetting_a_revocation() {
        let mut list = List::loaded();
        let at = |n: usize| NOW + i64::try_from(n / 100).unwrap();
        let total = CAPACITY + 1000;
        for n in 0..total {
            list.add(user(1), session(n as u128), at(n), at(n));
        }
        assert_eq!(list.order.len(), CAPACITY);
        assert_eq!(list.sessions.len(), CAPACITY);
        for n in [0, 999, 1000, total - 1] {
            let stolen = claims(2, n as u128, at(n));
            assert_eq!(list.verdict(&stolen), Verdict::Revoked, "{n}");
        }
        assert_eq!(list.verdict(&claims(2, u128::MAX, at(total))), Verdict::Good, "a fresh one");
    }

    proptest! {
        /// However revocations come and are forgotten: of the tokens that are alive, exactly the revoked are dead.
        #[test]
        fn forgetting_brings_no_token_back_to_life(
            revoked in prop::collection::vec((0_i64..3 * LONGEST_ACCESS_SECS, 0_u128..3, any::<bool>()), 0..40),
            (user_of_token, age) in (0_u128..3, 0..LONGEST_ACCESS_SECS),
        ) {
            let (mut list, mut now) = (List::loaded(), NOW);
            let mut all = Vec::new();
            for (later, who, is_session) in revoked {
                now += later / 40;
                let tokens = if is_session { session(who) } else { RevokedTokens::IssuedBefore(now + 1) };
                list.add(user(who), tokens, now, now);
                all.push((tokens, who, now));
            }
            let token = claims(user_of_token, user_of_token, now - age);
            let expected = all.iter().any(|(tokens, who, at)| *who == user_of_token && match tokens {
                // Nobody gets a token for a session that has ended.
                RevokedTokens::OfSession(_) => token.iat <= *at,
                RevokedTokens::IssuedBefore(time) => token.iat < *time,
            });
            let made_later = all.iter().any(|(tokens, who, at)| {
                *who == user_of_token && matches!(tokens, RevokedTokens::OfSession(_)) && token.iat > *at
            });
            prop_assume!(!made_later);
            prop_assert_eq!(list.verdict(&token) == Verdict::Revoked, expected);
        }
    }
}
