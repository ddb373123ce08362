//! The peer: the same rows by plain statements, one a message, without a service in between.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::stage::{CONNECTIONS, Stage};

/// Takes the number, stores the message and its key.
const STORE: &str = "
    with room as (
      update chat_room
      set last_seq = last_seq + 1, last_message_id = $2, last_message_at = clock_timestamp(),
        last_user_message_at = clock_timestamp(), active_at = clock_timestamp()
      where id = $1
      returning last_seq, user_id
    ), stored as (
      insert into message (room_id, seq, id, sender_type, sender_id, content)
      select $1, last_seq, $2, 'user', user_id, $3 from room
    )
    insert into message_key (room_id, sender_id, client_message_id, message_id, seq)
    select $1, user_id, $4, $2, last_seq from room";

/// Messages in a time, by as many connections as the service has.
pub(crate) async fn store(stage: &Stage, time: Duration) -> usize {
    let mut writers = JoinSet::new();
    let end = Instant::now() + time;
    for writer in 0..CONNECTIONS as usize {
        let db = stage.db.clone();
        let rooms: Vec<Uuid> = stage.rooms.iter().map(|room| room.id.as_uuid()).collect();
        writers.spawn(async move {
            let mut connection = db.acquire().await.unwrap();
            let mut stored = 0;
            while Instant::now() < end {
                let room = rooms[(writer + stored * CONNECTIONS as usize) % rooms.len()];
                let id = Uuid::now_v7();
                sqlx::query(STORE)
                    .bind(room)
                    .bind(id)
                    .bind("오늘 날씨가 좋아요")
                    .bind(id.to_string())
                    .execute(&mut *connection)
                    .await
                    .unwrap();
                stored += 1;
            }
            stored
        });
    }
    writers.join_all().await.into_iter().sum()
}
