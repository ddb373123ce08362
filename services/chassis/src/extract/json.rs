//! JSON bodies: parsed with the place of a mistake, then validated.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::response::IntoResponse as _;
use contract::code::ErrorCode;
use contract::text::Text;
use garde::Validate;
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// A JSON body that is well-formed (else E002, naming the field) and valid (else E003, listing fields).
///
/// Unknown keys are ignored unless the type says `deny_unknown_fields`.
#[derive(Debug, Clone)]
pub struct ApiJson<T>(pub T);

impl<S, T> FromRequest<S> for ApiJson<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Validate<Context: Default>,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::new(ErrorCode::BadRequest)
                .status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
                .text(Text::new("Content-Type은 application/json이어야 합니다.", "Send application/json.")));
        }
        let body = Bytes::from_request(request, state).await.map_err(|rejection| {
            let status = rejection.into_response().status();
            let error = ApiError::new(ErrorCode::BadRequest).status(status);
            match status {
                StatusCode::PAYLOAD_TOO_LARGE => {
                    error.text(Text::new("요청 본문이 너무 큽니다.", "The request body is too large."))
                }
                _ => error,
            }
        })?;
        let value = parse(&body)?;
        check(&value)?;
        Ok(Self(value))
    }
}

/// `application/json` or `application/…+json`, with any parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let malformed = |field: Option<String>, error: &serde_json::Error| {
        let text = Text::owned(
            format!("JSON 본문을 읽을 수 없습니다: {error}"),
            format!("The JSON body cannot be read: {error}"),
        );
        let problem = ApiError::new(ErrorCode::BadRequest).text(text);
        match field {
            Some(field) => problem.field(field, Text::untranslated(error.to_string())),
            None => problem,
        }
    };
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let field = error.path().to_string();
        malformed((field != ".").then_some(field), error.inner())
    })?;
    deserializer.end().map_err(|error| malformed(None, &error))?;
    Ok(value)
}

/// Applies a type's rules.
///
/// # Errors
/// E003 with every field that breaks one.
pub(super) fn check<T: Validate<Context: Default>>(value: &T) -> Result<(), ApiError> {
    let Err(report) = value.validate() else {
        return Ok(());
    };
    let mut fields: Vec<_> = report
        .iter()
        .map(|(path, error)| (camel_case(&path.to_string()), error.message().to_owned()))
        .collect();
    // The derive reports fields in no particular order.
    fields.sort();
    let problem =
        fields.into_iter().fold(ApiError::new(ErrorCode::Validation), |problem, (field, message)| {
            problem.field(field, Text::untranslated(message))
        });
    Err(problem)
}

/// Rust's field names as they are on the wire: `items[0].unit_price` is `items[0].unitPrice`.
fn camel_case(path: &str) -> String {
    let mut camel = String::with_capacity(path.len());
    let mut after_underscore = false;
    for letter in path.chars() {
        match letter {
            '_' if !camel.is_empty() && !camel.ends_with('.') => after_underscore = true,
            _ if after_underscore => {
                camel.extend(letter.to_uppercase());
                after_underscore = false;
            }
            _ => camel.push(letter),
        }
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_as_the_caller_wrote_them() {
        for (rust, wire) in [
            ("email", "email"),
            ("first_name", "firstName"),
            ("items[0].unit_price", "items[0].unitPrice"),
            ("exit_modal_do_not_show_again", "exitModalDoNotShowAgain"),
            ("_private", "_private"),
        ] {
            assert_eq!(camel_case(rust), wire);
        }
    }

    #[test]
    fn only_json_is_json() {
        for (value, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/merge-patch+json", true),
            ("text/json", false),
            ("application/x-www-form-urlencoded", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]);
            assert_eq!(is_json(&headers), expected, "{value}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
