//! Who is calling, and whether the route is open to them.

use chassis::extract::bearer;
use chassis::identity::{TokenError, TokenVerifier};
use contract::gateway::Access;
use contract::user::Role;
use http::HeaderValue;

use crate::exchange::{Exchange, Identity, Purpose};
use crate::failure::Failure;
use crate::handshake;

/// On a public route a token that is no good makes the caller anonymous: the web client sends its dead
/// token with login and sign-up.
pub(crate) async fn authenticate(
    verifier: &TokenVerifier,
    access: Access,
    exchange: &Exchange,
) -> Result<Identity, Failure> {
    let headers = &exchange.head.headers;
    let token = bearer(headers).or_else(|| match exchange.purpose {
        Purpose::WebSocket => handshake::offered_token(headers),
        Purpose::Answer => None,
    });
    let claims = match token {
        Some(token) => verifier.verify(token).await.map_err(Failure::Token),
        None => Err(Failure::NoToken),
    };
    match (access, claims) {
        (Access::Public, Err(_)) => Ok(Identity::Anonymous),
        (Access::Admin, Ok(claims)) if claims.role != Role::Admin => Err(Failure::NotAdmin),
        (Access::Public | Access::Token | Access::Admin, Ok(claims)) => Ok(Identity::User(claims)),
        (Access::Token | Access::Admin, Err(failure)) => Err(failure),
    }
}

/// What a 401 says about how to do better (RFC 6750 section 3).
pub(crate) fn challenge(failure: &Failure) -> Option<HeaderValue> {
    match failure {
        Failure::NoToken => Some(HeaderValue::from_static("Bearer")),
        Failure::Token(TokenError::Expired | TokenError::Invalid(_)) => {
            Some(HeaderValue::from_static("Bearer error=\"invalid_token\""))
        }
        _ => None,
    }
}
