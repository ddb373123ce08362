//! A service under test: routes of every kind, put together as services do.

use axum::Json;
use axum::body::Bytes;
use axum::extract::FromRef;
use chassis::extract::{
    Admin, ApiJson, ApiPath, ApiQuery, Callers, CurrentUser, OptionalUser, ServiceCaller,
};
use chassis::identity::Identity;
use chassis::{ApiError, Platform};
use contract::code::ErrorCode;
use contract::id::UserId;
use contract::text::Text;
use garde::Validate;
use serde::Deserialize;
use serde_json::{Value, json};
use testkit::{Issuer, ServiceKeys, TestApp, TestResponse};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::fixture::platform;

#[derive(Clone, FromRef)]
struct State {
    identity: Identity,
}

#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewThing {
    #[garde(length(chars, min = 1, max = 5))]
    first_name: String,
    #[garde(range(min = 1))]
    amount: u8,
}

#[derive(Deserialize, Validate)]
struct Paging {
    #[garde(range(max = 100))]
    size: u32,
}

struct FromUser;

impl Callers for FromUser {
    const ALLOWED: &'static [&'static str] = &["user"];
}

#[utoipa::path(post, path = "/things", request_body = NewThing, responses((status = 200, body = Value)))]
async fn create(ApiJson(thing): ApiJson<NewThing>) -> Json<Value> {
    Json(json!({ "firstName": thing.first_name, "amount": thing.amount }))
}

#[utoipa::path(get, path = "/things/{id}", responses((status = 200, body = String)))]
async fn read(ApiPath(id): ApiPath<UserId>) -> String {
    id.to_string()
}

#[utoipa::path(get, path = "/list", responses((status = 200, body = String)))]
async fn list(ApiQuery(paging): ApiQuery<Paging>) -> String {
    paging.size.to_string()
}

#[utoipa::path(get, path = "/panic", responses((status = 500)))]
async fn panic() -> &'static str {
    panic!("secret in a panic")
}

#[utoipa::path(get, path = "/fail", responses((status = 500)))]
async fn fail() -> Result<(), ApiError> {
    Err(ApiError::internal(std::io::Error::other("select password from auth_user")))
}

#[utoipa::path(get, path = "/taken", responses((status = 409)))]
async fn taken() -> Result<(), ApiError> {
    Err(ApiError::new(ErrorCode::EmailTaken).field("email", Text::new("사용 중", "taken")))
}

#[utoipa::path(get, path = "/never", responses((status = 504)))]
async fn never() {
    std::future::pending::<()>().await;
}

#[utoipa::path(post, path = "/raw", request_body = String, responses((status = 200)))]
async fn raw(body: Bytes) -> String {
    body.len().to_string()
}

#[utoipa::path(get, path = "/me", responses((status = 200)))]
async fn me(user: CurrentUser) -> String {
    user.0.name.clone()
}

#[utoipa::path(get, path = "/open", responses((status = 200)))]
async fn open(OptionalUser(user): OptionalUser) -> String {
    user.map_or("anybody".to_owned(), |user| user.0.name.clone())
}

#[utoipa::path(get, path = "/admin", responses((status = 200)))]
async fn admin(_: Admin) {}

#[utoipa::path(get, path = "/internal/thing", responses((status = 200)))]
async fn internal(caller: ServiceCaller<FromUser>) -> String {
    caller.name
}

pub(super) struct Fixture {
    pub(super) app: TestApp,
    pub(super) platform: Platform,
    pub(super) keys: ServiceKeys,
    pub(super) issuer: Issuer,
}

pub(super) fn fixture() -> Fixture {
    fixture_with(&[])
}

pub(super) fn fixture_with(env: &[(&str, String)]) -> Fixture {
    let keys = testkit::keys();
    let mut env = env.to_vec();
    env.push(("DORAN_SERVICE_JWKS_FILE", keys.jwks_file().display().to_string()));
    let platform = platform(&env);
    let issuer = Issuer::new();
    platform.identity().access.set_keys(&issuer.jwks());
    platform.identity().access.revocations().set_loaded();
    let routes = OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(read))
        .routes(routes!(list))
        .routes(routes!(panic))
        .routes(routes!(fail))
        .routes(routes!(taken))
        .routes(routes!(never))
        .routes(routes!(raw))
        .routes(routes!(me))
        .routes(routes!(open))
        .routes(routes!(admin))
        .routes(routes!(internal))
        .with_state(State { identity: platform.identity().clone() });
    Fixture { app: TestApp::new(chassis::app(&platform, routes)), platform, keys, issuer }
}

/// The parts of a problem that tell it from others: status, code, message, fields.
pub(super) fn essence(answer: &TestResponse) -> (u16, String, String, Value) {
    let problem = answer.json();
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{problem}");
    assert_eq!(problem["status"], answer.status.as_u16());
    assert_eq!((&problem["success"], &problem["data"]), (&json!(false), &Value::Null));
    assert_eq!(problem["traceId"].as_str(), answer.header("x-trace-id"));
    let text = |key: &str| problem[key].as_str().unwrap().to_owned();
    (answer.status.as_u16(), text("errorCode"), text("message"), problem["errors"].clone())
}
