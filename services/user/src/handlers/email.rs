//! Whether an address can still be signed up with.

use axum::Json;
use axum::extract::State;
use chassis::extract::ApiPath;
use chassis::{ApiError, db, reply};
use contract::code::ErrorCode;
use contract::problem::Problem;
use contract::response::ApiResponse;
use contract::text::Text;

use crate::domain::email::Email;
use crate::domain::violation::Rule;
use crate::error::Error;
use crate::repository::profile;
use crate::state::AppState;

/// Whether an e-mail address is taken, also by a withdrawn account.
#[utoipa::path(
    get,
    path = "/api/users/check-email/{email}",
    tag = "users",
    params(("email" = String, Path, description = "Percent-encoded; compared trimmed and in lower case")),
    responses(
        (status = 200, description = "`data` is true when the address is taken", body = ApiResponse<bool>),
        (status = 400, description = "E003: not an address", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn check_email(
    State(state): State<AppState>,
    ApiPath(email): ApiPath<String>,
) -> Result<Json<ApiResponse<bool>>, Error> {
    let email = Email::parse(&email).map_err(|_| {
        let text = Rule::NotAnEmail.text();
        ApiError::new(ErrorCode::Validation).text(text.clone()).field("email", text)
    })?;
    let mut tx = db::begin(&state.db).await?;
    let taken = profile::is_taken(&mut tx, &email).await?;
    tx.commit().await?;
    let message = if taken {
        ErrorCode::EmailTaken.text()
    } else {
        Text::new("사용 가능한 이메일입니다.", "This email can be used.")
    };
    Ok(reply(taken, &message))
}
