//! Sign-up as the web client does it.

use axum::Json;
use axum::extract::State;
use chassis::extract::ApiJson;
use chassis::reply;
use contract::password::Password;
use contract::problem::Problem;
use contract::response::ApiResponse;
use contract::text::Text;
use contract::user::UserDto;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain;
use crate::domain::sign_up::Form;
use crate::error::Error;
use crate::sign_up;
use crate::state::AppState;

/// A sign-up form. Absent, null and empty are the same; the rules are the domain's.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct SignUpRequest {
    #[schema(required)]
    email: Option<String>,
    /// 1 to 50 characters.
    #[schema(required)]
    first_name: Option<String>,
    /// 1 to 50 characters.
    #[schema(required)]
    last_name: Option<String>,
    /// At most 50 characters; blank becomes both names.
    name: Option<String>,
    /// 8 to 100 characters with a letter and a digit.
    #[schema(required)]
    password: Option<Password>,
    picture: Option<String>,
    /// At most 100 characters.
    info: Option<String>,
}

impl SignUpRequest {
    fn form(&self) -> Form<'_> {
        Form {
            email: self.email.as_deref().unwrap_or_default(),
            first_name: self.first_name.as_deref().unwrap_or_default(),
            last_name: self.last_name.as_deref().unwrap_or_default(),
            name: self.name.as_deref().unwrap_or_default(),
            password: self.password.as_ref().map_or("", Password::expose),
            picture: self.picture.as_deref(),
            info: self.info.as_deref(),
        }
    }
}

/// Creates an account: the profile here, the credentials at auth.
#[utoipa::path(
    post,
    path = "/api/users",
    tag = "users",
    request_body = SignUpRequest,
    responses(
        (status = 200, description = "The account exists", body = ApiResponse<UserDto>),
        (status = 400, description = "E003, or U004 when only the password is too weak", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "U002: the address is taken", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "G002: auth does not answer; nothing was kept", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn sign_up(
    State(state): State<AppState>,
    ApiJson(request): ApiJson<SignUpRequest>,
) -> Result<Json<ApiResponse<UserDto>>, Error> {
    let account = domain::sign_up::check(&request.form()).map_err(Error::Invalid)?;
    let row = sign_up::run(&state, &account).await?;
    Ok(reply(row.into(), &Text::new("회원가입이 완료되었습니다.", "Your account is ready.")))
}
