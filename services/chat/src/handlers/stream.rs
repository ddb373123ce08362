//! A room's server-sent events.

use axum::extract::State;
use axum::response::Response;
use chassis::extract::{ApiPath, ApiQuery, CurrentUser};
use contract::chat::Message;
use contract::id::RoomId;
use contract::problem::Problem;
use garde::Validate;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Deserialize;
use sqlx::PgConnection;
use tokio::time::Instant;
use utoipa::IntoParams;
use uuid::Uuid;

use super::room_access::claimed;
use crate::error::Error;
use crate::live::stream::{Opening, Script, body};
use crate::repository::live::{Place, beginning, owed, place};
use crate::state::AppState;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// The most owed turns that a stream begins with. A client that reads no stream and no history owes itself more.
const OWED: i64 = 20;
/// A client of an instance that stops comes back after so many milliseconds, and at most [`RETRY_SPREAD`] more.
const RETRY_MIN: u64 = 300;
const RETRY_SPREAD: u64 = 1200;

#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
pub struct StreamQuery {
    /// Must be the caller's own id, if it is sent.
    user_id: Option<String>,
    /// For clients that cannot send the header `Last-Event-ID`.
    last_event_id: Option<String>,
}

/// Follows a room: `ready`, then the events of turns, and `message_created` for every message, with its sequence as
/// the event's id. With a last id it goes on behind that message.
#[utoipa::path(
    get,
    path = "/api/chat/stream/{id}",
    tag = "streams",
    params(
        ("id" = RoomId, Path),
        ("Last-Event-ID" = Option<String>, Header, description = "Of the last event that was received"),
        StreamQuery
    ),
    responses(
        (status = 200, description = "Events until the room is left", body = String, content_type = "text/event-stream"),
        (status = 403, description = "A003", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "C001", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn open(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiPath(room): ApiPath<RoomId>,
    ApiQuery(query): ApiQuery<StreamQuery>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    claimed(&user, query.user_id.as_deref())?;
    let mut db = state.db.acquire().await?;
    let found = place(&mut db, room).await?.ok_or(Error::RoomNotFound)?;
    if found.owner != user.id() {
        return Err(Error::NotYours);
    }
    let header = headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok());
    let resumed = last_id(header.or(query.last_event_id.as_deref()), found.last_seq);
    let opening = match resumed {
        // Whoever comes back has the answers up to there: told again, they would come twice.
        Some(after) => Opening { last_sequence: after, ..Opening::default() },
        None => fresh(&mut db, &found).await?,
    };
    drop(db);
    let script = Script::new(opening, retry(), Instant::now());
    let subscription = state.live.subscribe(room, user.0, resumed.unwrap_or(found.last_seq));
    Ok(answer(Response::new(body(state.live, room, subscription, script))))
}

/// Where to go on. What is no number of this room, e.g. because the database was restored from a backup, or because
/// it is the id of something else, begins anew: a client sends its last id with every attempt, so refusing it would
/// lock the client out for ever.
fn last_id(said: Option<&str>, last_seq: i64) -> Option<i64> {
    let seq = said?.trim().parse().ok()?;
    (0..=last_seq).contains(&seq).then_some(seq)
}

/// What a stream without a last id begins with.
async fn fresh(db: &mut PgConnection, room: &Place) -> Result<Opening, Error> {
    if room.begun {
        return following(db, room, room.last_seq).await;
    }
    let greetings = beginning(db, room).await?;
    Ok(Opening { last_sequence: room.last_seq, greetings, ..Opening::default() })
}

/// Messages behind `after` follow, and of the turns up to there those that are owed.
async fn following(db: &mut PgConnection, room: &Place, after: i64) -> Result<Opening, Error> {
    let mut owed = owed(db, room, after, OWED).await?;
    owed.retain(|message: &Message| message.reply().is_some());
    Ok(Opening { last_sequence: after, owed, ..Opening::default() })
}

/// Differs between streams.
fn retry() -> u64 {
    let random = Uuid::new_v4().as_u64_pair().1;
    RETRY_MIN + random % (RETRY_SPREAD + 1)
}

/// As a proxy in between must take it: now, piece by piece, and as it is.
fn answer(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_id_counts_only_if_the_room_has_come_so_far() {
        for (said, expected) in [
            (None, None),
            (Some("0"), Some(0)),
            (Some(" 7 "), Some(7)),
            (Some("9"), Some(9)),
            (Some("10"), None),
            (Some("-1"), None),
            (Some(""), None),
            (Some("7:8"), None),
            (Some("99999999999999999999"), None),
        ] {
            assert_eq!(last_id(said, 9), expected, "{said:?}");
        }
    }

    #[test]
    fn clients_of_an_instance_that_stops_come_back_at_different_times() {
        let pauses: std::collections::BTreeSet<_> = std::iter::repeat_with(retry).take(100).collect();
        assert!(pauses.len() > 50, "{pauses:?}");
        assert!(pauses.iter().all(|pause| (300..=1500).contains(pause)), "{pauses:?}");
    }
}
