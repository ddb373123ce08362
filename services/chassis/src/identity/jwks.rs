//! Auth's public keys: fetched when first needed, again for a key that is not known, confirmed in the background,
//! kept when auth is down.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use contract::auth::JWKS_PATH;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::warn;

use crate::discovery::Discovery;

/// Auth publishes a key long before it signs with it, so asking again is rare; tokens with made-up key ids
/// must not turn into load on auth.
const BETWEEN_FETCHES: Duration = Duration::from_secs(10);
/// Sooner after a failure: without keys nobody gets in.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// Known keys are confirmed this often, so that a withdrawn one stops working.
pub(super) const CONFIRM_EVERY: Duration = Duration::from_mins(5);
const FETCH_LIMIT: Duration = Duration::from_secs(2);

type Keys = HashMap<String, DecodingKey>;

/// Where keys come from.
pub(super) enum Source {
    /// From auth's well-known address.
    Fetch { http: reqwest::Client, discovery: Discovery },
    /// From this process itself: it is auth.
    Pushed,
}

pub(super) struct KeyStore {
    source: Source,
    keys: ArcSwap<Keys>,
    /// Held while fetching: whoever lacks a key waits for the same answer.
    next_fetch: Mutex<Schedule>,
    turn: AtomicUsize,
}

#[derive(Default)]
struct Schedule {
    last: Option<(Instant, Outcome)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Fetched,
    Failed,
}

/// What came of looking for a key.
pub(super) enum Lookup {
    Found(DecodingKey),
    /// Auth does not publish it.
    Unknown,
    /// Auth could not be asked.
    Unavailable,
}

impl KeyStore {
    pub(super) fn new(source: Source) -> Self {
        Self { source, keys: ArcSwap::default(), next_fetch: Mutex::default(), turn: AtomicUsize::new(0) }
    }

    /// Says whether a key was withdrawn.
    pub(super) fn set(&self, set: &JwkSet) -> bool {
        let keys = usable(set);
        let old = self.keys.load_full();
        let withdrawn = old.keys().any(|kid| !keys.contains_key(kid));
        self.keys.store(Arc::new(keys));
        withdrawn
    }

    /// The key `kid`. One that is known is there at once; another one is asked for. Calls `withdrawn` when that
    /// showed a key to be gone.
    pub(super) async fn find(&self, kid: &str, withdrawn: impl FnOnce()) -> Lookup {
        let known = || self.keys.load().get(kid).cloned();
        if let Some(key) = known() {
            return Lookup::Found(key);
        }
        let Source::Fetch { http, discovery } = &self.source else {
            return Lookup::Unknown;
        };
        let mut schedule = self.next_fetch.lock().await;
        // Somebody else may have fetched while we waited.
        if let Some(key) = known() {
            return Lookup::Found(key);
        }
        if schedule.is_due(Instant::now()) {
            self.fetch_into(&mut schedule, http, discovery, withdrawn).await;
        }
        match (known(), schedule.last) {
            (Some(key), _) => Lookup::Found(key),
            (None, Some((_, Outcome::Failed))) => Lookup::Unavailable,
            (None, _) => Lookup::Unknown,
        }
    }

    /// Confirms the known keys; calls `withdrawn` when one is gone. Keys that nobody needed yet are not asked for.
    pub(super) async fn confirm(&self, withdrawn: impl FnOnce()) {
        if let Source::Fetch { http, discovery } = &self.source
            && !self.keys.load().is_empty()
        {
            let mut schedule = self.next_fetch.lock().await;
            self.fetch_into(&mut schedule, http, discovery, withdrawn).await;
        }
    }

    async fn fetch_into(
        &self,
        schedule: &mut Schedule,
        http: &reqwest::Client,
        discovery: &Discovery,
        withdrawn: impl FnOnce(),
    ) {
        let fetched = self.fetch(http, discovery).await;
        let outcome = if fetched.is_ok() { Outcome::Fetched } else { Outcome::Failed };
        schedule.last = Some((Instant::now(), outcome));
        match fetched {
            Ok(set) if self.set(&set) => withdrawn(),
            Ok(_) => {}
            Err(error) => warn!(error = %format!("{error:#}"), "failed to fetch the keys of access tokens"),
        }
    }

    async fn fetch(&self, http: &reqwest::Client, discovery: &Discovery) -> anyhow::Result<JwkSet> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let auth = discovery.pick("auth", turn).ok_or_else(|| anyhow::anyhow!("auth has no instance"))?;
        let url = format!("{}{JWKS_PATH}", auth.url);
        let answer = http.get(url).timeout(FETCH_LIMIT).send().await?.error_for_status()?;
        Ok(answer.json().await?)
    }
}

impl Schedule {
    fn is_due(&self, now: Instant) -> bool {
        let Some((at, outcome)) = self.last else {
            return true;
        };
        let wait = match outcome {
            Outcome::Fetched => BETWEEN_FETCHES,
            Outcome::Failed => AFTER_FAILURE,
        };
        now.duration_since(at) >= wait
    }
}

/// P-256 signing keys with an id. Anything else in the set is for somebody else.
fn usable(set: &JwkSet) -> Keys {
    set.keys.iter().filter_map(|jwk| Some((jwk.common.key_id.clone()?, access_key(jwk)?))).collect()
}

fn access_key(jwk: &Jwk) -> Option<DecodingKey> {
    let AlgorithmParameters::EllipticCurve(curve) = &jwk.algorithm else {
        return None;
    };
    let fits = curve.curve == EllipticCurve::P256
        && jwk.common.key_algorithm.is_none_or(|algorithm| algorithm == KeyAlgorithm::ES256)
        && jwk.common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
    if fits { DecodingKey::from_jwk(jwk).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use contract::registry::{Instance, Registry};
    use futures_util::FutureExt as _;
    use serde_json::json;

    use super::*;
    use crate::config::DiscoveryConfig;

    fn set(kid: &str) -> JwkSet {
        // The base point of P-256 is as good a public key as any.
        let x = "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY";
        let y = "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU";
        let key = |kid: &str, alg: &str| json!({ "kty": "EC", "crv": "P-256", "alg": alg, "kid": kid, "x": x, "y": y });
        serde_json::from_value(json!({ "keys": [key(kid, "ES256"), key("other-use", "ECDH-ES")] })).unwrap()
    }

    fn store(urls: &[String]) -> KeyStore {
        crate::crypto::install();
        let auth = urls.iter().map(|url| Instance { id: url.clone(), url: url.clone() }).collect();
        let fixed = Registry { services: [("auth".to_owned(), auth)].into() };
        let discovery = Discovery::start(&DiscoveryConfig { registry: None, fixed }).unwrap();
        KeyStore::new(Source::Fetch { http: crate::client::http_client().unwrap(), discovery })
    }

    #[tokio::test]
    async fn a_known_key_does_not_wait_for_an_auth_that_hangs() {
        let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
        let store = store(&[format!("http://{}", hanging.local_addr().unwrap())]);
        store.set(&set("k1"));
        let known = || store.find("k1", || ()).now_or_never();
        assert!(matches!(known(), Some(Lookup::Found(_))), "however long ago it was fetched");
        let mut confirming = std::pin::pin!(store.confirm(|| ()));
        let mut asking = std::pin::pin!(store.find("k2", || ()));
        assert!((&mut confirming).now_or_never().is_none() && (&mut asking).now_or_never().is_none());
        assert!(matches!(known(), Some(Lookup::Found(_))), "while others wait");
    }

    #[tokio::test]
    async fn known_keys_outlive_auth() {
        let store = store(&[]);
        assert!(!store.set(&set("k1")));
        store.confirm(|| ()).await;
        assert!(matches!(store.find("k1", || ()).await, Lookup::Found(_)), "auth has no instance to ask");
        assert!(matches!(store.find("k2", || ()).await, Lookup::Unavailable));
        assert!(matches!(store.find("other-use", || ()).await, Lookup::Unavailable), "only ES256 counts");
        assert!(store.set(&set("k2")), "k1 was withdrawn");
    }

    #[test]
    fn keys_are_asked_for_at_most_every_ten_seconds() {
        let start = Instant::now();
        let after = |secs| start + Duration::from_secs(secs);
        let never = Schedule::default();
        assert!(never.is_due(start));
        let fetched = Schedule { last: Some((start, Outcome::Fetched)) };
        assert!(!fetched.is_due(after(9)) && fetched.is_due(after(10)));
        let failed = Schedule { last: Some((start, Outcome::Failed)) };
        assert!(!failed.is_due(start) && failed.is_due(after(1)));
    }
}
