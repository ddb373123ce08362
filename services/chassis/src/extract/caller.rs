//! Who is calling, from the bearer token. A state that holds an [`Identity`] gives access to these.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use contract::claims::AccessClaims;
use contract::code::ErrorCode;
use contract::id::UserId;
use contract::user::Role;
use http::header::{self, HeaderMap};
use http::request::Parts;
use tracing::debug;

use crate::error::ApiError;
use crate::identity::{Identity, ServiceTokenError, TokenError};

/// A user with a valid access token; else 401, A001 when it has expired and A002 otherwise.
#[derive(Debug, Clone)]
pub struct CurrentUser(pub Arc<AccessClaims>);

impl CurrentUser {
    pub fn id(&self) -> UserId {
        self.0.sub
    }

    pub fn is_admin(&self) -> bool {
        self.0.role == Role::Admin
    }

    /// # Errors
    /// 403 unless this is the user themselves or an administrator.
    pub fn require_self_or_admin(&self, user: UserId) -> Result<(), ApiError> {
        if self.id() == user || self.is_admin() { Ok(()) } else { Err(ErrorCode::AccessDenied.into()) }
    }
}

/// The user if the token is good; anybody otherwise. For public routes: a dead token is never refused there.
#[derive(Debug, Clone)]
pub struct OptionalUser(pub Option<CurrentUser>);

/// A user with `ROLE_ADMIN`; else 403.
#[derive(Debug, Clone)]
pub struct Admin(pub CurrentUser);

/// Which services may call an internal route, by the names of their keys.
pub trait Callers {
    const ALLOWED: &'static [&'static str];
}

/// One of the services that `C` allows, by the token it signed for us; else 401, or 403 for another service.
#[derive(Debug, Clone)]
pub struct ServiceCaller<C> {
    /// The name of its key.
    pub name: String,
    allowed: PhantomData<C>,
}

/// The token of the one `Authorization: Bearer` header. Two of them could be read differently elsewhere.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut lines = headers.get_all(header::AUTHORIZATION).into_iter();
    let (line, None) = (lines.next()?, lines.next()) else {
        return None;
    };
    let (scheme, token) = line.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

impl<S> FromRequestParts<S> for CurrentUser
where
    S: Send + Sync,
    Identity: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers).ok_or(ErrorCode::TokenInvalid)?;
        let verified = Identity::from_ref(state).access.verify(token).await;
        Ok(Self(verified?))
    }
}

/// Auth's keys being out of reach is no reason to log a user out.
impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Expired => ErrorCode::TokenExpired.into(),
            TokenError::Invalid(_) => Self::new(ErrorCode::TokenInvalid).because(error),
            TokenError::Unavailable => Self::new(ErrorCode::UpstreamUnavailable).because(error),
        }
    }
}

impl<S> FromRequestParts<S> for OptionalUser
where
    S: Send + Sync,
    Identity: FromRef<S>,
{
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(CurrentUser::from_request_parts(parts, state).await.ok()))
    }
}

impl<S> FromRequestParts<S> for Admin
where
    S: Send + Sync,
    Identity: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let user = CurrentUser::from_request_parts(parts, state).await?;
        if user.is_admin() { Ok(Self(user)) } else { Err(ErrorCode::AccessDenied.into()) }
    }
}

impl<S, C> FromRequestParts<S> for ServiceCaller<C>
where
    S: Send + Sync,
    C: Callers,
    Identity: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let name = service_caller(&parts.headers, &Identity::from_ref(state))?;
        if !C::ALLOWED.contains(&name.as_str()) {
            debug!(caller = name, "refused an internal call");
            return Err(ErrorCode::AccessDenied.into());
        }
        Ok(Self { name, allowed: PhantomData })
    }
}

/// The service that signed the bearer token.
///
/// # Errors
/// 401 when there is no such token.
pub(crate) fn service_caller(headers: &HeaderMap, identity: &Identity) -> Result<String, ApiError> {
    let token = bearer(headers).ok_or(ErrorCode::TokenInvalid)?;
    match identity.service.verify(token) {
        Ok(claims) => Ok(claims.iss),
        Err(error) => {
            debug!(%error, "refused a service token");
            Err(match error {
                ServiceTokenError::Expired => ErrorCode::TokenExpired,
                ServiceTokenError::Invalid(_) => ErrorCode::TokenInvalid,
            }
            .into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_bearer_token_counts() {
        for (lines, expected) in [
            (&["Bearer abc"][..], Some("abc")),
            (&["bearer  abc "], Some("abc")),
            (&["Basic abc"], None),
            (&["Bearer "], None),
            (&["Bearer"], None),
            (&["abc"], None),
            (&["Bearer a", "Bearer b"], None),
            (&[], None),
        ] {
            let headers: HeaderMap =
                lines.iter().map(|line| (header::AUTHORIZATION, line.parse().unwrap())).collect();
            assert_eq!(bearer(&headers), expected, "{lines:?}");
        }
    }
}
