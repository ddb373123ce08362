//! Access tokens: ES256 and nothing else, issuer, audience, type, expiry and revocation checked.

use std::sync::Arc;

use chrono::Utc;
use contract::claims::{ACCESS_AUDIENCE, ACCESS_TYPE, AccessClaims};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use thiserror::Error;

use super::cache::Cache;
use super::jwks::{CONFIRM_EVERY, KeyStore, Lookup, Source};
use super::revocation::{Revocations, Verdict};
use crate::discovery::Discovery;

/// Longer tokens are refused unread. Ours have below 1 KiB.
const MAX_LENGTH: usize = 8 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TokenError {
    #[error("the access token has expired")]
    Expired,
    #[error("the access token is not valid: {0}")]
    Invalid(&'static str),
    /// Neither good nor bad: what auth knows is not at hand.
    #[error("auth's keys or revocations are not available")]
    Unavailable,
}

/// Verifies access tokens and remembers the good ones. Cheap to clone.
#[derive(Clone)]
pub struct TokenVerifier {
    inner: Arc<Inner>,
}

struct Inner {
    validation: Validation,
    keys: KeyStore,
    cache: Cache,
    revocations: Revocations,
}

impl TokenVerifier {
    /// Keys are fetched from auth when first needed; no token is good before [`Self::revocations`] are loaded.
    /// `issuer` is [`contract::claims::issuer`].
    pub fn fetching(issuer: &str, http: reqwest::Client, discovery: Discovery) -> Self {
        Self::new(issuer, Source::Fetch { http, discovery }, Revocations::awaited())
    }

    /// Keys come by [`Self::set_keys`] only, and nobody tells of revocations: for auth itself, which asks its
    /// database, and for tests.
    pub fn with_own_keys(issuer: &str) -> Self {
        Self::new(issuer, Source::Pushed, Revocations::none())
    }

    fn new(issuer: &str, source: Source, revocations: Revocations) -> Self {
        let mut validation = Validation::new(Algorithm::ES256);
        validation.leeway = 0;
        validation.validate_nbf = true;
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[ACCESS_AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let (keys, cache) = (KeyStore::new(source), Cache::new());
        Self { inner: Arc::new(Inner { validation, keys, cache, revocations }) }
    }

    /// The tokens that are refused although nothing is wrong with them.
    pub fn revocations(&self) -> &Revocations {
        &self.inner.revocations
    }

    /// Replaces the keys, and forgets what the old ones vouched for.
    pub fn set_keys(&self, set: &JwkSet) {
        self.inner.keys.set(set);
        self.inner.cache.clear();
    }

    /// The claims of a token that was verified before, has not expired and is not revoked. Never waits.
    pub fn cached(&self, token: &str) -> Option<Arc<AccessClaims>> {
        let claims = self.inner.cache.get(&Cache::key(token), Utc::now().timestamp())?;
        (self.inner.revocations.verdict(&claims) == Verdict::Good).then_some(claims)
    }

    /// Verifies a token, from memory if possible.
    ///
    /// # Errors
    /// When the token has expired, is not valid or revoked, or when the keys or the revocations are not at hand.
    pub async fn verify(&self, token: &str) -> Result<Arc<AccessClaims>, TokenError> {
        if token.len() > MAX_LENGTH {
            return Err(TokenError::Invalid("too long"));
        }
        let key = Cache::key(token);
        let claims = if let Some(claims) = self.inner.cache.get(&key, Utc::now().timestamp()) {
            claims
        } else {
            let claims = Arc::new(self.check(token).await?);
            self.inner.cache.put(key, claims.clone());
            claims
        };
        self.recheck(&claims).await?;
        Ok(claims)
    }

    /// Whether a token that was verified before is still not revoked. Says nothing about its expiry.
    ///
    /// # Errors
    /// When it is revoked, or when the revocations are not at hand.
    pub async fn recheck(&self, claims: &AccessClaims) -> Result<(), TokenError> {
        match self.inner.revocations.verdict_soon(claims).await {
            Verdict::Good => Ok(()),
            Verdict::Revoked => Err(TokenError::Invalid("revoked")),
            Verdict::Unknown => Err(TokenError::Unavailable),
        }
    }

    /// Confirms the keys every few minutes; never ends. A key that was withdrawn takes what it vouched for along.
    pub(crate) async fn keep_confirming(self) {
        loop {
            tokio::time::sleep(CONFIRM_EVERY).await;
            self.inner.keys.confirm(|| self.inner.cache.clear()).await;
        }
    }

    async fn check(&self, token: &str) -> Result<AccessClaims, TokenError> {
        let header = decode_header(token).map_err(|_| TokenError::Invalid("not a token"))?;
        if header.alg != Algorithm::ES256 {
            return Err(TokenError::Invalid("algorithm"));
        }
        let is_access_token = header.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case(ACCESS_TYPE));
        if !is_access_token {
            return Err(TokenError::Invalid("type"));
        }
        let kid = header.kid.ok_or(TokenError::Invalid("no key id"))?;
        let key = match self.inner.keys.find(&kid, || self.inner.cache.clear()).await {
            Lookup::Found(key) => key,
            Lookup::Unknown => return Err(TokenError::Invalid("unknown key")),
            Lookup::Unavailable => return Err(TokenError::Unavailable),
        };
        match decode::<AccessClaims>(token, &key, &self.inner.validation) {
            Ok(data) => Ok(data.claims),
            Err(error) => Err(match error.kind() {
                ErrorKind::ExpiredSignature => TokenError::Expired,
                ErrorKind::InvalidSignature => TokenError::Invalid("signature"),
                ErrorKind::InvalidIssuer => TokenError::Invalid("issuer"),
                ErrorKind::InvalidAudience => TokenError::Invalid("audience"),
                _ => TokenError::Invalid("claims"),
            }),
        }
    }
}
