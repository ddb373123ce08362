//! The list as everybody shares it: one lock, held for a look or a change.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::Utc;
use contract::auth::TokenRevoked;
use contract::claims::AccessClaims;
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::warn;

use super::list::{List, Verdict};

/// A token waits this long for the list to be loaded before it is neither good nor bad.
const LOAD_LIMIT: Duration = Duration::from_secs(1);

/// Which access tokens are revoked. Cheap to clone.
#[derive(Clone)]
pub struct Revocations {
    inner: Arc<Inner>,
}

struct Inner {
    list: RwLock<List>,
    loaded: watch::Sender<bool>,
    /// Counts what was done to the list.
    changes: watch::Sender<u64>,
}

impl Revocations {
    /// Knows nothing before [`Self::set_loaded`]: until then no token is good.
    pub fn awaited() -> Self {
        Self::new(List::default())
    }

    /// Nothing is revoked so far, and that is all there is to know.
    pub fn none() -> Self {
        Self::new(List::loaded())
    }

    fn new(list: List) -> Self {
        let loaded = watch::Sender::new(list.loaded);
        let inner = Inner { list: RwLock::new(list), loaded, changes: watch::Sender::default() };
        Self { inner: Arc::new(inner) }
    }

    /// Everything that auth published before now has been added.
    pub fn set_loaded(&self) {
        self.change(|list| list.loaded = true);
        self.inner.loaded.send_replace(true);
    }

    /// Adds a revocation of the second `at`. Doing so again changes nothing.
    pub fn add(&self, revoked: &TokenRevoked, at: i64) {
        let Some(tokens) = revoked.tokens() else {
            warn!(user.id = %revoked.sub, "a revocation names neither a session nor a time: ignored");
            return;
        };
        self.change(|list| list.add(revoked.sub, tokens, at, Utc::now().timestamp()));
    }

    /// Tells when there is something new, for what lives longer than a request: ask [`Self::is_revoked`] again.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    /// Whether a token that was good once has been revoked since.
    pub fn is_revoked(&self, claims: &AccessClaims) -> bool {
        self.verdict(claims) == Verdict::Revoked
    }

    /// How many revocations are remembered.
    pub(super) fn count(&self) -> usize {
        self.inner.list.read().unwrap_or_else(PoisonError::into_inner).count()
    }

    /// Never waits.
    pub(in crate::identity) fn verdict(&self, claims: &AccessClaims) -> Verdict {
        self.inner.list.read().unwrap_or_else(PoisonError::into_inner).verdict(claims)
    }

    /// Waits a little for a list that is being loaded.
    pub(in crate::identity) async fn verdict_soon(&self, claims: &AccessClaims) -> Verdict {
        let verdict = self.verdict(claims);
        if verdict != Verdict::Unknown {
            return verdict;
        }
        let mut loaded = self.inner.loaded.subscribe();
        // Too late and never are the same: the list says what it is.
        let _ = timeout(LOAD_LIMIT, loaded.wait_for(|loaded| *loaded)).await;
        self.verdict(claims)
    }

    fn change(&self, change: impl FnOnce(&mut List)) {
        change(&mut self.inner.list.write().unwrap_or_else(PoisonError::into_inner));
        self.inner.changes.send_modify(|count| *count += 1);
    }
}

#[cfg(test)]
mod tests {
    use contract::auth::RevocationReason;
    use contract::user::Role;
    use futures_util::FutureExt as _;
    use uuid::Uuid;

    use super::*;

    fn claims(session: u128) -> AccessClaims {
        let now = Utc::now().timestamp();
        AccessClaims {
            iss: String::new(),
            aud: String::new(),
            sub: Uuid::from_u128(1).into(),
            sid: Uuid::from_u128(session).into(),
            jti: Uuid::nil().into(),
            iat: now,
            exp: now + 60,
            email: String::new(),
            name: String::new(),
            role: Role::User,
        }
    }

    #[test]
    fn whoever_lives_longer_than_a_request_hears_that_there_is_something_new() {
        let (list, token) = (Revocations::none(), claims(11));
        let mut changes = list.changes();
        assert!(!list.is_revoked(&token) && !changes.has_changed().unwrap());
        let revoked = TokenRevoked::session(token.sub, token.sid, RevocationReason::Logout);
        list.add(&revoked, Utc::now().timestamp());
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        assert!(list.is_revoked(&token) && !list.is_revoked(&claims(12)));
        assert!(!Revocations::awaited().is_revoked(&token), "a list that is not loaded revokes nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn before_the_list_is_loaded_a_token_is_neither_good_nor_bad() {
        let (list, token) = (Revocations::awaited(), claims(11));
        assert_eq!(list.verdict_soon(&token).await, Verdict::Unknown, "after a second");
        let mut waiting = std::pin::pin!(list.verdict_soon(&token));
        assert!((&mut waiting).now_or_never().is_none());
        let sub = Uuid::from_u128(1).into();
        let sid = Uuid::from_u128(11).into();
        let now = Utc::now().timestamp();
        list.add(&TokenRevoked::session(sub, sid, RevocationReason::Logout), now);
        list.set_loaded();
        assert_eq!(waiting.await, Verdict::Revoked, "and those who waited hear of it");
        assert_eq!(list.verdict(&claims(12)), Verdict::Good);
        assert_eq!(Revocations::none().verdict(&claims(12)), Verdict::Good);
    }
}
