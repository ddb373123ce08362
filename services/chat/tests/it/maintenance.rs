//! What batch does to rooms, and what others ask about one.

use std::time::Duration;

use chrono::{DateTime, Utc};
use contract::chat::maintenance::{PurgedRooms, RoomRecord, path};
use contract::id::{RoomId, UserId};
use http::StatusCode;
use serde_json::{Value, json};
use testkit::eventually;
use uuid::Uuid;

use crate::learner::bot;
use crate::operator::Operated;
use crate::stack;

const LIMIT: Duration = Duration::from_secs(30);

fn ago(days: i64) -> DateTime<Utc> {
    Utc::now() - chrono::TimeDelta::days(days)
}

impl Operated {
    /// A room that was left so many days ago, with messages.
    async fn left(&self, days: i64, messages: i64) -> RoomId {
        let room = stack::room(&self.db, chassis::fresh_id()).await;
        self.fill(room, messages).await;
        sqlx::query("update chat_room set deleted_at = $2 where id = $1")
            .bind(room.as_uuid())
            .bind(ago(days))
            .execute(&self.db)
            .await
            .unwrap();
        room
    }

    async fn fill(&self, room: RoomId, messages: i64) {
        sqlx::query(
            "with stored as (
               insert into message (room_id, seq, id, sender_type, sender_id, content)
               select $1, n, gen_random_uuid(), 'user', gen_random_uuid(), '말 ' || n
               from generate_series(1, $2) n
             )
             update chat_room set last_seq = $2 where id = $1",
        )
        .bind(room.as_uuid())
        .bind(messages)
        .execute(&self.db)
        .await
        .unwrap();
    }

    async fn purge(&self, query: &str, before: DateTime<Utc>) -> PurgedRooms {
        let body = json!({ "leftBefore": before });
        let request = self.post(&format!("{}{query}", path::PURGE), &body);
        request.send().await.expect(StatusCode::OK).parsed()
    }

    async fn rooms(&self) -> Vec<RoomId> {
        sqlx::query_scalar::<_, Uuid>("select id from chat_room order by created_at")
            .fetch_all(&self.db)
            .await
            .unwrap()
            .into_iter()
            .map(RoomId::from)
            .collect()
    }
}

#[tokio::test]
async fn only_the_services_that_need_it_may_ask() {
    let chat = Operated::new().await;
    let room = stack::room(&chat.db, chassis::fresh_id()).await;
    let body = json!({ "leftBefore": ago(30) });
    for (service, maintenance, rooms) in [
        ("batch", StatusCode::OK, StatusCode::FORBIDDEN),
        ("store", StatusCode::FORBIDDEN, StatusCode::OK),
        ("operator", StatusCode::OK, StatusCode::OK),
        ("gateway", StatusCode::FORBIDDEN, StatusCode::FORBIDDEN),
    ] {
        let _ = chat.get_as(service, path::PARTITIONS).send().await.expect(maintenance);
        let _ = chat
            .get_as(service, "/internal/maintenance/statistics?day=2026-01-01")
            .send()
            .await
            .expect(maintenance);
        let _ = chat.post_as(service, path::PURGE, &body).send().await.expect(maintenance);
        let _ = chat.get_as(service, &path::room(room)).send().await.expect(rooms);
    }
    let admin = chat.chat.admin();
    let _ = admin.get(path::PARTITIONS).send().await.expect(StatusCode::UNAUTHORIZED);
    let _ = chat.chat.app.get(path::PARTITIONS).send().await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_room_is_known_to_store_also_when_it_was_left() {
    let chat = Operated::new().await;
    let user: UserId = chassis::fresh_id();
    let room = stack::room(&chat.db, user).await;
    let ask = || async {
        chat.get_as("store", &path::room(room)).send().await.expect(StatusCode::OK).parsed::<RoomRecord>()
    };
    let record = ask().await;
    assert_eq!((record.id, record.user_id, &*record.name, record.is_deleted), (room, user, "방", false));
    sqlx::query("update chat_room set deleted_at = now()").execute(&chat.db).await.unwrap();
    assert!(ask().await.is_deleted);
    let nobody = chat.get_as("store", &path::room(chassis::fresh_id())).send().await;
    assert_eq!(nobody.expect(StatusCode::NOT_FOUND).json()["errorCode"], "C001");
}

#[tokio::test]
async fn rooms_left_long_ago_go_with_all_that_belongs_to_them() {
    let chat = Operated::new().await;
    let (old, recent) = (chat.left(40, 5).await, chat.left(10, 3).await);
    let open = stack::room(&chat.db, chassis::fresh_id()).await;
    chat.fill(open, 2).await;
    for room in [old, recent, open] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
            "insert into message_key (room_id, sender_id, client_message_id, message_id, seq)
               values ('{room}', gen_random_uuid(), 'k', gen_random_uuid(), 1);
             insert into turn (id, room_id, user_message_id, user_message_seq)
               values (gen_random_uuid(), '{room}', gen_random_uuid(), 1);
             insert into room_memory (room_id, summary, until_seq) values ('{room}', '요약', 1);
             insert into socket_ticket (hash, room_id, claims, expires_at)
               values (sha256('{room}'), '{room}', '{{}}', now());
             insert into read_mark (room_id, user_id, seq) values ('{room}', gen_random_uuid(), 1);
             insert into intimacy_progress (user_id, chatbot_id, room_id, intimacy_level)
               select user_id, chatbot_id, id, 2 from chat_room where id = '{room}'"
        )))
        .execute(&chat.db)
        .await
        .unwrap();
    }
    let done = chat.purge("", ago(30)).await;
    assert_eq!((done.processed, done.messages, &done.next, done.dry_run), (1, 5, &None, false));
    assert_eq!(done.rooms.iter().map(|room| room.id).collect::<Vec<_>>(), [old]);
    assert_eq!(chat.rooms().await, [recent, open]);
    assert_eq!(chat.count("message").await, 5);
    for table in ["message_key", "turn", "room_memory", "socket_ticket", "read_mark"] {
        assert_eq!(chat.count(table).await, 2, "{table}");
    }
    assert_eq!(chat.count("intimacy_progress").await, 3, "progress is the learner's");
    assert_eq!(chat.count("intimacy_progress where room_id is null").await, 1);
    let again = chat.purge("", ago(30)).await;
    assert_eq!((again.processed, again.next), (0, None));
}

#[tokio::test]
async fn the_last_talk_with_a_bot_is_remembered_when_its_rooms_are_gone() {
    let chat = Operated::new().await;
    let learner = chat.chat.learner();
    let (one, two) = (bot(&chat.db, 1).await, bot(&chat.db, 2).await);
    let leave = async |room: RoomId, at: DateTime<Utc>| {
        let _ = learner.post(&format!("/api/chat/chatrooms/{room}/leave"), &Value::Null).send().await;
        sqlx::query(
            "update chat_room set deleted_at = $2, created_at = $2, last_user_message_at = $2 where id = $1",
        )
        .bind(room.as_uuid())
        .bind(at)
        .execute(&chat.db)
        .await
        .unwrap();
    };
    let first = learner.enter(one).await.id;
    leave(first, ago(50)).await;
    let second = learner.enter(one).await.id;
    leave(second, ago(40)).await;
    let other = learner.enter(two).await.id;
    leave(other, ago(45)).await;
    let talks = || async {
        let answer = learner.get("/api/chat/chatrooms/last-interactions").send().await;
        answer.expect(StatusCode::OK).json()
    };
    let before = talks().await;
    assert_eq!(before.as_array().unwrap().len(), 2);
    assert_eq!(before[0]["lastRoomId"], json!(second));

    // One after the other, so that the older room meets what is known of the newer.
    assert_eq!(chat.purge("", ago(42)).await.processed, 2);
    assert_eq!(chat.purge("", ago(30)).await.processed, 1);
    assert_eq!(chat.count("chat_room").await, 0);
    assert_eq!(chat.count("room_interaction").await, 2);
    assert_eq!(talks().await, before);

    let third = learner.enter(one).await.id;
    let after = talks().await;
    assert_eq!((&after[0]["lastRoomId"], &after[1]), (&json!(third), &before[1]), "the newer talk counts");
}

#[tokio::test]
async fn a_dry_run_lists_what_would_go_and_changes_nothing() {
    let chat = Operated::new().await;
    let rooms = [chat.left(50, 2).await, chat.left(40, 3).await];
    let _ = chat.left(1, 1).await;
    let rehearsed = chat.purge("?dryRun=true", ago(30)).await;
    assert_eq!((rehearsed.dry_run, rehearsed.processed, rehearsed.messages), (true, 2, 5));
    assert_eq!(chat.rooms().await.len(), 3);
    let mut done = chat.purge("", ago(30)).await;
    assert_eq!(done.rooms.iter().map(|room| room.id).collect::<Vec<_>>(), rooms);
    done.dry_run = true;
    assert_eq!(done, rehearsed);
}

#[tokio::test]
async fn chunks_follow_each_other_to_the_end_and_may_be_repeated() {
    let chat = Operated::new().await;
    for days in 31..=41 {
        chat.left(days, 1).await;
    }
    let first = chat.purge("?limit=4", ago(30)).await;
    assert_eq!(first.processed, 4);
    assert!(first.rooms.is_sorted_by_key(|room| room.left_at), "oldest first");
    let next = first.next.unwrap();
    let second = chat.purge(&format!("?limit=4&after={next}"), ago(30)).await;
    let repeated = chat.purge(&format!("?limit=4&after={next}"), ago(30)).await;
    assert_eq!((second.processed, repeated.processed), (4, 3), "what is left stands behind it");
    assert_eq!((repeated.next, chat.rooms().await.len()), (None, 0));
    for query in ["?limit=0", "?limit=1001", "?after=x", "?limi=1"] {
        let body = json!({ "leftBefore": ago(1) });
        let refused = chat.post(&format!("{}{query}", path::PURGE), &body).send().await;
        let _ = refused.expect(StatusCode::BAD_REQUEST);
    }
    for body in [json!({ "leftBefore": ago(-1) }), json!({ "leftBefore": ago(1), "force": true }), json!({})]
    {
        let _ = chat.post(path::PURGE, &body).send().await.expect(StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn a_chunk_under_the_same_key_is_counted_once() {
    let chat = Operated::new().await;
    for days in 31..=36 {
        chat.left(days, 2).await;
    }
    let body = json!({ "leftBefore": ago(30) });
    let purge = |service: &'static str, query: &'static str, key: &'static str| {
        let path = format!("{}{query}", path::PURGE);
        chat.post_as(service, &path, &body).header(chassis::idempotency::HEADER, key).send()
    };
    let first: PurgedRooms = purge("batch", "?limit=4", "k0").await.expect(StatusCode::OK).parsed();
    let again = purge("batch", "?limit=4", "k0").await.expect(StatusCode::OK);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!((first.processed, again.parsed::<PurgedRooms>()), (4, first));
    assert_eq!(chat.rooms().await.len(), 2, "and nothing else was done");
    let _ = purge("batch", "?limit=5", "k0").await.expect(StatusCode::UNPROCESSABLE_ENTITY);
    let _ = purge("batch", "?limit=4", "").await.expect(StatusCode::BAD_REQUEST);

    let rehearsed: PurgedRooms = purge("batch", "?dryRun=true", "k1").await.expect(StatusCode::OK).parsed();
    assert_eq!(rehearsed.processed, 2);
    let at_once = [purge("batch", "?limit=9", "k1"), purge("batch", "?limit=9", "k1")];
    for answer in futures_util::future::join_all(at_once).await {
        assert_eq!(answer.expect(StatusCode::OK).parsed::<PurgedRooms>().processed, 2, "also at once");
    }
    let other: PurgedRooms = purge("operator", "?limit=9", "k1").await.expect(StatusCode::OK).parsed();
    assert_eq!(other.processed, 0, "another caller has other keys");
}

#[tokio::test]
async fn purges_at_once_do_the_work_once() {
    let chat = Operated::new().await;
    for days in 31..=60 {
        chat.left(days, 10).await;
    }
    let before = ago(30);
    let every = futures_util::future::join_all((0..6).map(|_| chat.purge("", before))).await;
    assert_eq!(every.iter().map(|done| done.processed).sum::<u64>(), 30);
    assert_eq!(every.iter().map(|done| done.messages).sum::<u64>(), 300);
    assert_eq!((chat.count("chat_room").await, chat.count("message").await), (0, 0));
}

#[tokio::test]
async fn a_room_with_very_many_messages_goes_in_parts() {
    let chat = Operated::new().await;
    chat.left(50, 1).await;
    chat.left(40, 45_000).await;
    chat.left(35, 1).await;
    let mut chunks = Vec::new();
    let mut after = None;
    loop {
        let query = after.map(|after| format!("?after={after}")).unwrap_or_default();
        let done = chat.purge(&query, ago(30)).await;
        chunks.push((done.processed, done.messages));
        match done.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(chunks, [(1, 1), (0, 20_000), (0, 20_000), (1, 5_000), (1, 1)]);
    assert_eq!((chat.count("chat_room").await, chat.count("message").await), (0, 0));
}

#[tokio::test]
async fn who_still_writes_into_a_room_is_waited_for() {
    let chat = Operated::new().await;
    let room = chat.left(40, 1).await;
    let mut writer = chat.db.begin().await.unwrap();
    sqlx::query("update chat_room set last_seq = 2 where id = $1")
        .bind(room.as_uuid())
        .execute(&mut *writer)
        .await
        .unwrap();
    sqlx::query(
        "insert into message (room_id, seq, id, sender_type, sender_id, content)
         values ($1, 2, gen_random_uuid(), 'bot', gen_random_uuid(), '늦은 답')",
    )
    .bind(room.as_uuid())
    .execute(&mut *writer)
    .await
    .unwrap();
    let waits = "select exists (
        select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
    )";
    let finish = async {
        eventually(LIMIT, || async {
            sqlx::query_scalar::<_, bool>(waits).fetch_one(&chat.db).await.unwrap()
        })
        .await;
        writer.commit().await.unwrap();
    };
    let (done, ()) = tokio::join!(chat.purge("", ago(30)), finish);
    assert_eq!((done.processed, done.messages), (1, 2));
    assert_eq!(chat.count("message").await, 0);
}
