//! Reading and changing a profile.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::extract::{ApiJson, ApiPath, CurrentUser};
use chassis::{db, entity_tag};
use contract::id::UserId;
use contract::problem::Problem;
use contract::user::{Role, UserDto, UserStatus};
use garde::Validate;
use http::{HeaderMap, header};
use serde::Deserialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::domain::change::{self, Authority, Refusal, Request};
use crate::domain::email::Email;
use crate::error::Error;
use crate::events;
use crate::repository::profile::{self, Row};
use crate::state::AppState;

/// What to change; absent and null leave as it is.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct ChangeRequest {
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    name: Option<String>,
    picture: Option<String>,
    info: Option<String>,
    coach_check: Option<bool>,
    exit_modal_do_not_show_again: Option<bool>,
    /// Administrators only.
    status: Option<UserStatus>,
    /// Administrators only.
    role: Option<Role>,
}

impl ChangeRequest {
    fn request(&self, headers: &HeaderMap) -> Request<'_> {
        Request {
            email: self.email.as_deref(),
            first_name: self.first_name.as_deref(),
            last_name: self.last_name.as_deref(),
            name: self.name.as_deref(),
            picture: self.picture.as_deref(),
            info: self.info.as_deref(),
            coach_check: self.coach_check,
            exit_modal_do_not_show_again: self.exit_modal_do_not_show_again,
            status: self.status,
            role: self.role,
            if_versions: entity_tag::if_match(headers),
        }
    }
}

/// A user's profile: one's own, or anybody's for administrators.
#[utoipa::path(
    get,
    path = "/api/users/{id}",
    tag = "users",
    params(("id" = UserId, Path)),
    responses(
        (status = 200, description = "The profile, its version as ETag", body = UserDto),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: somebody else's", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "U001", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn get_user(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiPath(id): ApiPath<UserId>,
) -> Result<Response, Error> {
    user.require_self_or_admin(id)?;
    let mut tx = db::begin(&state.db).await?;
    let row = visible(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view(row))
}

/// Changes a profile. `If-Match` is honoured when sent.
#[utoipa::path(
    put,
    path = "/api/users/{id}",
    tag = "users",
    params(("id" = UserId, Path), ("If-Match" = Option<String>, Header, description = "ETag of the profile")),
    request_body = ChangeRequest,
    responses(
        (status = 200, description = "The profile as it is now", body = UserDto),
        (status = 400, description = "E003; another e-mail address cannot be set yet", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: somebody else's, or a role or status by no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "U001", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "U002: the address is taken", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "The profile changed since it was read", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn put_user(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiPath(id): ApiPath<UserId>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<ChangeRequest>,
) -> Result<Response, Error> {
    user.require_self_or_admin(id)?;
    let authority = if user.is_admin() { Authority::Admin } else { Authority::Owner };
    let mut tx = db::begin(&state.db).await?;
    profile::lock(&mut tx, id).await?;
    let row = visible(&mut tx, id).await?;
    let outcome = match change::apply(&row.changeable(), &body.request(&headers), authority) {
        Ok(outcome) => outcome,
        Err(refusal) => return Err(explain(&mut tx, refusal, body.email.as_deref()).await?),
    };
    if outcome.events.is_empty() {
        return Ok(view(row));
    }
    profile::update(&mut tx, id, &outcome.profile).await?;
    let changed = visible(&mut tx, id).await?;
    let mut snapshot = changed.snapshot();
    for (kind, version) in outcome.events.iter().zip(row.version + 1..) {
        snapshot.version = version;
        events::publish(&mut tx, kind, &snapshot).await?;
    }
    tx.commit().await?;
    Ok(view(changed))
}

/// Pending sign-ups are nobody's profile yet.
async fn visible(db: &mut PgConnection, id: UserId) -> Result<Row, Error> {
    profile::find(db, id).await?.filter(|row| !row.pending).ok_or(Error::NotFound)
}

/// That an address is taken is worth more to know than that it cannot be changed anyway.
async fn explain(db: &mut PgConnection, refusal: Refusal, email: Option<&str>) -> Result<Error, Error> {
    if refusal == Refusal::EmailIsFixed
        && let Some(Ok(email)) = email.map(Email::parse)
        && profile::is_taken(db, &email).await?
    {
        return Ok(Error::EmailTaken);
    }
    Ok(refusal.into())
}

fn view(row: Row) -> Response {
    let etag = entity_tag::of_version(row.version);
    ([(header::ETAG, etag)], Json(UserDto::from(row))).into_response()
}
