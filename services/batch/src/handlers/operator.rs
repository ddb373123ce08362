//! Who may use batch: administrators, and the operator of the stack with the token of their command line.

use axum::extract::{FromRef, FromRequestParts};
use chassis::ApiError;
use chassis::extract::{Admin, CurrentUser, bearer};
use chassis::identity::{Identity, ServiceTokenError};
use contract::claims::OPERATOR;
use contract::code::ErrorCode;
use http::request::Parts;
use tracing::debug;

/// A user with `ROLE_ADMIN`, or the operator; else 401 or 403.
#[derive(Debug, Clone)]
pub struct Operator {
    /// `user:<id>` or `operator`, as an execution remembers who asked for it.
    pub who: String,
    /// For what lasts longer than a request: whose token may be revoked meanwhile.
    pub(super) user: Option<CurrentUser>,
}

impl<S> FromRequestParts<S> for Operator
where
    S: Send + Sync,
    Identity: FromRef<S>,
{
    type Rejection = ApiError;

    /// A token is never sorted by what it says of itself: either verifier takes its own algorithm, keys and audience and
    /// nothing else, so what one of them believes, the other would refuse.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers).ok_or(ErrorCode::TokenInvalid)?;
        match Identity::from_ref(state).service.verify(token) {
            Ok(claims) if claims.iss == OPERATOR => Ok(Self { who: OPERATOR.to_owned(), user: None }),
            Ok(claims) => {
                debug!(caller = claims.iss, "refused a service");
                Err(ErrorCode::AccessDenied.into())
            }
            // Only what a known key has signed can have expired.
            Err(ServiceTokenError::Expired) => Err(ErrorCode::TokenExpired.into()),
            Err(ServiceTokenError::Invalid(_)) => {
                let Admin(user) = Admin::from_request_parts(parts, state).await?;
                Ok(Self { who: format!("user:{}", user.id()), user: Some(user) })
            }
        }
    }
}
