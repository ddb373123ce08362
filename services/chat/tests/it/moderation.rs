//! The service that judges texts, and what happens when it does not.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use chassis::client::Breakers;
use chassis::{Platform, Secret};
use chat::Config;
use chat::domain::bot::Bot;
use chat::moderation::{Category, Moderation, Settings, Verdict, answer};
use chat::responder::{Question, Responder};
use contract::chat::{Concept, Level, Message};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};
use testkit::TestDb;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::learner::{Chat, bot};

const LIMIT: std::time::Duration = std::time::Duration::from_secs(30);

/// Somebody else's service.
struct Fake {
    base: String,
    asked: Arc<AtomicUsize>,
    _server: JoinSet<()>,
}

impl Fake {
    async fn start() -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let router = Router::new().route("/v1/moderations", post(judge)).with_state(asked.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/v1", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base, asked, _server: server }
    }

    fn moderation(&self) -> Moderation {
        let settings = Settings {
            url: Some(self.base.parse().unwrap()),
            key: Some(Secret::new("sk-test".to_owned())),
            ..Settings::default()
        };
        Moderation::new(&settings, &Breakers::default()).unwrap()
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// What is asked says how it behaves.
async fn judge(
    State(asked): State<Arc<AtomicUsize>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    asked.fetch_add(1, Ordering::SeqCst);
    if headers[header::AUTHORIZATION] != "Bearer sk-test" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let flagged = |categories: Value| {
        Json(json!({ "id": "modr-1", "model": "m", "results": [{ "flagged": true, "categories": categories }] }))
            .into_response()
    };
    match body["input"].as_str().unwrap() {
        "fine" => Json(json!({ "results": [{ "flagged": false, "categories": { "hate": false } }] }))
            .into_response(),
        "hate" => flagged(json!({ "hate": true, "sexual": false, "violence": null })),
        "threat" => flagged(json!({ "harassment/threatening": true, "violence": true })),
        "danger" => flagged(json!({ "violence": true, "self-harm/intent": true })),
        "strange" => flagged(json!({ "illicit": true, "score": 0.9 })),
        "bare" => Json(json!({ "results": [{ "flagged": true }] })).into_response(),
        "slow" => std::future::pending().await,
        "error" => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        "busy" => (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "30")]).into_response(),
        "nonsense" => "<html>".into_response(),
        "nothing" => Json(json!({ "results": [] })).into_response(),
        "huge" => format!("{{\"results\": [], \"x\": \"{}\"}}", "x".repeat(1_000_000)).into_response(),
        "elsewhere" => Redirect::temporary("/v1/moderations").into_response(),
        other => panic!("nobody should ask about {other}"),
    }
}

#[tokio::test]
async fn the_service_says_what_the_words_do_not_know() {
    let fake = Fake::start().await;
    let moderation = fake.moderation();
    for (text, verdict) in [
        ("fine", Verdict::Fine),
        ("hate", Verdict::Refused(Category::Insult)),
        ("threat", Verdict::Refused(Category::Violence)),
        ("danger", Verdict::Refused(Category::SelfHarm)),
        ("strange", Verdict::Refused(Category::Other)),
        ("bare", Verdict::Refused(Category::Other)),
    ] {
        assert_eq!(moderation.check(text).await, verdict, "{text}");
    }
    let asked = fake.asked();
    assert_eq!(moderation.check("야 이 씨발").await, Verdict::Refused(Category::Insult));
    assert_eq!(fake.asked(), asked, "what the words know is not sent away");
}

#[tokio::test]
async fn a_service_that_fails_in_whatever_way_refuses_nothing() {
    let fake = Fake::start().await;
    for text in ["slow", "error", "busy", "nonsense", "nothing", "huge", "elsewhere"] {
        assert_eq!(fake.moderation().check(text).await, Verdict::Fine, "{text}");
    }
    assert_eq!(fake.asked(), 7, "a redirect is not followed");
    let settings = Settings { url: Some("http://127.0.0.1:1/v1".parse().unwrap()), ..Settings::default() };
    let away = Moderation::new(&settings, &Breakers::default()).unwrap();
    assert_eq!(away.check("fine").await, Verdict::Fine);
    assert_eq!(away.check("죽고 싶어요").await, Verdict::Refused(Category::SelfHarm), "the words still hold");
}

#[tokio::test]
async fn a_service_that_keeps_failing_is_not_asked_any_more_and_asked_again_later() {
    let fake = Fake::start().await;
    let moderation = fake.moderation();
    for _ in 0..20 {
        assert_eq!(moderation.check("error").await, Verdict::Fine);
    }
    assert_eq!(fake.asked(), 5, "five failures in a row open the breaker");
    testkit::eventually(LIMIT, || async {
        moderation.check("hate").await == Verdict::Refused(Category::Insult)
    })
    .await;
}

#[tokio::test]
async fn settings_come_from_the_environment_and_files() {
    let fake = Fake::start().await;
    let directory = tempfile::tempdir().unwrap();
    let (words, key) = (directory.path().join("words"), directory.path().join("key"));
    fs::write(&words, "# ours\ninsult: 멍청이\nallow: 멍청이 영화\n").unwrap();
    fs::write(&key, "sk-test\n").unwrap();
    let config = |words: &str| {
        Config::from_env(&[
            ("DATABASE_URL", "postgres://localhost/chat_db"),
            ("DORAN_CHAT_MODERATION_URL", &fake.base),
            ("DORAN_CHAT_MODERATION_KEY_FILE", key.to_str().unwrap()),
            ("DORAN_CHAT_MODERATION_WORDS_FILE", words),
        ])
        .unwrap()
    };
    let set_up = |words: &str| Moderation::new(&config(words).moderation, &Breakers::default());
    let moderation = set_up(words.to_str().unwrap()).unwrap();
    assert_eq!(moderation.check("멍청이").await, Verdict::Refused(Category::Insult));
    assert_eq!(moderation.check("hate").await, Verdict::Refused(Category::Insult), "with the key");
    fs::write(&words, "insult: 멍청이\nrude: x\n").unwrap();
    let error = set_up(words.to_str().unwrap()).err().unwrap();
    assert!(error.to_string().ends_with("words, line 2: no such category"), "{error}");
    assert!(set_up("/does/not/exist").is_err());
}

#[tokio::test]
async fn a_message_that_is_refused_is_stored_and_its_turn_says_why_it_gets_no_answer() {
    let db = TestDb::new("chat_db").await;
    let chat = Chat::new(&db);
    let learner = chat.learner();
    let room = learner.enter(bot(&db.pool(), 2).await).await;
    for (n, (text, category)) in
        [("야 이 씨발놈아", Category::Insult), ("너무 힘들어서 죽고 싶어요", Category::SelfHarm)]
            .into_iter()
            .enumerate()
    {
        let said: Message =
            learner.say(room.id, &json!({ "content": text })).send().await.expect(StatusCode::OK).parsed();
        assert_eq!(said.content, text, "as it was written");
        let replied = testkit::eventually(LIMIT, || async {
            learner.history(room.id, "").await.content.into_iter().nth(3 + 2 * n)
        });
        let reply = replied.await;
        assert_eq!(reply.content, answer(category, Concept::Friend, Level::Polite));
        let analysis = reply.reply().unwrap();
        assert_eq!(
            analysis.user_message_analysis.intimacy.corrected_sentence, "",
            "nothing to learn from it"
        );
        assert!(!analysis.bot_response_analysis.vocabulary.words.is_empty());
    }
}

#[tokio::test]
async fn when_there_is_no_time_to_ask_anybody_all_words_still_count() {
    let db = TestDb::new("chat_db").await;
    let directory = tempfile::tempdir().unwrap();
    let words = directory.path().join("words");
    fs::write(&words, "insult: 멍청이\n").unwrap();
    let settings = Settings { words: Some(words), ..Settings::default() };
    let moderation = Moderation::new(&settings, &Breakers::default()).unwrap();
    let config = Config::from_env(&[("DATABASE_URL", &*db.url())]).unwrap();
    let platform = Platform::quiet(config.base).unwrap();
    let responder = Responder::start(&platform, db.pool(), None).unwrap().moderated(moderation);
    let bot = Bot { id: chassis::fresh_id(), name: String::new(), concept: Concept::Boss };
    for (text, category) in [("자살하고 싶습니다", Category::SelfHarm), ("이 멍청이야", Category::Insult)]
    {
        let question = Question {
            room: chassis::fresh_id(),
            user: chassis::fresh_id(),
            bot: bot.clone(),
            level: Level::Formal,
            text: text.to_owned(),
            seq: 1,
            attempt: 1,
        };
        let reply = responder.by_rules(&question).reply;
        assert_eq!(reply, answer(category, Concept::Boss, Level::Formal), "{text}");
    }
}
