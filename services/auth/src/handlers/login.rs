//! Login by e-mail and password.

use axum::Json;
use axum::extract::State;
use chassis::extract::ApiJson;
use chassis::{db, reply};
use contract::auth::{LoginRequest, TokenResponse};
use contract::id::SessionId;
use contract::problem::Problem;
use contract::response::ApiResponse;
use contract::text::Text;
use contract::user::{UserDto, UserStatus};
use tracing::info;

use crate::caller::Caller;
use crate::domain::throttle::{Keys, decide};
use crate::error::Error;
use crate::events;
use crate::healer::{self, Settled};
use crate::password::Check;
use crate::profile;
use crate::refresh_token::RefreshToken;
use crate::repository::account::{self, Account};
use crate::repository::audit::{self, Entry, Kind};
use crate::repository::session::{self, NewSession};
use crate::repository::throttle::{self, Forgive};
use crate::state::AppState;

/// Opens a session.
#[utoipa::path(
    post,
    path = "/api/auth/login",
    tag = "auth",
    request_body = LoginRequest,
    responses(
        (status = 200, description = "Tokens and the user", body = ApiResponse<TokenResponse>),
        (status = 401, description = "U003, the same for an unknown address and a wrong password", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: the account is inactive or suspended", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "G001: too many failures", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "G002: too many logins at once", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn login(
    State(state): State<AppState>,
    caller: Caller,
    ApiJson(body): ApiJson<LoginRequest>,
) -> Result<Json<ApiResponse<TokenResponse>>, Error> {
    let keys = Keys::new(&body.email, caller.address);
    let account = authenticate(&state, &body, &keys, &caller).await?;
    let user = profile::current(&state, &account).await?;
    if user.status != UserStatus::Active {
        record(&state, Kind::LoginRefused, Some(&account), &caller).await?;
        return Err(Error::NotActive);
    }
    let tokens = open_session(&state, user, &keys, &caller).await?;
    Ok(reply(tokens, &Text::new("로그인되었습니다.", "You are logged in.")))
}

/// Finds out whose password this is. Unknown addresses take the same path and the same work.
async fn authenticate(
    state: &AppState,
    body: &LoginRequest,
    keys: &Keys,
    caller: &Caller,
) -> Result<Account, Error> {
    let levels = throttle::charge(&mut *state.db.acquire().await?, keys).await?;
    if let Err(too_many) = decide(levels) {
        record(state, Kind::LoginThrottled, None, caller).await?;
        return Err(Error::TooManyFailures { retry_after: too_many.retry_after });
    }
    let account = account::find_by_email(&mut *state.db.acquire().await?, body.email.trim()).await?;
    let stored =
        account.as_ref().map(|account| account.password_hash.as_str()).filter(|hash| !hash.is_empty());
    let check = match state.passwords.check(&body.password, stored).await {
        Ok(check) => check,
        Err(error) => {
            throttle::forgive(&mut *state.db.acquire().await?, keys, Forgive::Attempt).await?;
            return Err(error.into());
        }
    };
    let right = check != Check::Wrong;
    let Some(account) = usable(state, account.as_ref().filter(|_| right)).await? else {
        record(state, Kind::LoginFailed, account.as_ref(), caller).await?;
        return Err(Error::BadCredentials);
    };
    if check == Check::RightButOutdated {
        let hash = state.passwords.hash(&body.password).await?;
        account::set_password_hash(&mut *state.db.acquire().await?, account.id, &hash).await?;
        info!(user.id = %account.id, "hashed the password of {} anew", account.id);
    }
    Ok(account)
}

/// Credentials of an unfinished sign-up count when user says that the account exists.
async fn usable(state: &AppState, account: Option<&Account>) -> Result<Option<Account>, Error> {
    match account {
        Some(account) if account.pending => {
            let settled = healer::settle(state, account.id).await?;
            Ok((settled == Settled::Confirmed).then(|| Account { pending: false, ..account.clone() }))
        }
        account => Ok(account.cloned()),
    }
}

async fn open_session(
    state: &AppState,
    user: UserDto,
    keys: &Keys,
    caller: &Caller,
) -> Result<TokenResponse, Error> {
    let id: SessionId = chassis::fresh_id();
    let refresh_token = RefreshToken::random()?;
    let lifetime_secs = state.lifetimes.refresh.as_secs_f64();
    let new = NewSession {
        id,
        user: user.id,
        address: caller.address,
        user_agent: caller.user_agent.as_deref(),
        lifetime_secs,
    };
    let mut tx = db::begin(&state.db).await?;
    // Nobody suspends the user from here on until the session is there to be ended.
    let bearer = account::bearer(&mut tx, user.id).await?;
    let bearer = bearer.filter(|bearer| bearer.status == UserStatus::Active).ok_or(Error::NotActive)?;
    if let Some(start) = session::insert(&mut tx, &new).await? {
        events::session_started(&mut tx, user.id, id, start).await?;
    }
    session::insert_token(&mut tx, &refresh_token.hash(), id, lifetime_secs).await?;
    throttle::forgive(&mut tx, keys, Forgive::Success).await?;
    let entry =
        Entry { kind: Kind::LoginSucceeded, user: Some(user.id), session: Some(id), address: caller.address };
    audit::insert(&mut tx, entry).await?;
    tx.commit().await?;
    state.token_response(user, &bearer, id, refresh_token)
}

async fn record(
    state: &AppState,
    kind: Kind,
    account: Option<&Account>,
    caller: &Caller,
) -> Result<(), Error> {
    let user = account.map(|account| account.id);
    let entry = Entry { kind, user, session: None, address: caller.address };
    audit::insert(&mut *state.db.acquire().await?, entry).await?;
    Ok(())
}
