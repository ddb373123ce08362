//! The public keys of access tokens.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use contract::problem::Problem;
use http::{HeaderValue, header};

use crate::error::Error;
use crate::state::AppState;

/// A key is published long before it signs, so a copy of this age is still good.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=60");

/// The JWK set that access tokens are verified with.
#[utoipa::path(
    get,
    path = "/api/auth/.well-known/jwks.json",
    tag = "auth",
    responses(
        (status = 200, description = "RFC 7517 key set", body = Object),
        (status = 503, description = "G002: the keys are not loaded yet", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn jwks(State(state): State<AppState>) -> Result<Response, Error> {
    let keyring = state.keyring()?;
    Ok(([(header::CACHE_CONTROL, CACHE)], Json(keyring.jwks())).into_response())
}
