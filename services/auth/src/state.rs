//! The handles that every handler shares.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRef;
use chassis::Platform;
use chassis::client::ServiceClient;
use chassis::identity::Identity;
use chrono::Utc;
use contract::auth::TokenResponse;
use contract::claims::{ACCESS_AUDIENCE, AccessClaims, issuer};
use contract::id::SessionId;
use contract::user::UserDto;
use sqlx::PgPool;

use crate::config::Lifetimes;
use crate::error::Error;
use crate::keys::{Keyring, Keys};
use crate::password::Passwords;
use crate::refresh_token::{RefreshToken, Successors};

/// A profile is worth waiting this long for; then auth's own copy does (api.md, edges).
const PROFILE_LIMIT: Duration = Duration::from_secs(1);

#[derive(Clone, FromRef)]
pub struct AppState {
    pub db: PgPool,
    pub user: ServiceClient,
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
        session: SessionId,
        refresh_token: RefreshToken,
    ) -> Result<TokenResponse, Error> {
        Ok(TokenResponse {
            access_token: self.access_token(&user, session)?,
            refresh_token: refresh_token.into_text(),
            token_type: "Bearer".to_owned(),
            expires_in: self.lifetimes.access.as_secs(),
            user,
        })
    }

    /// A new access token of a session.
    fn access_token(&self, user: &UserDto, session: SessionId) -> Result<String, Error> {
        let now = Utc::now().timestamp();
        let lifetime = i64::try_from(self.lifetimes.access.as_secs()).unwrap_or(i64::MAX);
        let claims = AccessClaims {
            iss: self.issuer.to_string(),
            aud: ACCESS_AUDIENCE.to_owned(),
            sub: user.id,
            sid: session,
            jti: chassis::fresh_id(),
            iat: now,
            exp: now.saturating_add(lifetime),
            email: user.email.clone(),
            name: user.name.clone(),
            role: user.role,
        };
        self.keyring()?.sign(&claims).map_err(Error::Sign)
    }
}
