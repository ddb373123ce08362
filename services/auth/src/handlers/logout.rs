//! Ending one's own session.

use axum::Json;
use axum::extract::State;
use chassis::extract::bearer;
use chassis::{db, reply};
use contract::auth::RevocationReason;
use contract::response::ApiResponse;
use contract::text::Text;
use http::HeaderMap;

use crate::caller::Caller;
use crate::error::Error;
use crate::events;
use crate::repository::audit::{self, Entry, Kind};
use crate::repository::session::{self, EndReason};
use crate::state::AppState;

/// Ends the session of the token, if there is one: its refresh tokens are dead with it. An expired token is
/// good enough for that.
#[utoipa::path(
    post,
    path = "/api/auth/logout",
    tag = "auth",
    responses((status = 200, description = "Logged out, or was already; `data` is null", body = ApiResponse<serde_json::Value>)),
    security((), ("bearer" = []))
)]
pub async fn logout(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Json<ApiResponse<()>>, Error> {
    if let Some(id) = bearer(&headers).and_then(|token| state.session_of(token)) {
        let mut tx = db::begin(&state.db).await?;
        if let Some(ended) = session::end(&mut tx, id, EndReason::Logout).await? {
            events::session_revoked(&mut tx, id, ended, RevocationReason::Logout).await?;
            let (user, address) = (Some(ended.user), caller.address);
            let entry = Entry { kind: Kind::Logout, user, session: Some(id), address };
            audit::insert(&mut tx, entry).await?;
        }
        tx.commit().await?;
        state.sessions.ended(id).await;
    }
    Ok(reply((), &Text::new("로그아웃되었습니다.", "You are logged out.")))
}
