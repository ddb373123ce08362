//! Requests that take effect once, however often they come: `Idempotency-Key` and the answer that is kept for it.
//!
//! A key is claimed in the transaction that has the effect. So a process that dies leaves either nothing, or an effect
//! whose further way, e.g. a saga, knows the [`Key`] and stores the answer.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use aws_lc_rs::digest;
use axum::extract::{FromRequestParts, MatchedPath, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use contract::code::ErrorCode;
use contract::text::Text;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::error::ApiError;

pub const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// On an answer that was stored.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// As the column takes it.
const MAX_LENGTH: usize = 255;
/// When to ask again for what still runs.
const SOON: Duration = Duration::from_secs(1);

/// The request's key, which must be there: 1 to 255 visible characters of ASCII, else 400 E002.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    value: String,
    method: Method,
    /// The template: keys of different routes never meet.
    route: String,
    path: String,
}

/// What was found under a key.
#[derive(Debug)]
pub enum Claim {
    /// Nothing: the caller has the effect now, and owes the key an answer.
    Fresh(Key),
    /// The effect was had; this is the answer.
    Replay(Answer),
}

/// A claimed key, for [`finish`]. It can be stored with the work that goes on after the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    scope: String,
    value: String,
    /// Tells this claim from a later one, after the key has expired.
    claimed_at: DateTime<Utc>,
}

/// What is said again when the request comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    status: StatusCode,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Answer {
    /// # Errors
    /// When `body` cannot be serialised.
    pub fn json(status: StatusCode, body: &impl Serialize) -> Result<Self, serde_json::Error> {
        let headers = BTreeMap::from([(header::CONTENT_TYPE.to_string(), "application/json".to_owned())]);
        Ok(Self { status, headers, body: serde_json::to_vec(body)? })
    }

    #[must_use]
    pub fn header(mut self, name: &HeaderName, value: impl Into<String>) -> Self {
        self.headers.insert(name.to_string(), value.into());
        self
    }

    /// The answer as it was, marked as stored.
    pub fn replayed(self) -> Response {
        let mut response = self.into_response();
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        response
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body).into_response();
        for (name, value) in self.headers {
            // What is none any more, after an edit by hand, is left out.
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::try_from(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

impl IdempotencyKey {
    /// Claims the key for a request of `caller`, a user or a service, in the transaction of `db`. Whoever comes with the same key at the same
    /// time waits for that transaction's end. `body` is the request as it was understood, so spaces and the order of
    /// keys make no difference.
    ///
    /// # Errors
    /// 422 when the key was used for another request, 409 while the first one runs; when the database does not answer.
    pub async fn claim(
        &self,
        db: &mut PgConnection,
        caller: impl fmt::Display + Send,
        body: &(impl Serialize + Sync),
    ) -> Result<Claim, ApiError> {
        let scope = format!("{caller} {} {}", self.method, self.route);
        let hash = self.hash(body).map_err(ApiError::internal)?;
        if let Some(claimed_at) = insert(db, &scope, &self.value, hash.as_ref()).await? {
            return Ok(Claim::Fresh(Key { scope, value: self.value.clone(), claimed_at }));
        }
        let found = find(db, &scope, &self.value).await?;
        // It was purged since: as good as running, and free at the next attempt.
        let Some(found) = found else { return Err(running()) };
        if found.request_hash != hash.as_ref() {
            return Err(mismatch());
        }
        found.answer().map_or_else(|| Err(running()), |answer| Ok(Claim::Replay(answer)))
    }

    fn hash(&self, body: &impl Serialize) -> Result<digest::Digest, serde_json::Error> {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(self.method.as_str().as_bytes());
        context.update(b" ");
        context.update(self.path.as_bytes());
        context.update(b"\n");
        context.update(&serde_json::to_vec(body)?);
        Ok(context.finish())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let mut lines = parts.headers.get_all(HEADER).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return Err(malformed());
        };
        let value = line.to_str().ok().filter(|key| is_key(key)).ok_or_else(malformed)?.to_owned();
        let path = parts.uri.path().to_owned();
        let route = parts
            .extensions
            .get::<MatchedPath>()
            .map_or_else(|| path.clone(), |route| route.as_str().to_owned());
        Ok(Self { value, method: parts.method.clone(), route, path })
    }
}

/// For routes where a key is welcome and not required.
impl<S: Send + Sync> OptionalFromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, ApiError> {
        if !parts.headers.contains_key(HEADER) {
            return Ok(None);
        }
        <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
    }
}

fn is_key(text: &str) -> bool {
    (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn malformed() -> ApiError {
    ApiError::new(ErrorCode::BadRequest).text(Text::new(
        "Idempotency-Key 헤더가 필요합니다(ASCII 1~255자).",
        "Send one Idempotency-Key header of 1 to 255 visible ASCII characters.",
    ))
}

fn running() -> ApiError {
    ApiError::new(ErrorCode::BadRequest).status(StatusCode::CONFLICT).retry_after(SOON).text(Text::new(
        "같은 요청이 아직 처리 중입니다. 잠시 후 다시 시도해 주세요.",
        "The same request is still being worked on. Please try again shortly.",
    ))
}

fn mismatch() -> ApiError {
    ApiError::new(ErrorCode::BadRequest).status(StatusCode::UNPROCESSABLE_ENTITY).text(Text::new(
        "이 Idempotency-Key는 다른 요청에 이미 사용되었습니다.",
        "This Idempotency-Key was used for another request.",
    ))
}

#[derive(sqlx::FromRow)]
struct Row {
    request_hash: Vec<u8>,
    status: Option<i16>,
    headers: Option<Json<BTreeMap<String, String>>>,
    body: Option<Vec<u8>>,
}

impl Row {
    /// None while it runs.
    fn answer(self) -> Option<Answer> {
        let status = StatusCode::from_u16(self.status?.try_into().ok()?).ok()?;
        Some(Answer {
            status,
            headers: self.headers.map(|Json(headers)| headers).unwrap_or_default(),
            body: self.body?,
        })
    }
}

/// When it was claimed; none if somebody had it before.
async fn insert(
    db: &mut PgConnection,
    scope: &str,
    key: &str,
    hash: &[u8],
) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar(
        "insert into idempotency_key as known (scope, key, request_hash, created_at, locked_until, expires_at)
         values ($1, $2, $3, clock_timestamp(), now() + interval '24 hours', now() + interval '24 hours')
         on conflict (scope, key) do update
         set request_hash = excluded.request_hash,
           state = 'RUNNING',
           recovery_point = null,
           status = null,
           headers = null,
           body = null,
           created_at = excluded.created_at,
           locked_until = excluded.locked_until,
           expires_at = excluded.expires_at
         where known.expires_at <= now()
         returning created_at",
    )
    .bind(scope)
    .bind(key)
    .bind(hash)
    .fetch_optional(db)
    .await
}

async fn find(db: &mut PgConnection, scope: &str, key: &str) -> Result<Option<Row>, sqlx::Error> {
    sqlx::query_as(
        "select request_hash, status, headers, body
         from idempotency_key
         where scope = $1 and key = $2",
    )
    .bind(scope)
    .bind(key)
    .fetch_optional(db)
    .await
}

/// Stores the answer, unless there is one already or the key has expired since; says which.
///
/// # Errors
/// When the database does not answer.
pub async fn finish(db: &mut PgConnection, key: &Key, answer: &Answer) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "update idempotency_key
         set state = 'DONE', status = $4, headers = $5, body = $6, locked_until = null
         where scope = $1 and key = $2 and created_at = $3 and state = 'RUNNING'",
    )
    .bind(&key.scope)
    .bind(&key.value)
    .bind(key.claimed_at)
    .bind(answer.status.as_u16().cast_signed())
    .bind(Json(&answer.headers))
    .bind(&answer.body)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The answer of a claimed key; none while it is owed.
///
/// # Errors
/// When the database does not answer.
pub async fn answer(db: &mut PgConnection, key: &Key) -> Result<Option<Answer>, sqlx::Error> {
    let row: Option<Row> = sqlx::query_as(
        "select request_hash, status, headers, body
         from idempotency_key
         where scope = $1 and key = $2 and created_at = $3",
    )
    .bind(&key.scope)
    .bind(&key.value)
    .bind(key.claimed_at)
    .fetch_optional(db)
    .await?;
    Ok(row.and_then(Row::answer))
}

/// Deletes up to `limit` expired keys, oldest first, and says how many there were.
///
/// # Errors
/// When the database does not answer.
pub async fn purge(db: &mut PgConnection, limit: i64) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query(
        "delete from idempotency_key
         where (scope, key) in (
           select scope, key
           from idempotency_key
           where expires_at <= now()
           order by expires_at
           limit $1
           for update skip locked
         )",
    )
    .bind(limit)
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}

/// For how many seconds the oldest expired key has been due to go; 0 when none is.
///
/// # Errors
/// When the database does not answer.
pub async fn overdue(db: &mut PgConnection) -> Result<f64, sqlx::Error> {
    let oldest: Option<f64> =
        sqlx::query_scalar("select extract(epoch from now() - min(expires_at))::float8 from idempotency_key")
            .fetch_one(db)
            .await?;
    Ok(oldest.unwrap_or(0.0).max(0.0))
}
