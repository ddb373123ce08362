//! Compares what streams brought and what writers were told with what is stored.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::types::Json;
use uuid::Uuid;

use super::room::{Acknowledged, Room};
use super::sheet::print;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    seq: i64,
    sender_type: String,
    sender_id: Option<Uuid>,
    content: String,
    content_type: String,
    edited: bool,
    deleted: bool,
    created_at: DateTime<Utc>,
    metadata: Option<Json<Value>>,
}

impl Row {
    /// As it goes over the wire.
    fn message(&self, room: &Room) -> Value {
        json!({
            "id": self.id,
            "chatroomId": room.id,
            "senderType": self.sender_type,
            "senderId": self.sender_id,
            "content": self.content,
            "contentType": self.content_type,
            "sequenceNumber": self.seq,
            "isEdited": self.edited,
            "isDeleted": self.deleted,
            "createdAt": self.created_at.to_rfc3339_opts(SecondsFormat::Micros, true),
            "metadata": self.metadata.as_ref().map(|json| &json.0),
        })
    }
}

/// Everything that is not as it must be in one room.
pub(crate) async fn check(db: &PgPool, room: &Room) -> Vec<String> {
    let stored = stored(db, room).await;
    let mut wrong = Vec::new();
    let numbers: Vec<i64> = stored.iter().map(|row| row.seq).collect();
    let gapless: Vec<i64> = (1..).take(stored.len()).collect();
    if numbers != gapless {
        wrong.push(format!("the numbers that are stored: {numbers:?}"));
    }
    let state: (i64, Option<i64>) = sqlx::query_as("select last_seq, turn_seq from chat_room where id = $1")
        .bind(room.id.as_uuid())
        .fetch_one(db)
        .await
        .unwrap();
    let expected = (i64::try_from(stored.len()).unwrap(), None);
    if state != expected {
        wrong.push(format!("the room is at {state:?} instead of {expected:?}"));
    }
    wrong.extend(streams(room, &stored));
    wrong.extend(writers(room, &stored));
    wrong.extend(turns(db, room, &stored).await);
    wrong.iter().map(|what| format!("room {}: {what}", room.id)).collect()
}

async fn stored(db: &PgPool, room: &Room) -> Vec<Row> {
    let select = "select id, seq, sender_type, sender_id, content, content_type, created_at, metadata,
                    edited_at is not null as edited, deleted_at is not null as deleted
                  from message where room_id = $1 order by seq";
    sqlx::query_as(select).bind(room.id.as_uuid()).fetch_all(db).await.unwrap()
}

/// What streams brought is what is stored, and all of it.
fn streams(room: &Room, stored: &[Row]) -> Vec<String> {
    let brought = room.sheet.prints();
    let mut wrong = Vec::new();
    if brought.len() > stored.len() {
        wrong.push(format!("{} messages were brought, {} are stored", brought.len(), stored.len()));
    }
    for (row, nth) in stored.iter().zip(0..) {
        let message = row.message(room);
        match brought.get(nth) {
            Some(Some(brought)) if *brought == print(&message) => {}
            Some(Some(_)) => wrong.push(format!("something else was brought as {message}")),
            Some(None) | None => wrong.push(format!("never brought: {message}")),
        }
    }
    wrong
}

/// What writers were told is what is stored, each message once.
fn writers(room: &Room, stored: &[Row]) -> Vec<String> {
    let acknowledged = room.acknowledged.lock().unwrap();
    let mut told: BTreeMap<i64, &Acknowledged> = BTreeMap::new();
    let mut wrong = Vec::new();
    for message in acknowledged.iter() {
        if let Some(other) = told.insert(message.seq, message) {
            wrong.push(format!("{other:?} and {message:?} have the same number"));
        }
    }
    for row in stored.iter().filter(|row| row.sender_type == "user") {
        let found = told.remove(&row.seq);
        let same = found.is_some_and(|told| told.id == row.id.to_string() && told.content == row.content);
        if !same {
            wrong.push(format!("stored as {}: {:?}, acknowledged: {found:?}", row.seq, row.content));
        }
    }
    wrong.extend(told.values().map(|lost| format!("LOST: acknowledged, but not stored: {lost:?}")));
    wrong
}

/// Every message that asked for an answer has one, directly behind, and nothing else has.
async fn turns(db: &PgPool, room: &Room, stored: &[Row]) -> Vec<String> {
    let acknowledged = room.acknowledged.lock().unwrap().clone();
    let mut expected: Vec<_> = acknowledged
        .iter()
        .filter(|message| message.respond)
        .map(|message| (message.seq + 1, Value::from(message.id.as_str())))
        .collect();
    expected.sort_by_key(|(seq, _)| *seq);
    let replies = stored.iter().filter(|row| row.sender_type == "bot" && row.metadata.is_some());
    let answered: Vec<_> = replies
        .map(|row| {
            let metadata = &row.metadata.as_ref().unwrap().0;
            (row.seq, metadata["userMessageAnalysis"]["userMessageId"].clone())
        })
        .collect();
    let mut wrong = Vec::new();
    if answered != expected {
        wrong.push(format!("answers {answered:?} instead of {expected:?}"));
    }
    let select = "select user_message_seq + 1, state from turn where room_id = $1 order by 1";
    let turns: Vec<(i64, String)> =
        sqlx::query_as(select).bind(room.id.as_uuid()).fetch_all(db).await.unwrap();
    let done: Vec<_> = expected.iter().map(|(seq, _)| (*seq, "DONE".to_owned())).collect();
    if turns != done {
        wrong.push(format!("turns {turns:?} instead of {done:?}"));
    }
    wrong
}
