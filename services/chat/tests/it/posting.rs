//! Storing messages: numbers without a gap, resends, turns in the way.

use std::time::Duration;

use contract::chat::{ContentType, Message, SenderType};
use contract::id::RoomId;
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::json;
use sqlx::PgPool;
use testkit::{TestDb, eventually};
use uuid::Uuid;

use crate::learner::{Chat, Learner, bot};

const LIMIT: Duration = Duration::from_secs(30);

async fn stored(db: &PgPool, room: RoomId) -> Vec<(i64, String)> {
    sqlx::query_as("select seq, content from message where room_id = $1 order by seq")
        .bind(room.as_uuid())
        .fetch_all(db)
        .await
        .unwrap()
}

async fn room_of(chat: &Chat, db: &TestDb) -> (Learner, RoomId) {
    let learner = chat.learner();
    let room = learner.enter(bot(&db.pool(), 1).await).await.id;
    (learner, room)
}

#[tokio::test]
async fn writers_at_two_instances_leave_no_gap_and_get_the_numbers_that_are_stored() {
    let db = TestDb::new("chat_db").await;
    let (here, there) = (Chat::new(&db), Chat::new(&db));
    let (learner, room) = room_of(&here, &db).await;
    let elsewhere = learner.at(&there);
    let sent = join_all((0..300).map(|n| {
        let at = if n % 2 == 0 { &learner } else { &elsewhere };
        async move { at.note(room, &format!("말 {n}")).await }
    }));
    let mut told: Vec<_> = sent.await.into_iter().map(|m| (m.sequence_number, m.content)).collect();
    told.sort();
    let stored = stored(&db.pool(), room).await;
    assert_eq!(stored.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), (1..=302).collect::<Vec<_>>());
    assert_eq!(told, stored[2..], "behind the greeting and the guide");
    let rising: bool = sqlx::query_scalar(
        "select bool_and(later.created_at >= sooner.created_at)
         from message sooner join message later on later.room_id = sooner.room_id and later.seq = sooner.seq + 1
         where sooner.room_id = $1",
    )
    .bind(room.as_uuid())
    .fetch_one(&db.pool())
    .await
    .unwrap();
    assert!(rising, "times rise with the numbers");
}

#[tokio::test]
async fn a_message_sent_again_under_its_id_is_stored_once_wherever_it_is_sent() {
    let db = TestDb::new("chat_db").await;
    let (here, there) = (Chat::new(&db), Chat::new(&db));
    let (learner, room) = room_of(&here, &db).await;
    let elsewhere = learner.at(&there);
    for round in 0..10 {
        let body = json!({ "content": "안녕", "clientMessageId": format!("m-{round}"), "respond": false });
        let sent = join_all((0..12).map(|n| {
            let at = if n % 2 == 0 { &learner } else { &elsewhere };
            at.say(room, &body).send()
        }));
        let messages: Vec<Message> =
            sent.await.into_iter().map(|answer| answer.expect(StatusCode::OK).parsed()).collect();
        assert!(messages.iter().all(|m| m.id == messages[0].id && m.sequence_number == 3 + round));
    }
    assert_eq!(stored(&db.pool(), room).await.len(), 12);
}

#[tokio::test]
async fn what_is_no_message_of_a_learner_is_refused() {
    let db = TestDb::new("chat_db").await;
    let chat = Chat::new(&db);
    let (learner, room) = room_of(&chat, &db).await;
    for wrong in [
        json!({}),
        json!({ "content": "" }),
        json!({ "content": "가".repeat(10_001) }),
        json!({ "content": "안녕", "senderType": "bot" }),
        json!({ "content": "안녕", "senderType": "system" }),
        json!({ "content": "안녕", "contentType": "system" }),
        json!({ "content": "안녕", "contentType": "video" }),
        json!({ "content": "nul\u{0}" }),
        json!({ "content": "안녕", "clientMessageId": "x".repeat(101) }),
        json!({ "content": 5 }),
    ] {
        let _ = learner.say(room, &wrong).send().await.expect(StatusCode::BAD_REQUEST);
    }
    let fine = json!({ "content": "가".repeat(10_000), "senderType": "user", "contentType": "code", "x": 1, "respond": false });
    let message: Message = learner.say(room, &fine).send().await.expect(StatusCode::OK).parsed();
    assert_eq!((message.content_type, message.sequence_number), (ContentType::Code, 3));
}

#[tokio::test]
async fn the_bot_answers_directly_behind_with_an_analysis_of_what_was_said() {
    let db = TestDb::new("chat_db").await;
    let chat = Chat::new(&db);
    let (learner, room) = room_of(&chat, &db).await;
    let said: Message = learner
        .say(room, &json!({ "content": "오늘 날씨 좋아" }))
        .send()
        .await
        .expect(StatusCode::OK)
        .parsed();
    // Stored behind the turn, although it comes at once.
    let next = learner.note(room, "그리고").await;
    assert_eq!((said.sequence_number, next.sequence_number), (3, 5));
    let page = learner.history(room, "").await;
    let reply = &page.content[3];
    assert_eq!((reply.sequence_number, reply.sender_type), (4, SenderType::Bot));
    let analysis = reply.reply().expect("a reply says what it is about");
    assert_eq!(analysis.user_message_analysis.user_message_id, said.id);
    assert!(!analysis.bot_response_analysis.vocabulary.words.is_empty());
    let owed: i64 = sqlx::query_scalar("select count(*) from turn where delivered_at is null")
        .fetch_one(&db.pool())
        .await
        .unwrap();
    assert_eq!(owed, 0, "who has read the answer is owed nothing");
}

#[tokio::test]
async fn the_turn_of_an_instance_that_died_is_finished_by_another_one_once() {
    let db = TestDb::new("chat_db").await;
    let (first, _second) = (Chat::new(&db), Chat::new(&db));
    let (learner, room) = room_of(&first, &db).await;
    abandoned_turn(&db.pool(), room, "now() - interval '1 second'").await;
    eventually(LIMIT, || async { learner.history(room, "").await.content.len() == 4 }).await;
    let done: Vec<(String, i32)> =
        sqlx::query_as("select state, attempt from turn").fetch_all(&db.pool()).await.unwrap();
    assert_eq!(done, [("DONE".to_owned(), 2)]);
    assert_eq!(learner.note(room, "다음").await.sequence_number, 5);
}

#[tokio::test]
async fn a_message_that_has_waited_5_s_for_a_turn_ends_it() {
    let db = TestDb::new("chat_db").await;
    let chat = Chat::new(&db);
    let (learner, room) = room_of(&chat, &db).await;
    // Somebody holds it who neither answers nor dies.
    abandoned_turn(&db.pool(), room, "now() + interval '1 hour'").await;
    assert_eq!(learner.note(room, "거기 있어요?").await.sequence_number, 5);
    let reply = &learner.history(room, "").await.content[3];
    assert_eq!((reply.sender_type, reply.reply().is_some()), (SenderType::Bot, true));
}

/// A message whose turn belongs to nobody who is alive.
async fn abandoned_turn(db: &PgPool, room: RoomId, lease_until: &str) {
    let message = Uuid::now_v7();
    let mut tx = db.begin().await.unwrap();
    sqlx::query("update chat_room set last_seq = 3, turn_seq = 3 where id = $1")
        .bind(room.as_uuid())
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query(
        "insert into message (room_id, seq, id, sender_type, sender_id, content)
         select id, 3, $2, 'user', user_id, '안녕하세요' from chat_room where id = $1",
    )
    .bind(room.as_uuid())
    .bind(message)
    .execute(&mut *tx)
    .await
    .unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!(
        "insert into turn (id, room_id, user_message_id, user_message_seq, state, attempt, lease_owner, lease_until)
         values (gen_random_uuid(), $1, $2, 3, 'RUNNING', 1, 'chat-9/dead', {lease_until})"
    )))
    .bind(room.as_uuid())
    .bind(message)
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
}
