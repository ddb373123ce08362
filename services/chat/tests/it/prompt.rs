//! Prompts and their versions.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use http::StatusCode;
use http::header::IF_MATCH;
use serde_json::{Value, json};
use testkit::{TestDb, TestResponse};

use crate::learner::{Chat, Learner, bot};
use crate::log;

struct Prompts {
    admin: Learner,
    path: String,
    chat: Chat,
    db: TestDb,
}

impl Prompts {
    async fn new() -> Self {
        let db = TestDb::new("chat_db").await;
        let chat = Chat::new(&db);
        let path = format!("/api/chat/chatbots/{}/prompts/conversation", bot(&db.pool(), 1).await);
        Self { admin: chat.admin(), path, chat, db }
    }

    async fn put(&self, body: Value) -> TestResponse {
        self.admin.put(&self.path, &body).send().await
    }

    async fn activate(&self, version: Value) -> TestResponse {
        let path = format!("{}/active", self.path);
        self.admin.put(&path, &json!({ "version": version })).send().await
    }

    async fn read(&self, version: i32) -> TestResponse {
        self.admin.get(&format!("{}/versions/{version}", self.path)).send().await
    }

    async fn list(&self, query: &str) -> Value {
        self.admin.get(&format!("{}{query}", self.path)).send().await.expect(StatusCode::OK).json()
    }
}

#[tokio::test]
async fn a_new_version_is_in_use_at_once_unless_told_otherwise() {
    let prompts = Prompts::new().await;
    let directives = json!({ "1": ["존댓말을 쓴다."], "3": ["반말을 쓴다.", "짧게 말한다."] });
    let body = json!({ "systemPrompt": "너는 친구다.", "directives": directives, "note": "처음" });
    let first = prompts.put(body).await.expect(StatusCode::CREATED);
    let location = first.header("location").unwrap().to_owned();
    let first = first.json();
    assert_eq!(
        (&first["version"], &first["inUse"], &first["agent"]),
        (&json!(1), &json!(true), &json!("conversation"))
    );
    assert_eq!(first["createdBy"], json!(prompts.admin.id));
    assert_eq!(
        first["directives"],
        json!({ "1": ["존댓말을 쓴다."], "2": [], "3": ["반말을 쓴다.", "짧게 말한다."] })
    );
    assert_eq!(prompts.admin.get(&location).send().await.expect(StatusCode::OK).json(), first);

    let stored = prompts.put(json!({ "systemPrompt": "시험", "activate": false })).await;
    let stored = stored.expect(StatusCode::CREATED).json();
    assert_eq!((&stored["version"], &stored["inUse"]), (&json!(2), &json!(false)));
    let listed = prompts.list("").await;
    assert_eq!((&listed["inUse"], &listed["content"][0]["version"]), (&json!(1), &json!(2)));
    assert!(listed["content"][0].get("systemPrompt").is_none(), "texts are long");

    let other = prompts.path.replace("conversation", "analysis");
    let other = prompts.admin.get(&other).send().await.expect(StatusCode::OK).json();
    assert_eq!((&other["inUse"], &other["content"]), (&Value::Null, &json!([])), "each task has its own");
}

#[tokio::test]
async fn going_back_takes_an_earlier_version_into_use_and_changes_none() {
    let prompts = Prompts::new().await;
    for text in ["하나", "둘", "셋"] {
        let _ = prompts.put(json!({ "systemPrompt": text })).await.expect(StatusCode::CREATED);
    }
    let bot = prompts.activate(json!(1)).await.expect(StatusCode::OK);
    assert_eq!(bot.json()["promptsInUse"]["conversation"], 1);
    assert_eq!(bot.header("etag"), Some("\"5\""));
    let again = prompts.activate(json!(1)).await.expect(StatusCode::OK);
    assert_eq!(again.header("etag"), Some("\"5\""), "it was in use");
    for (version, text) in [(1, "하나"), (2, "둘"), (3, "셋")] {
        let read = prompts.read(version).await.expect(StatusCode::OK).json();
        assert_eq!((&read["systemPrompt"], &read["inUse"]), (&json!(text), &json!(version == 1)));
    }
    let built_in = prompts.activate(Value::Null).await.expect(StatusCode::OK).json();
    assert_eq!(built_in["promptsInUse"]["conversation"], Value::Null);
    for version in [json!(4), json!(0), json!(-1)] {
        let _ = prompts.activate(version).await.expect(StatusCode::NOT_FOUND);
    }
    let nothing = prompts.admin.put(&format!("{}/active", prompts.path), &json!({})).send().await;
    let _ = nothing.expect(StatusCode::BAD_REQUEST);
    let _ = prompts.read(4).await.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn administrators_at_once_get_numbers_of_their_own() {
    let prompts = Prompts::new().await;
    let elsewhere = Chat::new(&prompts.db);
    let admins: Vec<_> =
        (0..24).map(|n| if n % 2 == 0 { prompts.chat.admin() } else { elsewhere.admin() }).collect();
    let sent = join_all(admins.iter().map(|admin| {
        // The same text: whose it is makes the difference.
        admin.put(&prompts.path, &json!({ "systemPrompt": "모두 같은 글" })).send()
    }));
    let mut authors = Vec::new();
    let mut versions = BTreeSet::new();
    for answer in sent.await {
        let prompt = answer.expect(StatusCode::CREATED).json();
        versions.insert(prompt["version"].as_i64().unwrap());
        authors.push(prompt["createdBy"].clone());
    }
    assert_eq!(versions, (1..=24).collect());
    assert_eq!(authors, admins.iter().map(|admin| json!(admin.id)).collect::<Vec<_>>());
    assert_eq!(prompts.list("").await["inUse"], 24, "who came last");
}

#[tokio::test]
async fn a_request_that_is_repeated_makes_no_further_version() {
    let prompts = Prompts::new().await;
    let body = json!({ "systemPrompt": "너는 친구다.", "note": "처음" });
    let _ = prompts.put(body.clone()).await.expect(StatusCode::CREATED);
    let again = prompts.put(body.clone()).await.expect(StatusCode::OK).json();
    assert_eq!(again["version"], 1);
    let _ = prompts.activate(Value::Null).await.expect(StatusCode::OK);
    let other = prompts.chat.admin().put(&prompts.path, &body).send().await.expect(StatusCode::CREATED);
    assert_eq!(other.json()["version"], 2);
}

#[tokio::test]
async fn a_request_that_is_repeated_does_not_undo_what_others_decided_since() {
    let prompts = Prompts::new().await;
    let (one, two) = (json!({ "systemPrompt": "하나" }), json!({ "systemPrompt": "둘" }));
    let _ = prompts.put(one).await.expect(StatusCode::CREATED);
    let _ = prompts.put(two.clone()).await.expect(StatusCode::CREATED);
    let _ = prompts.activate(json!(1)).await.expect(StatusCode::OK);
    let again = prompts.put(two.clone()).await.expect(StatusCode::OK);
    assert_eq!((&again.json()["version"], &again.json()["inUse"]), (&json!(2), &json!(false)));
    assert_eq!(prompts.list("").await["inUse"], 1);

    // Who knows what is in use may change it so.
    let tag = again.header("etag").unwrap().to_owned();
    let put = || prompts.admin.put(&prompts.path, &two).header(IF_MATCH, &tag).send();
    assert_eq!(put().await.expect(StatusCode::OK).json()["inUse"], true);
    let _ = put().await.expect(StatusCode::PRECONDITION_FAILED);
}

#[tokio::test]
async fn a_change_of_a_prompt_happens_on_top_of_what_was_read() {
    let prompts = Prompts::new().await;
    let read = prompts.admin.get(&prompts.path).send().await.expect(StatusCode::OK);
    let tag = read.header("etag").unwrap().to_owned();
    let active = format!("{}/active", prompts.path);
    let (text, none) = (json!({ "systemPrompt": "하나" }), json!({ "version": null }));
    let put = |path: &str, body: &Value| prompts.admin.put(path, body).header(IF_MATCH, &tag).send();
    let stored = put(&prompts.path, &text).await.expect(StatusCode::CREATED);
    assert_ne!(stored.header("etag"), Some(&*tag));
    let _ =
        put(&prompts.path, &json!({ "systemPrompt": "둘" })).await.expect(StatusCode::PRECONDITION_FAILED);
    let _ = put(&active, &none).await.expect(StatusCode::PRECONDITION_FAILED);
    assert_eq!(prompts.list("").await["content"].as_array().unwrap().len(), 1);
    let tag = stored.header("etag").unwrap();
    let switched = prompts.admin.put(&active, &none).header(IF_MATCH, tag).send().await;
    let _ = switched.expect(StatusCode::OK);
}

#[tokio::test]
async fn what_a_bot_may_be_told_has_bounds() {
    let prompts = Prompts::new().await;
    let level = |key: &str, value: Value| json!({ "systemPrompt": "x", "directives": { key: value } });
    for (body, field) in [
        (json!({ "systemPrompt": " \n" }), "systemPrompt"),
        (json!({ "systemPrompt": "가".repeat(20_001) }), "systemPrompt"),
        (json!({ "systemPrompt": "x", "note": "가".repeat(501) }), "note"),
        (json!({ "systemPrompt": "x", "version": 7 }), "version"),
        (level("1", json!(vec!["x"; 21])), "directives.1"),
        (level("2", json!(["x", ""])), "directives.2[1]"),
        (level("3", json!(["가".repeat(501)])), "directives.3[0]"),
        (level("4", json!(["x"])), "directives.4"),
        (level("1", json!([1])), "directives.1[0]"),
    ] {
        let refused = prompts.put(body).await.expect(StatusCode::BAD_REQUEST).json();
        assert_eq!(refused["errors"][0]["field"], field, "{refused}");
    }
    let _ = prompts.put(json!({ "systemPrompt": "a\u{0}b" })).await.expect(StatusCode::BAD_REQUEST);
    let _ = prompts.put(json!({ "note": "x" })).await.expect(StatusCode::BAD_REQUEST);
    let unknown = prompts.path.replace("conversation", "cooking");
    let _ = prompts.admin.get(&unknown).send().await.expect(StatusCode::BAD_REQUEST);
    assert_eq!(prompts.list("").await["content"], json!([]));
    let longest = json!({ "systemPrompt": "가".repeat(20_000) });
    let _ = prompts.put(longest).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn versions_are_listed_in_pages_newest_first() {
    let prompts = Prompts::new().await;
    for n in 1..=5 {
        let _ = prompts.put(json!({ "systemPrompt": format!("{n}") })).await.expect(StatusCode::CREATED);
    }
    let versions = |page: &Value| {
        page["content"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["version"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    let first = prompts.list("?limit=3").await;
    assert_eq!((versions(&first), &first["next"]), (vec![5, 4, 3], &json!(3)));
    let rest = prompts.list("?limit=3&before=3").await;
    assert_eq!((versions(&rest), &rest["next"]), (vec![2, 1], &Value::Null));
    let exactly = prompts.list("?limit=5").await;
    assert_eq!((versions(&exactly).len(), &exactly["next"]), (5, &Value::Null));
    for query in ["?limit=0", "?limit=101", "?size=3"] {
        let path = format!("{}{query}", prompts.path);
        let _ = prompts.admin.get(&path).send().await.expect(StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn every_change_is_logged_with_who_and_what_but_without_the_text() {
    let prompts = Prompts::new().await;
    log::listen();
    let body = json!({ "systemPrompt": "비밀스러운 지시", "directives": { "1": ["몰래"] }, "note": "메모" });
    let _ = prompts.put(body).await.expect(StatusCode::CREATED);
    let _ = prompts.activate(Value::Null).await.expect(StatusCode::OK);
    let bot = prompts.path.split('/').nth(4).unwrap().to_owned();
    let change = json!({ "name": "새 이름", "description": "", "picture": null, "isActive": true });
    let _ =
        prompts.admin.put(&format!("/api/chat/chatbots/{bot}"), &change).send().await.expect(StatusCode::OK);
    let lines = log::lines(&prompts.admin.id.to_string());
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines.iter().all(|line| line.contains("administrator") && line.contains(&bot)), "{lines:?}");
    assert!(lines[0].contains("version=1") && lines[0].contains("agent=conversation"), "{lines:?}");
    assert!(lines[1].contains("built-in"), "{lines:?}");
    assert!(lines[2].contains("changed=\"name\""), "{lines:?}");
    for secret in ["비밀", "몰래", "메모", "새 이름"] {
        assert!(log::lines(secret).is_empty(), "{:?}", log::lines(secret));
    }
}
