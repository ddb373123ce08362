//! `/actuator/loggers`: read levels; change one with an internal token.

use axum::Json;
use axum::extract::State;
use contract::code::ErrorCode;
use contract::text::Text;
use garde::Validate;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tracing::info;
use tracing::level_filters::LevelFilter;

use super::require_internal;
use crate::error::ApiError;
use crate::extract::{ApiJson, ApiPath};
use crate::log_level::ROOT;
use crate::platform::Platform;

#[derive(Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Change {
    /// Null makes the target follow the others again.
    #[garde(skip)]
    configured_level: Option<String>,
}

/// `GET /actuator/loggers`
pub(super) async fn list(State(platform): State<Platform>) -> Json<Value> {
    let loggers: Map<String, Value> =
        platform.log().levels().into_iter().map(|(target, level)| (target, shown(level))).collect();
    Json(json!({ "levels": ["OFF", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"], "loggers": loggers }))
}

/// `GET /actuator/loggers/{name}`: a target without a level of its own follows the closest one that has.
pub(super) async fn one(State(platform): State<Platform>, ApiPath(name): ApiPath<String>) -> Json<Value> {
    let levels = platform.log().levels();
    if let Some(level) = levels.get(&name) {
        return Json(shown(*level));
    }
    let closest = levels.iter().filter(|(target, _)| name.starts_with(*target)).max_by_key(|(t, _)| t.len());
    let effective = closest.map(|(_, level)| *level).or_else(|| levels.get(ROOT).copied());
    let effective = effective.unwrap_or(LevelFilter::OFF);
    Json(json!({ "configuredLevel": null, "effectiveLevel": word(effective) }))
}

/// `POST /actuator/loggers/{name}`
pub(super) async fn change(
    State(platform): State<Platform>,
    headers: HeaderMap,
    ApiPath(name): ApiPath<String>,
    ApiJson(change): ApiJson<Change>,
) -> Result<StatusCode, ApiError> {
    require_internal(&headers, &platform)?;
    let level =
        change.configured_level.map(|word| word.parse::<LevelFilter>()).transpose().map_err(|_| {
            let text = Text::new("알 수 없는 로그 수준입니다.", "This is not a log level.");
            ApiError::new(ErrorCode::Validation).field("configuredLevel", text)
        })?;
    platform.log().set(&name, level);
    info!(logger = name, level = ?level, "changed the log level of {name}");
    Ok(StatusCode::NO_CONTENT)
}

fn shown(level: LevelFilter) -> Value {
    json!({ "configuredLevel": word(level), "effectiveLevel": word(level) })
}

fn word(level: LevelFilter) -> String {
    level.to_string().to_ascii_uppercase()
}
