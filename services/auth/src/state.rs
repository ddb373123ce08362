//! The handles that every handler shares.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRef;
use chassis::Platform;
use chassis::cache::Cache;
use chassis::client::ServiceClient;
use chassis::identity::Identity;
use contract::auth::TokenResponse;
use contract::claims::{ACCESS_AUDIENCE, AccessClaims, issuer};
use contract::id::{SessionId, UserId};
use contract::internal::UserRecord;
use contract::user::UserDto;
use sqlx::PgPool;

use crate::config::Lifetimes;
use crate::error::Error;
use crate::keys::{Keyring, Keys};
use crate::password::Passwords;
use crate::refresh_token::{RefreshToken, Successors};
use crate::repository::account::Bearer;
use crate::session_cache::Sessions;

/// A profile is worth waiting this long for; then auth's own copy does (api.md, edges).
const PROFILE_LIMIT: Duration = Duration::from_secs(1);
/// How old a profile that is only shown may be when no event of user says that it changed.
const PROFILE_TTL: Duration = Duration::from_secs(10);

#[derive(Clone, FromRef)]
pub struct AppState {
    pub db: PgPool,
    pub user: ServiceClient,
    pub profiles: Cache<UserRecord>,
    pub sessions: Sessions,
    pub identity: Identity,
    pub passwords: Passwords,
    pub successors: Successors,
    pub lifetimes: Lifetimes,
    pub keys: Keys,
    issuer: Arc<str>,
}

impl AppState {
    pub fn new(
        platform: &Platform,
        db: PgPool,
        passwords: Passwords,
        successors: Successors,
        lifetimes: Lifetimes,
        keys: Keys,
    ) -> Self {
        Self {
            profiles: Cache::new(platform, "profile", PROFILE_TTL),
            sessions: Sessions::new(platform, db.clone()),
            db,
            user: platform.client("user", PROFILE_LIMIT),
            identity: platform.identity().clone(),
            passwords,
            successors,
            lifetimes,
            keys,
            issuer: issuer(&platform.base().public_url).into(),
        }
    }

    /// The keys, once they are loaded; the service is not ready before.
    pub fn keyring(&self) -> Result<Arc<Keyring>, Error> {
        self.keys.borrow().clone().ok_or(Error::NoKeysYet)
    }

    /// The session that a token of ours was made for, also after its time.
    pub fn session_of(&self, token: &str) -> Option<SessionId> {
        self.keyring().ok()?.session_of(token, &self.issuer)
    }

    /// What login and refresh answer.
    pub fn token_response(
        &self,
        user: UserDto,
        bearer: &Bearer,
        session: SessionId,
        refresh_token: RefreshToken,
    ) -> Result<TokenResponse, Error> {
        Ok(TokenResponse {
            access_token: self.access_token(user.id, bearer, session)?,
            refresh_token: refresh_token.into_text(),
            token_type: "Bearer".to_owned(),
            expires_in: self.lifetimes.access.as_secs(),
            user: UserDto { role: bearer.role, ..user },
        })
    }

    /// A new access token of a session.
    fn access_token(&self, user: UserId, bearer: &Bearer, session: SessionId) -> Result<String, Error> {
        let issued_at = bearer.issued_at.timestamp();
        let lifetime = i64::try_from(self.lifetimes.access.as_secs()).unwrap_or(i64::MAX);
        let claims = AccessClaims {
            iss: self.issuer.to_string(),
            aud: ACCESS_AUDIENCE.to_owned(),
            sub: user,
            sid: session,
            jti: chassis::fresh_id(),
            iat: issued_at,
            exp: issued_at.saturating_add(lifetime),
            email: bearer.email.clone(),
            name: bearer.name.clone(),
            role: bearer.role,
        };
        self.keyring()?.sign(&claims).map_err(Error::Sign)
    }
}
