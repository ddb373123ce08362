//! Routes for other services and for operators; never routed from outside.

use axum::Json;
use axum::extract::State;
use chassis::db;
use chassis::extract::{ApiJson, ApiPath, Callers, ServiceCaller};
use contract::claims::OPERATOR;
use contract::id::UserId;
use contract::internal::{CreateUser, CreatedUser, UserRecord};
use contract::problem::Problem;
use http::StatusCode;

use crate::domain;
use crate::domain::sign_up::Form;
use crate::error::Error;
use crate::repository::profile;
use crate::sign_up;
use crate::state::AppState;

/// Who may read any user.
pub struct Readers;

impl Callers for Readers {
    const ALLOWED: &'static [&'static str] = &["auth", OPERATOR];
}

/// Who may create accounts with a role.
pub struct Operators;

impl Callers for Operators {
    const ALLOWED: &'static [&'static str] = &[OPERATOR];
}

/// A user in whatever state, for auth.
#[utoipa::path(
    get,
    path = "/internal/users/{id}",
    tag = "internal",
    params(("id" = UserId, Path)),
    responses(
        (status = 200, description = "The user and how far its sign-up is", body = UserRecord),
        (status = 404, description = "U001", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn get_record(
    State(state): State<AppState>,
    _caller: ServiceCaller<Readers>,
    ApiPath(id): ApiPath<UserId>,
) -> Result<Json<UserRecord>, Error> {
    let mut tx = db::begin(&state.db).await?;
    let row = profile::find(&mut tx, id).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
    Ok(Json(row.into()))
}

/// Creates an account with a role.
#[utoipa::path(
    post,
    path = "/internal/users",
    tag = "internal",
    request_body = CreateUser,
    responses(
        (status = 201, description = "The account exists", body = CreatedUser),
        (status = 400, description = "E003 or U004", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "U002", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn create_user(
    State(state): State<AppState>,
    _caller: ServiceCaller<Operators>,
    ApiJson(body): ApiJson<CreateUser>,
) -> Result<(StatusCode, Json<CreatedUser>), Error> {
    let form = Form {
        email: &body.email,
        first_name: &body.first_name,
        last_name: &body.last_name,
        password: body.password.expose(),
        ..Form::default()
    };
    let account = domain::sign_up::check_operators(&form, body.role).map_err(Error::Invalid)?;
    let row = sign_up::run(&state, &account).await?;
    Ok((StatusCode::CREATED, Json(CreatedUser { id: row.id })))
}
