//! `/internal/maintenance/message-partitions/**` for batch: months of messages are copied, compared and dropped.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use chassis::deadline::{Budget, DEFAULT};
use chassis::extract::{ApiJson, ApiPath, ApiQuery, ServiceCaller};
use chassis::{ApiError, context, db};
use chrono::Utc;
use contract::chat::maintenance::{
    ArchiveChunk, ArchivedMessage, DropPartition, DroppedPartition, MessagePartition,
};
use contract::code::ErrorCode;
use contract::problem::Problem;
use contract::text::Text;
use futures_util::TryStreamExt as _;
use garde::Validate;
use http::{StatusCode, header};
use serde::Deserialize;
use sqlx::PgPool;
use sqlx::error::DatabaseError;
use tokio::time::Instant;
use tracing::info;
use utoipa::IntoParams;

use super::maintenance::{Maintainers, wrong_cursor};
use crate::domain::retention::Month;
use crate::error::Error;
use crate::month_sum::Sum;
use crate::repository::partition::{self, BEGINNING, Place};
use crate::state::AppState;

/// A chunk ends early behind so many bytes of lines: a thousand long messages would be 40 MB, and no service of ours reads
/// an answer of more than 4 MiB.
const CHUNK_BYTES: usize = 3 * 1024 * 1024;

/// For the drop itself, behind the comparison. It waits up to 2 s for who uses the messages.
const MARGIN: Duration = Duration::from_secs(3);

#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Chunk {
    /// `next` of the chunk before; absent for the first.
    #[garde(skip)]
    after: Option<String>,
    /// 1 to 2000 messages.
    #[serde(default = "default_limit")]
    #[garde(range(min = 1, max = 2000))]
    limit: i64,
}

const fn default_limit() -> i64 {
    500
}

#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Rehearsal {
    /// Compares, and drops nothing.
    #[serde(default)]
    #[garde(skip)]
    dry_run: bool,
}

/// The months of messages that there are.
#[utoipa::path(
    get,
    path = "/internal/maintenance/message-partitions",
    tag = "maintenance",
    responses((status = 200, description = "Oldest first", body = Vec<MessagePartition>)),
    security(("service" = []))
)]
pub async fn list_partitions(
    State(state): State<AppState>,
    _caller: ServiceCaller<Maintainers>,
) -> Result<Json<Vec<MessagePartition>>, Error> {
    let mut tx = db::begin(&state.db).await?;
    let found = partition::list(&mut tx).await?;
    tx.commit().await?;
    let now = Utc::now();
    let views = found.into_iter().filter_map(|one| {
        // Only months are named so.
        let month: Month = one.month.parse().ok()?;
        Some(MessagePartition {
            month: one.month,
            from: month.begins(),
            to: month.ends(),
            rows: one.rows,
            bytes: one.bytes,
            sealed: month.is_sealed(now),
        })
    });
    Ok(Json(views.collect()))
}

/// Messages of a month, in the order of rooms and of sequence numbers in them.
#[utoipa::path(
    get,
    path = "/internal/maintenance/message-partitions/{month}/messages",
    tag = "maintenance",
    params(("month" = String, Path, description = "`YYYY-MM`, of UTC"), Chunk),
    responses(
        (status = 200, description = "The elements of `content`, a line each, are the archive", body = ArchiveChunk),
        (status = 400, description = "E002, E003", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn list_messages(
    State(state): State<AppState>,
    _caller: ServiceCaller<Maintainers>,
    ApiPath(month): ApiPath<String>,
    ApiQuery(chunk): ApiQuery<Chunk>,
) -> Result<Json<ArchiveChunk>, Error> {
    let month = parse(&month)?;
    let after = chunk.after.as_deref().map_or(Ok(BEGINNING), place)?;
    let mut tx = db::begin(&state.db).await?;
    let mut content: Vec<ArchivedMessage> = Vec::new();
    let mut bytes = 0;
    {
        let mut messages = partition::messages(&mut tx, month, after, Some(chunk.limit));
        while bytes < CHUNK_BYTES
            && let Some(message) = messages.try_next().await?
        {
            bytes += message.line().len();
            content.push(message);
        }
    }
    tx.commit().await?;
    let is_full = content.len() as u64 == chunk.limit.unsigned_abs() || bytes >= CHUNK_BYTES;
    let next = content.last().filter(|_| is_full).map(ArchivedMessage::place);
    Ok(Json(ArchiveChunk { processed: content.len() as u64, next, content }))
}

/// Drops a month, if what was archived of it is what is there. Dropping it again is harmless.
#[utoipa::path(
    post,
    path = "/internal/maintenance/message-partitions/{month}/drop",
    tag = "maintenance",
    params(("month" = String, Path, description = "`YYYY-MM`, of UTC"), Rehearsal),
    request_body = DropPartition,
    responses(
        (status = 200, description = "It is gone, or there was nothing left", body = DroppedPartition),
        (status = 202, description = "Still counting what is there: ask again", body = DroppedPartition),
        (status = 400, description = "E002, E003", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "E002: the month is not over, or something else is there than was archived", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "G002: messages are being read without a pause; try again", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn drop_partition(
    State(state): State<AppState>,
    caller: ServiceCaller<Maintainers>,
    ApiPath(month): ApiPath<String>,
    ApiQuery(rehearsal): ApiQuery<Rehearsal>,
    ApiJson(archived): ApiJson<DropPartition>,
) -> Result<Response, Error> {
    let month = parse(&month)?;
    if !month.is_sealed(Utc::now()) {
        return Err(Error::NotDroppable(Text::new("아직 끝나지 않은 달입니다.", "This month is not over.")));
    }
    let Sum { rows, checksum } = match state.month_sums.sum(month, patience()).await? {
        Ok(sum) => sum,
        Err(rows) => return Ok(unfinished(month, rehearsal.dry_run, rows)),
    };
    let answer = |dropped| {
        let (month, checksum) = (month.to_string(), Some(checksum.clone()));
        Json(DroppedPartition { month, dry_run: rehearsal.dry_run, dropped, rows, checksum }).into_response()
    };
    if rows > 0 && (rows, &checksum) != (archived.rows, &archived.checksum) {
        return Err(Error::NotDroppable(Text::owned(
            format!("보관된 내용과 다릅니다. 현재 {rows}개의 메시지가 있습니다."),
            format!("This is not what was archived: there are {rows} messages."),
        )));
    }
    if rehearsal.dry_run {
        return Ok(answer(false));
    }
    let dropped = remove(&state.db, month).await?;
    if dropped {
        let by = &caller.name;
        info!(by, month = %month, rows, checksum, "dropped the {rows} messages of {month} for {by}");
    }
    Ok(answer(dropped))
}

/// Until when a request waits for a sum: what follows needs a moment too.
fn patience() -> Instant {
    let deadline = context::budget().map_or_else(|| Instant::now() + DEFAULT, Budget::deadline);
    deadline.checked_sub(MARGIN).unwrap_or(deadline)
}

fn unfinished(month: Month, dry_run: bool, rows: u64) -> Response {
    let month = month.to_string();
    let body = DroppedPartition { month, dry_run, dropped: false, rows, checksum: None };
    (StatusCode::ACCEPTED, [(header::RETRY_AFTER, "1")], Json(body)).into_response()
}

/// Whether the month was there to be dropped.
async fn remove(pool: &PgPool, month: Month) -> Result<bool, Error> {
    let mut tx = db::begin(pool).await?;
    partition::queue_for_dropping(&mut tx).await?;
    let dropped = partition::drop(&mut tx, month).await.map_err(|error| {
        match error.as_database_error().and_then(DatabaseError::code).as_deref() {
            // lock_not_available: somebody has been reading or writing messages for 2 s.
            Some("55P03") => Error::Api(ApiError::new(ErrorCode::UpstreamUnavailable).because(error)),
            _ => Error::Database(error),
        }
    })?;
    if !dropped && partition::messages(&mut tx, month, BEGINNING, Some(1)).try_next().await?.is_some() {
        return Err(Error::NotDroppable(Text::new(
            "아직 파티션이 없는 달입니다.",
            "The month has no partition yet; upkeep makes it within minutes.",
        )));
    }
    tx.commit().await?;
    Ok(dropped)
}

fn parse(month: &str) -> Result<Month, ApiError> {
    month.parse().map_err(|error| {
        let text = Text::new("YYYY-MM 형식의 달이 아닙니다.", "This is no month of the form YYYY-MM.");
        ApiError::new(ErrorCode::BadRequest).text(text).because(error)
    })
}

/// What [`ArchivedMessage::place`] has written: `<room>.<sequence>`.
fn place(text: &str) -> Result<Place, ApiError> {
    let parse = || {
        let (room, seq) = text.split_once('.')?;
        Some((room.parse().ok()?, seq.parse().ok()?))
    };
    parse().ok_or_else(wrong_cursor)
}
