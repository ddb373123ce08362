//! `/internal/maintenance/**` for batch: rooms that were left long ago are removed, and a day is counted.

use std::str::FromStr;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use chassis::extract::{ApiJson, ApiQuery, Callers, Day, DayParam, ServiceCaller};
use chassis::idempotency::{self, Answer, Claim, IdempotencyKey};
use chassis::{ApiError, db};
use chrono::{DateTime, Utc};
use contract::chat::maintenance::{DayStatistics, LeftRoom, PurgeRooms, PurgedRooms};
use contract::claims::OPERATOR;
use contract::code::ErrorCode;
use contract::id::RoomId;
use contract::problem::Problem;
use contract::text::Text;
use garde::Validate;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use tracing::info;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::domain::retention::{MESSAGES_AT_ONCE, fitting};
use crate::error::Error;
use crate::repository::maintenance::{self, Left};
use crate::state::AppState;

/// Who may remove what is old.
pub struct Maintainers;

impl Callers for Maintainers {
    const ALLOWED: &'static [&'static str] = &["batch", OPERATOR];
}

/// Which part of the work.
#[derive(Debug, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Chunk {
    /// `next` of the chunk before; absent for the first.
    #[garde(skip)]
    after: Option<String>,
    /// 1 to 1000 rooms.
    #[serde(default = "default_limit")]
    #[garde(range(min = 1, max = 1000))]
    limit: i64,
    /// Lists what would be done, and changes nothing.
    #[serde(default)]
    #[garde(skip)]
    dry_run: bool,
}

const fn default_limit() -> i64 {
    100
}

/// Removes rooms that were left before a time, with all that belongs to them. Their last interactions are remembered.
///
/// With an `Idempotency-Key`, a chunk that comes again gets the answer that it had, so that nothing is counted twice.
#[utoipa::path(
    post,
    path = "/internal/maintenance/chatrooms/purge",
    tag = "maintenance",
    params(Chunk),
    request_body = PurgeRooms,
    responses(
        (status = 200, description = "What this chunk has removed, or would", body = PurgedRooms, headers(("Idempotency-Replayed" = Option<String>))),
        (status = 400, description = "E002; E003: the time is in the future", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "E002 with `Retry-After`: the same chunk is still worked on", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "E002: the key was used for another chunk", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn purge_rooms(
    State(state): State<AppState>,
    caller: ServiceCaller<Maintainers>,
    key: Option<IdempotencyKey>,
    ApiQuery(chunk): ApiQuery<Chunk>,
    ApiJson(body): ApiJson<PurgeRooms>,
) -> Result<Response, Error> {
    if body.left_before > Utc::now() {
        let text = Text::new("미래의 시각입니다.", "This is in the future.");
        return Err(ApiError::new(ErrorCode::Validation).field("leftBefore", text).into());
    }
    let after = chunk.after.as_deref().map_or(Ok(Cursor::FIRST), str::parse)?;
    let mut tx = db::begin(&state.db).await?;
    // What changes nothing is not remembered.
    let claim = match key.filter(|_| !chunk.dry_run) {
        None => None,
        Some(key) => match key.claim(&mut tx, &caller.name, &(&chunk, &body)).await? {
            Claim::Fresh(claim) => Some(claim),
            Claim::Replay(answer) => return Ok(answer.replayed()),
        },
    };
    let answer = purge_chunk(&mut tx, &chunk, after, body.left_before).await?;
    if let Some(claim) = claim {
        let kept = Answer::json(StatusCode::OK, &answer).map_err(Error::encoding)?;
        idempotency::finish(&mut tx, &claim, &kept).await?;
    }
    tx.commit().await?;
    if answer.processed > 0 && !answer.dry_run {
        let (by, rooms, messages) = (&caller.name, answer.processed, answer.messages);
        info!(by, rooms, messages, "purged {rooms} rooms for {by}");
    }
    Ok(Json(answer).into_response())
}

/// Counts what happened on a day of UTC, which is a working day of Seoul from nine to nine.
#[utoipa::path(
    get,
    path = "/internal/maintenance/statistics",
    tag = "maintenance",
    params(DayParam),
    responses(
        (status = 200, description = "The day so far, if it is not over", body = DayStatistics),
        (status = 400, description = "E002", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn day_statistics(
    State(state): State<AppState>,
    _caller: ServiceCaller<Maintainers>,
    Day { day, from, to }: Day,
) -> Result<Json<DayStatistics>, Error> {
    let mut tx = db::begin(&state.db).await?;
    let statistics = maintenance::statistics(&mut tx, day, from, to).await?;
    tx.commit().await?;
    Ok(Json(statistics))
}

async fn purge_chunk(
    db: &mut PgConnection,
    chunk: &Chunk,
    after: Cursor,
    left_before: DateTime<Utc>,
) -> Result<PurgedRooms, sqlx::Error> {
    let rooms = maintenance::left(db, left_before, (after.left_at, after.room), chunk.limit).await?;
    let is_last = rooms.len() < usize::try_from(chunk.limit).unwrap_or(usize::MAX);
    if chunk.dry_run {
        let messages = rooms.iter().map(|room| room.messages.unsigned_abs()).sum();
        let done = Done { rooms: rooms.len() as u64, messages };
        return Ok(done.answer(&rooms, rooms.last().filter(|_| !is_last).map(Cursor::behind), true));
    }
    let fitting = fitting(rooms.iter().map(|room| room.messages));
    match (rooms.first(), &rooms[..fitting]) {
        (None, _) => Ok(Done::default().answer(&[], None, false)),
        (Some(long), []) => {
            let only = rooms.len() == 1 && is_last;
            purge_long(db, *long, after, only).await
        }
        (Some(_), now) => {
            let next = now.last().filter(|_| !is_last || now.len() < rooms.len()).map(Cursor::behind);
            Ok(purge(db, now).await?.answer(now, next, false))
        }
    }
}

#[derive(Debug, Default, Clone, Copy)]
struct Done {
    rooms: u64,
    messages: u64,
}

impl Done {
    fn answer(self, rooms: &[Left], next: Option<Cursor>, dry_run: bool) -> PurgedRooms {
        PurgedRooms {
            dry_run,
            processed: self.rooms,
            messages: self.messages,
            next: next.map(|cursor| cursor.to_string()),
            rooms: rooms.iter().map(|room| LeftRoom { id: room.id, left_at: room.left_at }).collect(),
        }
    }
}

/// Removes what is still there of the rooms: somebody else may have been at it.
async fn purge(db: &mut PgConnection, rooms: &[Left]) -> Result<Done, sqlx::Error> {
    let ids: Vec<Uuid> = rooms.iter().map(|room| room.id.as_uuid()).collect();
    let ids = maintenance::lock(db, &ids).await?;
    maintenance::remember(db, &ids).await?;
    let messages = maintenance::delete_messages(db, &ids).await?;
    Ok(Done { rooms: maintenance::delete_rooms(db, &ids).await?, messages })
}

/// A room with more messages than one transaction deletes: a part of them goes, and with the last part the room.
async fn purge_long(
    db: &mut PgConnection,
    room: Left,
    after: Cursor,
    is_last: bool,
) -> Result<PurgedRooms, sqlx::Error> {
    let messages = match maintenance::lock(db, &[room.id.as_uuid()]).await?[..] {
        [id] => maintenance::delete_oldest_messages(db, id, MESSAGES_AT_ONCE).await?,
        _ => 0,
    };
    if messages == MESSAGES_AT_ONCE.unsigned_abs() {
        return Ok(Done { rooms: 0, messages }.answer(&[], Some(after), false));
    }
    let mut done = purge(db, &[room]).await?;
    done.messages += messages;
    Ok(done.answer(&[room], Some(Cursor::behind(&room)).filter(|_| !is_last), false))
}

/// A place in the order in which rooms were left: `<microseconds since 1970>.<room>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cursor {
    left_at: DateTime<Utc>,
    room: RoomId,
}

impl Cursor {
    const FIRST: Self = Self { left_at: DateTime::UNIX_EPOCH, room: RoomId::from_uuid(Uuid::nil()) };

    fn behind(room: &Left) -> Self {
        Self { left_at: room.left_at, room: room.id }
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.left_at.timestamp_micros(), self.room)
    }
}

impl FromStr for Cursor {
    type Err = ApiError;

    fn from_str(text: &str) -> Result<Self, ApiError> {
        let parse = || {
            let (micros, room) = text.split_once('.')?;
            let left_at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
            Some(Self { left_at, room: room.parse().ok()? })
        };
        parse().ok_or_else(wrong_cursor)
    }
}

/// What was passed as `after` never was a `next`.
pub(super) fn wrong_cursor() -> ApiError {
    let text = Text::new("이전 응답의 next 값이 아닙니다.", "This is not what an answer said as next.");
    ApiError::new(ErrorCode::Validation).field("after", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_as_it_was_written() {
        let cursor = Cursor {
            left_at: DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap(),
            room: RoomId::from_uuid(Uuid::from_u128(7)),
        };
        assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        for text in ["", "1", "1.x", "x.00000000-0000-0000-0000-000000000007", "9999999999999999999999.x"] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }
}
