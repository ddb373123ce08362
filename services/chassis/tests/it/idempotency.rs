//! `Idempotency-Key` on a real database: a route that writes one row for every time it takes effect.

use axum::Router;
use axum::extract::{Json, Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use chassis::idempotency::{self, Answer, Claim, HEADER, IdempotencyKey, Key};
use chassis::{ApiError, Database, Secret, db};
use contract::code::ErrorCode;
use contract::id::UserId;
use futures_util::future::join_all;
use http::{StatusCode, header};
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{TestApp, TestDb, TestRequest, TestResponse};

const USER: UserId = UserId::from_uuid(uuid::Uuid::from_u128(1));
const STRANGER: UserId = UserId::from_uuid(uuid::Uuid::from_u128(2));
const BODY: &str = r#"{"amount":1,"to":"a"}"#;

/// Takes effect, and answers at once unless the body says that it goes on afterwards.
async fn spend(
    State(pool): State<PgPool>,
    Path(user): Path<UserId>,
    key: IdempotencyKey,
    Json(body): Json<Value>,
) -> Result<Response, ApiError> {
    let mut tx = db::begin(&pool).await?;
    let key = match key.claim(&mut tx, user, &body).await? {
        Claim::Fresh(key) => key,
        Claim::Replay(answer) => return Ok(answer.replayed()),
    };
    if body["fail"] == json!(true) {
        return Err(ErrorCode::AccessDenied.into());
    }
    let spent = serde_json::to_string(&key).map_err(ApiError::internal)?;
    sqlx::query("insert into seed_run (profile, number, users, row_count) values ($1, 1, 0, 0)")
        .bind(spent)
        .execute(&mut *tx)
        .await?;
    if body["later"] == json!(true) {
        tx.commit().await?;
        return Ok(StatusCode::ACCEPTED.into_response());
    }
    let answer = Answer::json(StatusCode::CREATED, &json!({ "spent": body["amount"] }))
        .map_err(ApiError::internal)?
        .header(&header::LOCATION, "/spent/1");
    assert!(idempotency::finish(&mut tx, &key, &answer).await?, "nobody else answers it");
    tx.commit().await?;
    Ok(answer.into_response())
}

struct Fixture {
    app: TestApp,
    db: TestDb,
}

impl Fixture {
    async fn new() -> Self {
        let db = TestDb::new("store_db").await;
        let config = Database { url: Secret::new(db.url()), max_connections: 50 };
        let pool = db::connect_lazy(&config, "test").unwrap();
        let router = Router::new()
            .route("/{user}/spend", post(spend))
            .route("/{user}/give", post(spend))
            .with_state(pool);
        Self { app: TestApp::new(router), db }
    }

    fn request(&self, user: UserId, route: &str, key: &str, body: &str) -> TestRequest {
        let request = self.app.post(&format!("/{user}/{route}")).header(HEADER, key);
        request.header(header::CONTENT_TYPE, "application/json").body(body.to_owned())
    }

    async fn spend(&self, key: &str, body: &str) -> TestResponse {
        self.request(USER, "spend", key, body).send().await
    }

    /// The keys whose effects were had.
    async fn spent(&self) -> Vec<Key> {
        let spent: Vec<String> =
            sqlx::query_scalar("select profile from seed_run").fetch_all(&self.db.pool()).await.unwrap();
        spent.iter().map(|key| serde_json::from_str(key).unwrap()).collect()
    }

    async fn expire(&self) {
        let expire = "update idempotency_key set expires_at = now() - interval '1 second'";
        sqlx::query(expire).execute(&self.db.pool()).await.unwrap();
    }
}

#[tokio::test]
async fn a_request_that_comes_fifty_times_at_once_takes_effect_once() {
    let fixture = Fixture::new().await;
    let answers = join_all((0..50).map(|_| fixture.spend("k", BODY))).await;
    let (replayed, fresh): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.header("idempotency-replayed") == Some("true"));
    assert_eq!((fresh.len(), replayed.len()), (1, 49));
    for answer in answers {
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        assert_eq!(answer.json(), json!({ "spent": 1 }));
        assert_eq!(answer.header("location"), Some("/spent/1"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    assert_eq!(fixture.spent().await.len(), 1);
}

#[tokio::test]
async fn the_same_meaning_is_the_same_request_and_another_one_is_refused() {
    let fixture = Fixture::new().await;
    let _ = fixture.spend("k", BODY).await.expect(StatusCode::CREATED);
    let spaced = fixture.spend("k", "{ \"amount\": 1,\n \"to\": \"a\" }").await.expect(StatusCode::CREATED);
    assert_eq!(spaced.header("idempotency-replayed"), Some("true"));
    let other = fixture.spend("k", r#"{"amount":2,"to":"a"}"#).await.expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(other.json()["errorCode"], "E002");
    assert_eq!(fixture.spent().await.len(), 1);
}

#[tokio::test]
async fn keys_of_strangers_and_of_other_routes_never_meet() {
    let fixture = Fixture::new().await;
    for (user, route) in [(USER, "spend"), (STRANGER, "spend"), (USER, "give")] {
        let answer = fixture.request(user, route, "k", BODY).send().await.expect(StatusCode::CREATED);
        assert_eq!(answer.header("idempotency-replayed"), None, "{user} {route}");
    }
    assert_eq!(fixture.spent().await.len(), 3);
}

#[tokio::test]
async fn what_still_runs_is_refused_until_its_answer_is_there() {
    let fixture = Fixture::new().await;
    let body = r#"{"later":true}"#;
    let _ = fixture.spend("k", body).await.expect(StatusCode::ACCEPTED);
    let running = fixture.spend("k", body).await.expect(StatusCode::CONFLICT);
    assert_eq!(running.header("retry-after"), Some("1"));
    let other = fixture.spend("k", BODY).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY, "another body is wrong at any time");

    let key = fixture.spent().await.remove(0);
    let mut tx = fixture.db.pool().begin().await.unwrap();
    assert_eq!(idempotency::answer(&mut tx, &key).await.unwrap(), None);
    let answer = Answer::json(StatusCode::OK, &json!({ "done": true })).unwrap();
    let late = Answer::json(StatusCode::OK, &json!({ "done": "late" })).unwrap();
    assert!(idempotency::finish(&mut tx, &key, &answer).await.unwrap());
    assert!(!idempotency::finish(&mut tx, &key, &late).await.unwrap(), "the first answer stays");
    assert_eq!(idempotency::answer(&mut tx, &key).await.unwrap(), Some(answer));
    tx.commit().await.unwrap();
    assert_eq!(fixture.spend("k", body).await.expect(StatusCode::OK).json(), json!({ "done": true }));
}

#[tokio::test]
async fn a_request_without_a_usable_key_is_refused() {
    let fixture = Fixture::new().await;
    for key in ["", " ", "a b", "ä", &"k".repeat(256)] {
        let answer = fixture.spend(key, BODY).await.expect(StatusCode::BAD_REQUEST);
        assert_eq!(answer.json()["errorCode"], "E002", "{key:?}");
    }
    let missing = fixture.app.post(&format!("/{USER}/spend")).json(&json!({})).send().await;
    assert_eq!(missing.status, StatusCode::BAD_REQUEST);
    assert_eq!(fixture.spend(&"k".repeat(255), BODY).await.status, StatusCode::CREATED);
    assert_eq!(fixture.spent().await.len(), 1);
}

#[tokio::test]
async fn an_expired_key_is_claimed_anew_and_a_late_answer_to_the_old_claim_is_dropped() {
    let fixture = Fixture::new().await;
    let body = r#"{"later":true}"#;
    let _ = fixture.spend("k", body).await.expect(StatusCode::ACCEPTED);
    let old = fixture.spent().await.remove(0);
    fixture.expire().await;
    let _ = fixture.spend("k", BODY).await.expect(StatusCode::CREATED);
    fixture.expire().await;
    let _ = fixture.spend("k", body).await.expect(StatusCode::ACCEPTED);
    let late = Answer::json(StatusCode::OK, &json!({})).unwrap();
    let mut connection = fixture.db.pool().acquire().await.unwrap();
    assert!(!idempotency::finish(&mut connection, &old, &late).await.unwrap());
    assert_eq!(idempotency::answer(&mut connection, &old).await.unwrap(), None);
    let _ = fixture.spend("k", body).await.expect(StatusCode::CONFLICT);
}

#[tokio::test]
async fn only_expired_keys_are_purged() {
    let fixture = Fixture::new().await;
    for key in ["a", "b", "c"] {
        let _ = fixture.spend(key, BODY).await.expect(StatusCode::CREATED);
    }
    fixture.expire().await;
    let _ = fixture.spend("d", BODY).await.expect(StatusCode::CREATED);
    let mut connection = fixture.db.pool().acquire().await.unwrap();
    assert_eq!(idempotency::purge(&mut connection, 2).await.unwrap(), 2);
    assert_eq!(idempotency::purge(&mut connection, 100).await.unwrap(), 1);
    assert_eq!(idempotency::purge(&mut connection, 100).await.unwrap(), 0);
    let kept = fixture.spend("d", BODY).await;
    assert_eq!(kept.header("idempotency-replayed"), Some("true"));
}

#[tokio::test]
async fn what_fails_before_its_end_leaves_the_key_free() {
    let fixture = Fixture::new().await;
    let _ = fixture.spend("k", r#"{"fail":true}"#).await.expect(StatusCode::FORBIDDEN);
    let _ = fixture.spend("k", BODY).await.expect(StatusCode::CREATED);
}
