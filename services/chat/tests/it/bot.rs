//! Bots, as administrators see and change them.

use http::StatusCode;
use http::header::IF_MATCH;
use serde_json::{Value, json};
use testkit::TestDb;

use crate::learner::{Chat, bot};

fn changed(name: &str) -> Value {
    json!({ "name": name, "description": "새 설명", "picture": "/pictures/friend.png", "isActive": true })
}

#[tokio::test]
async fn bots_are_for_administrators_only() {
    let db = TestDb::new("chat_db").await;
    let chat = Chat::new(&db);
    let (learner, admin) = (chat.learner(), chat.admin());
    let one = format!("/api/chat/chatbots/{}", bot(&db.pool(), 1).await);
    let prompts = format!("{one}/prompts/conversation");
    for path in ["/api/chat/chatbots", &one, &prompts] {
        let _ = chat.app.get(path).send().await.expect(StatusCode::UNAUTHORIZED);
        let refused = learner.get(path).send().await.expect(StatusCode::FORBIDDEN);
        assert_eq!(refused.json()["errorCode"], "A003");
        let _ = admin.get(path).send().await.expect(StatusCode::OK);
    }
    for (path, body) in [
        (&one, changed("x")),
        (&prompts, json!({ "systemPrompt": "x" })),
        (&format!("{prompts}/active"), json!({ "version": null })),
    ] {
        let _ = chat.app.put(path).json(&body).send().await.expect(StatusCode::UNAUTHORIZED);
        let _ = learner.put(path, &body).send().await.expect(StatusCode::FORBIDDEN);
        let _ = admin.put(path, &body).send().await;
    }
    let nobody = format!("/api/chat/chatbots/{}", uuid::Uuid::now_v7());
    let _ = admin.get(&nobody).send().await.expect(StatusCode::NOT_FOUND);
    let _ = admin.put(&nobody, &changed("x")).send().await.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_bot_says_which_prompt_each_of_its_tasks_uses() {
    let db = TestDb::new("chat_db").await;
    let chat = Chat::new(&db);
    let admin = chat.admin();
    for digit in [2, 1] {
        bot(&db.pool(), digit).await;
    }
    let listed = admin.get("/api/chat/chatbots").send().await.expect(StatusCode::OK).json();
    let types: Vec<_> = listed.as_array().unwrap().iter().map(|bot| bot["botType"].clone()).collect();
    assert_eq!(types, ["friend", "honey"]);
    let built_in = json!({
        "conversation": null, "analysis": null, "vocabulary": null, "greeting": null, "summary": null,
    });
    assert_eq!(listed[0]["promptsInUse"], built_in);
    let one = format!("/api/chat/chatbots/{}", listed[0]["id"].as_str().unwrap());
    let _ =
        admin.put(&format!("{one}/prompts/greeting"), &json!({ "systemPrompt": "인사해요." })).send().await;
    let read = admin.get(&one).send().await.expect(StatusCode::OK);
    assert_eq!(read.json()["promptsInUse"]["greeting"], 1);
    assert_eq!(read.header("etag"), Some("\"2\""), "what it answers is another now");
}

#[tokio::test]
async fn a_change_happens_on_top_of_what_was_read() {
    let db = TestDb::new("chat_db").await;
    let chat = Chat::new(&db);
    let admin = chat.admin();
    let path = format!("/api/chat/chatbots/{}", bot(&db.pool(), 1).await);
    let put = |name: &str, tag: &str| admin.put(&path, &changed(name)).header(IF_MATCH, tag).send();
    let first = put(" 이음 ", "\"1\"").await.expect(StatusCode::OK);
    assert_eq!((first.header("etag"), &first.json()["name"]), (Some("\"2\""), &json!("이음")));
    let stale = put("다른 이름", "\"1\"").await.expect(StatusCode::PRECONDITION_FAILED);
    assert_eq!(stale.json()["errorCode"], "E002");
    let same = put("이음", "*").await.expect(StatusCode::OK);
    assert_eq!(same.header("etag"), Some("\"2\""), "nothing changed");
    let (one, two) = tokio::join!(put("하나", "\"2\""), put("둘", "\"2\""));
    let mut statuses = [one.status, two.status];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::PRECONDITION_FAILED]);
}

#[tokio::test]
async fn what_a_bot_may_be_called_has_bounds_and_nothing_is_forgotten() {
    let db = TestDb::new("chat_db").await;
    let chat = Chat::new(&db);
    let admin = chat.admin();
    let path = format!("/api/chat/chatbots/{}", bot(&db.pool(), 1).await);
    let put = |key: &str, value: Value| {
        let mut body = changed("이음");
        body[key] = value;
        admin.put(&path, &body).send()
    };
    for (key, value, code) in [
        ("name", json!("  "), "E003"),
        ("name", json!("가".repeat(101)), "E003"),
        ("description", json!("가".repeat(1001)), "E003"),
        ("picture", json!("javascript:alert(1)"), "E003"),
        ("picture", json!(format!("https://{}", "x".repeat(500))), "E003"),
        ("isActive", json!("yes"), "E002"),
        ("concept", json!("BOSS"), "E002"),
    ] {
        let refused = put(key, value).await.expect(StatusCode::BAD_REQUEST).json();
        assert_eq!(refused["errorCode"], code, "{refused}");
        assert_eq!(refused["errors"][0]["field"], key, "{refused}");
    }
    let mut forgotten = changed("이음");
    forgotten.as_object_mut().unwrap().remove("picture");
    let _ = admin.put(&path, &forgotten).send().await.expect(StatusCode::BAD_REQUEST);
    let none = put("picture", Value::Null).await.expect(StatusCode::OK);
    assert_eq!(none.json()["picture"], Value::Null);
}

#[tokio::test]
async fn nobody_begins_to_talk_with_an_inactive_bot() {
    let db = TestDb::new("chat_db").await;
    let chat = Chat::new(&db);
    let id = bot(&db.pool(), 1).await;
    let mut body = changed("이음");
    body["isActive"] = json!(false);
    let _ = chat.admin().put(&format!("/api/chat/chatbots/{id}"), &body).send().await.expect(StatusCode::OK);
    let enter = json!({ "chatbotId": id, "concept": "friend" });
    let _ = chat.learner().post("/api/chat/chatrooms", &enter).send().await.expect(StatusCode::NOT_FOUND);
}
