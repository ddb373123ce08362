//! The credentials side of a sign-up, for user; never routed from outside.

use axum::Json;
use axum::extract::State;
use chassis::db;
use chassis::extract::{ApiJson, ApiPath, Callers, ServiceCaller};
use contract::auth::{CredentialsState, CredentialsView, PutCredentials};
use contract::id::UserId;
use contract::problem::Problem;
use http::StatusCode;

use crate::error::Error;
use crate::healer;
use crate::repository::account::{self, Account, Pending, Reserved};
use crate::state::AppState;

/// Who signs users up.
pub struct SignUp;

impl Callers for SignUp {
    const ALLOWED: &'static [&'static str] = &["user"];
}

/// Stores the credentials of a sign-up. They open nothing until confirmed.
#[utoipa::path(
    put,
    path = "/internal/credentials/{id}",
    tag = "internal",
    params(("id" = UserId, Path)),
    request_body = PutCredentials,
    responses(
        (status = 200, description = "Stored, or stored again", body = CredentialsView),
        (status = 409, description = "U002: the address has credentials of somebody else", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "G002: too many passwords at once", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn put_credentials(
    State(state): State<AppState>,
    _caller: ServiceCaller<SignUp>,
    ApiPath(id): ApiPath<UserId>,
    ApiJson(body): ApiJson<PutCredentials>,
) -> Result<Json<CredentialsView>, Error> {
    let hash = state.passwords.hash(&body.password).await?;
    let new = Pending { id, email: &body.email, password_hash: &hash, name: &body.name, role: body.role };
    let mut tx = db::begin(&state.db).await?;
    if account::reserve(&mut tx, &new).await? == Reserved::Taken {
        return Err(Error::EmailTaken);
    }
    let stored = account::find(&mut tx, id).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
    Ok(Json(view(stored)))
}

/// Makes credentials usable: the profile exists. May be repeated.
#[utoipa::path(
    post,
    path = "/internal/credentials/{id}/confirm",
    tag = "internal",
    params(("id" = UserId, Path)),
    responses(
        (status = 200, description = "Confirmed, or was already", body = CredentialsView),
        (status = 404, description = "U001", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn confirm_credentials(
    State(state): State<AppState>,
    _caller: ServiceCaller<SignUp>,
    ApiPath(id): ApiPath<UserId>,
) -> Result<Json<CredentialsView>, Error> {
    healer::confirm(&state, id).await?;
    let stored = account::find(&mut *state.db.acquire().await?, id).await?.ok_or(Error::NotFound)?;
    Ok(Json(view(stored)))
}

/// Removes the credentials of a sign-up that came to nothing. Those of an account stay. May be repeated.
#[utoipa::path(
    delete,
    path = "/internal/credentials/{id}",
    tag = "internal",
    params(("id" = UserId, Path)),
    responses((status = 204, description = "There are no unconfirmed credentials of this user")),
    security(("service" = []))
)]
pub async fn delete_credentials(
    State(state): State<AppState>,
    _caller: ServiceCaller<SignUp>,
    ApiPath(id): ApiPath<UserId>,
) -> Result<StatusCode, Error> {
    account::discard(&mut *state.db.acquire().await?, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn view(account: Account) -> CredentialsView {
    CredentialsView {
        user_id: account.id,
        email: account.email,
        state: if account.pending { CredentialsState::Pending } else { CredentialsState::Confirmed },
        status: account.status,
        role: account.role,
    }
}
