//! Saving.

use std::collections::BTreeSet;

use chassis::fresh_id;
use contract::id::{BookmarkId, UserId};
use contract::store::{Bookmark, BotType};
use futures_util::future::join_all;
use http::{StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

use super::keeper::{FRIEND, PATH, Store, message};

#[tokio::test]
async fn a_bookmark_comes_back_as_it_was_sent() {
    let store = Store::new().await;
    let user = store.user();
    let (message, room) = (Uuid::now_v7(), Uuid::now_v7());
    let sent = json!({
        "messageId": message, "chatroomId": room, "chatbotId": FRIEND, "userId": user.id,
        "content": "나 오늘 학교에 갔어", "correctedContent": "저는 오늘 학교에 갔어요",
        "aiResponse": { "intimacyLevel": 2, "translation": { "english": "I went to school." }, "corrections": [] },
        "botType": "friend", "isBookmarked": true, "more": { "than": ["we", "know"] },
    });
    let created = user.post(&sent).send().await.expect(StatusCode::CREATED).json();
    let all: BTreeSet<_> = created.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "aiResponse",
        "botType",
        "chatroomId",
        "chatroomName",
        "content",
        "correctedContent",
        "createdAt",
        "id",
        "messageId",
    ];
    assert_eq!(all, BTreeSet::from(expected));
    for key in ["messageId", "chatroomId", "content", "correctedContent", "aiResponse", "botType"] {
        assert_eq!(created[key], sent[key], "{key}");
    }
    assert_eq!(created["chatroomName"], Value::Null, "chat cannot be asked");
    let at = created["createdAt"].as_str().unwrap();
    assert!(at.len() == "2026-01-01T00:00:00.000000Z".len() && at.ends_with('Z'), "{at}");
    let listed = user.get(&format!("/chatroom/{room}")).send().await.expect(StatusCode::OK).json();
    assert_eq!(listed, json!([created]));
}

#[tokio::test]
async fn what_may_be_left_out_is_there_all_the_same() {
    let store = Store::new().await;
    let user = store.user();
    let mut explicit = message();
    for key in ["correctedContent", "aiResponse", "botType", "userId"] {
        explicit[key] = Value::Null;
    }
    for sent in [message(), explicit] {
        let created = user.post(&sent).send().await.expect(StatusCode::CREATED).json();
        assert_eq!((&created["aiResponse"], &created["correctedContent"]), (&json!({}), &Value::Null));
        assert_eq!(created["botType"], "friend", "the bot tells its part");
    }
}

#[tokio::test]
async fn texts_and_the_ai_response_keep_every_byte() {
    let store = Store::new().await;
    let user = store.user();
    // Composed and decomposed letters, a joined emoji, blanks at both ends, line ends of both kinds.
    let content = " \u{ac00}\u{1100}\u{1161} 👩\u{200d}👩\u{200d}👧 \r\n\t\u{feff}끝 ";
    for ai_response in [
        "{}",
        "{ }",
        r#"{"b":1,"a":2,"b":3}"#,
        r#"{ "n" : [1.0, 1.50, -0, 1e400, 123456789012345678901234567890] }"#,
        r#"{"text":"\uac00가\/ \u0000 \ud800 \n","":null}"#,
        "{\r\n\t\"vocabulary\": [ {\"word\":\"안녕\"} ]\n}",
    ] {
        let body = format!(
            r#"{{"messageId":"{}","chatroomId":"{}","chatbotId":"{FRIEND}","aiResponse": {ai_response} ,"content":{}}}"#,
            Uuid::now_v7(),
            Uuid::now_v7(),
            serde_json::to_string(content).unwrap(),
        );
        let request =
            store.app.post(PATH).bearer(&user.token).header(header::CONTENT_TYPE, "application/json");
        let created: Bookmark = request.body(body).send().await.expect(StatusCode::CREATED).parsed();
        assert_eq!(created.content, content);
        assert_eq!(created.ai_response.get(), ai_response);
        let listed: Vec<Bookmark> = user.get("").send().await.expect(StatusCode::OK).parsed();
        assert_eq!((listed[0].id, listed[0].ai_response.get()), (created.id, ai_response));
        assert_eq!(listed[0].content, content);
    }
}

#[tokio::test]
async fn a_message_is_kept_once_and_again_after_its_deletion() {
    let store = Store::new().await;
    let (user, other) = (store.user(), store.user());
    let sent = message();
    let first = user.keep(&sent).await;
    let mut changed = sent.clone();
    changed["content"] = json!("다른 말");
    let again: Bookmark = user.post(&changed).send().await.expect(StatusCode::OK).parsed();
    assert_eq!((again.id, &*again.content), (first.id, "안녕하세요"), "it stays as it is");
    assert_ne!(other.keep(&sent).await.id, first.id, "everybody has their own");
    let _ = user.delete(first.id).send().await.expect(StatusCode::NO_CONTENT);
    let second = user.keep(&changed).await;
    assert_ne!(second.id, first.id);
    assert_eq!(second.content, "다른 말");
    let deleted: i64 = sqlx::query_scalar("select count(*) from bookmark where deleted_at is not null")
        .fetch_one(&store.db)
        .await
        .unwrap();
    assert_eq!(deleted, 1);
}

#[tokio::test]
async fn fifty_saves_at_once_make_one_bookmark() {
    let store = Store::new().await;
    let user = store.user();
    let instances = [user.clone(), user.at(&store.another())];
    for round in 0..4 {
        let sent = message();
        let sends = (0..50).map(|n: usize| instances[n % 2].post(&sent).send());
        let answers = join_all(sends).await;
        let created = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
        let known = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
        assert_eq!((created, known), (1, 49), "round {round}");
        let every: BTreeSet<BookmarkId> =
            answers.iter().map(|answer| answer.parsed::<Bookmark>().id).collect();
        assert_eq!(every.len(), 1);
    }
    let count = user.get("/count").send().await.expect(StatusCode::OK).json();
    assert_eq!(count, 4);
}

#[tokio::test]
async fn the_bots_part_is_what_the_client_says_or_else_what_the_bot_is() {
    let store = Store::new().await;
    let user = store.user();
    let bot = |digit| format!("22222222-2222-2222-2222-22222222222{digit}");
    for (bot, said, expected) in [
        (bot(2), None, Some(BotType::Honey)),
        (bot(4), Some(""), Some(BotType::Senior)),
        (bot(1), Some("COWORKER"), Some(BotType::Coworker)),
        (Uuid::now_v7().to_string(), None, None),
        (Uuid::now_v7().to_string(), Some("boss"), Some(BotType::Boss)),
    ] {
        let mut sent = message();
        (sent["chatbotId"], sent["botType"]) = (json!(bot), json!(said));
        assert_eq!(user.keep(&sent).await.bot_type, expected, "{bot} {said:?}");
    }
}

#[tokio::test]
async fn mistakes_are_refused_and_keep_nothing() {
    let store = Store::new().await;
    let user = store.user();
    let with = |key: &str, value: Value| {
        let mut sent = message();
        sent[key] = value;
        sent
    };
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    let deep = json!({ "a": serde_json::from_str::<Value>(&deep).unwrap() });
    for (sent, field) in [
        (with("messageId", Value::Null), "messageId"),
        (with("messageId", json!("7")), "messageId"),
        (with("chatroomId", json!("")), "chatroomId"),
        (with("chatbotId", json!(" ")), "chatbotId"),
        (with("content", Value::Null), "content"),
        (with("content", json!("")), "content"),
        (with("content", json!("a\0b")), "content"),
        (with("content", json!("가".repeat(10_001))), "content"),
        (with("correctedContent", json!("가".repeat(10_001))), "correctedContent"),
        (with("aiResponse", json!([])), "aiResponse"),
        (with("aiResponse", json!("{}")), "aiResponse"),
        (with("aiResponse", json!({ "a": "x".repeat(70_000) })), "aiResponse"),
        (with("aiResponse", deep), "aiResponse"),
        (with("botType", json!("enemy")), "botType"),
    ] {
        let problem = user.post(&sent).send().await.expect(StatusCode::BAD_REQUEST).json();
        assert_eq!((&problem["errorCode"], &problem["errors"][0]["field"]), (&json!("E003"), &json!(field)));
        assert_eq!(problem["errors"].as_array().map(Vec::len), Some(1), "{problem}");
    }
    let malformed = user.post(&with("content", json!(7))).send().await.expect(StatusCode::BAD_REQUEST).json();
    assert_eq!(malformed["errorCode"], "E002");
    let somebody: UserId = fresh_id();
    for claimed in [somebody.to_string(), "me".to_owned()] {
        let refused = user.post(&with("userId", json!(claimed))).send().await.expect(StatusCode::FORBIDDEN);
        assert_eq!(refused.json()["errorCode"], "A003");
    }
    let _ =
        user.post(&with("x", json!("y".repeat(1 << 20)))).send().await.expect(StatusCode::PAYLOAD_TOO_LARGE);
    let plain = store.app.post(PATH).bearer(&user.token).body(message().to_string()).send().await;
    assert_eq!(plain.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let _ = store.app.post(PATH).json(&message()).send().await.expect(StatusCode::UNAUTHORIZED);
    let kept: i64 = sqlx::query_scalar("select count(*) from bookmark").fetch_one(&store.db).await.unwrap();
    assert_eq!(kept, 0);
}
