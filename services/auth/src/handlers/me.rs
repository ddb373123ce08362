//! Who the caller is.

use axum::Json;
use axum::extract::State;
use chassis::extract::CurrentUser;
use chassis::reply;
use contract::problem::Problem;
use contract::response::ApiResponse;
use contract::text::Text;
use contract::user::{UserDto, UserStatus};

use crate::error::Error;
use crate::profile;
use crate::session_cache::LiveSession;
use crate::state::AppState;

/// The user of the access token.
#[utoipa::path(
    get,
    path = "/api/auth/me",
    tag = "auth",
    responses(
        (status = 200, description = "The user", body = ApiResponse<UserDto>),
        (status = 401, description = "A001 expired; A002 not valid, or logged out", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn me(
    State(state): State<AppState>,
    user: CurrentUser,
) -> Result<Json<ApiResponse<UserDto>>, Error> {
    let user = live(&state, &user).await?;
    Ok(reply(user, &Text::new("사용자 정보를 조회했습니다.", "This is you.")))
}

/// Whether the access token is good, and whose it is.
#[utoipa::path(
    get,
    path = "/api/auth/validate",
    tag = "auth",
    responses(
        (status = 200, description = "The token is good; its user", body = ApiResponse<UserDto>),
        (status = 401, description = "A001 expired; A002 not valid, or logged out", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn validate(
    State(state): State<AppState>,
    user: CurrentUser,
) -> Result<Json<ApiResponse<UserDto>>, Error> {
    let user = live(&state, &user).await?;
    Ok(reply(user, &Text::new("유효한 토큰입니다.", "The token is valid.")))
}

/// The token is good as far as anybody can see; whether its session still runs, only auth knows at once.
async fn live(state: &AppState, token: &CurrentUser) -> Result<UserDto, Error> {
    let session = state.sessions.live(token.0.sid).await?;
    let good = |session: &LiveSession| {
        session.user.id == token.id() && token.0.iat >= session.tokens_not_before.timestamp()
    };
    let session = session.filter(|session| good(session)).ok_or(Error::TokenInvalid)?;
    let user = profile::shown(state, &session.user).await?;
    if user.status == UserStatus::Active { Ok(user) } else { Err(Error::TokenInvalid) }
}
