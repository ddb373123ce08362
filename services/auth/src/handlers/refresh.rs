//! Exchanging a refresh token.

use axum::Json;
use axum::extract::State;
use chassis::extract::ApiJson;
use chassis::{db, reply};
use contract::auth::{RefreshRequest, RevocationReason, TokenResponse};
use contract::id::{SessionId, UserId};
use contract::problem::Problem;
use contract::response::ApiResponse;
use contract::text::Text;
use contract::user::UserStatus;
use sqlx::PgConnection;
use tracing::warn;

use crate::caller::Caller;
use crate::domain::refresh::{Verdict, judge};
use crate::error::Error;
use crate::events;
use crate::profile;
use crate::refresh_token::RefreshToken;
use crate::repository::account;
use crate::repository::audit::{self, Entry, Kind};
use crate::repository::session::{self, EndReason, StoredToken};
use crate::state::AppState;

/// Exchanges a refresh token for its successor and a new access token.
#[utoipa::path(
    post,
    path = "/api/auth/refresh",
    tag = "auth",
    request_body = RefreshRequest,
    responses(
        (status = 200, description = "Tokens and the user", body = ApiResponse<TokenResponse>),
        (status = 401, description = "A001 expired; A002 unknown, ended, or used again later than 10 s", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn refresh(
    State(state): State<AppState>,
    caller: Caller,
    ApiJson(body): ApiJson<RefreshRequest>,
) -> Result<Json<ApiResponse<TokenResponse>>, Error> {
    let presented = RefreshToken::presented(body.refresh_token);
    let successor = state.successors.of(&presented);
    let (user, session) = exchange(&state, &presented, &successor, &caller).await?;
    let account = account::find(&mut *state.db.acquire().await?, user).await?.ok_or(Error::TokenInvalid)?;
    let user = profile::current(&state, &account).await?;
    if user.status != UserStatus::Active {
        return Err(Error::TokenInvalid);
    }
    let bearer = account::bearer(&mut *state.db.acquire().await?, user.id).await?;
    // Suspended since we asked.
    let bearer = bearer.filter(|bearer| bearer.status == UserStatus::Active).ok_or(Error::TokenInvalid)?;
    let tokens = state.token_response(user, &bearer, session, successor)?;
    Ok(reply(tokens, &Text::new("토큰이 갱신되었습니다.", "The token was refreshed.")))
}

/// Marks the token as exchanged, once; whoever presents it again within the grace gets the same successor.
async fn exchange(
    state: &AppState,
    presented: &RefreshToken,
    successor: &RefreshToken,
    caller: &Caller,
) -> Result<(UserId, SessionId), Error> {
    let hash = presented.hash();
    let mut tx = db::begin(&state.db).await?;
    let Some(stored) = session::lock_token(&mut tx, &hash).await? else {
        return Err(Error::TokenInvalid);
    };
    match judge(&stored.presented, stored.now) {
        Verdict::Rotate => {
            let lifetime_secs = state.lifetimes.refresh.as_secs_f64();
            if let Some(start) = session::rotate(&mut tx, &hash, stored.session, lifetime_secs).await? {
                events::session_started(&mut tx, stored.user, stored.session, start).await?;
            }
            session::insert_token(&mut tx, &successor.hash(), stored.session, lifetime_secs).await?;
            tx.commit().await?;
        }
        Verdict::Repeat => tx.commit().await?,
        Verdict::Reuse => {
            revoke_family(&mut tx, &stored, caller).await?;
            tx.commit().await?;
            state.sessions.ended(stored.session).await;
            warn!(user.id = %stored.user, session.id = %stored.session, "a refresh token was used again: ended its session");
            return Err(Error::TokenInvalid);
        }
        Verdict::Expired => return Err(Error::TokenExpired),
        Verdict::Ended => return Err(Error::TokenInvalid),
    }
    Ok((stored.user, stored.session))
}

async fn revoke_family(
    db: &mut PgConnection,
    stored: &StoredToken,
    caller: &Caller,
) -> Result<(), sqlx::Error> {
    // The session's lock is ours, and it has not ended: there is always one to tell of.
    if let Some(ended) = session::end(db, stored.session, EndReason::Reuse).await? {
        events::session_revoked(db, stored.session, ended, RevocationReason::Reuse).await?;
    }
    let entry = Entry {
        kind: Kind::RefreshReused,
        user: Some(stored.user),
        session: Some(stored.session),
        address: caller.address,
    };
    audit::insert(db, entry).await
}
