//! Executions that are watched.

use axum::Router;
use axum::body::{Body, BodyDataStream};
use contract::auth::{RevocationReason, TokenRevoked};
use contract::batch::{Execution, ExecutionStatus, path};
use contract::id::ExecutionId;
use contract::user::Role;
use futures_util::StreamExt as _;
use http::{Request, Response, StatusCode, header};
use testkit::{access_claims, eventually};
use tokio::time::timeout;
use tower::ServiceExt as _;

use super::desk::{Desk, LIMIT, problem};

/// A stream under way.
struct Watching {
    body: BodyDataStream,
    text: String,
}

impl Watching {
    /// The lines of the next block; none at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                return Some(block.trim_end().to_owned());
            }
            let piece = timeout(LIMIT, self.body.next()).await.expect("something is sent")?.unwrap();
            self.text.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }

    /// The next event's name, and the execution that it shows.
    async fn event(&mut self) -> (String, Execution) {
        let block = self.block().await.expect("the stream goes on");
        let (name, data) = block.split_once('\n').unwrap_or_else(|| panic!("{block}"));
        let data = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        (name.strip_prefix("event: ").unwrap().to_owned(), data)
    }

    /// Reads until so many items are read.
    async fn read(&mut self, items: i64) -> Execution {
        loop {
            let (name, execution) = self.event().await;
            assert_eq!(name, "progress");
            if execution.progress.read == items {
                return execution;
            }
        }
    }
}

async fn request(router: &Router, token: &str, id: ExecutionId) -> Response<Body> {
    let request = Request::get(path::stream(id)).header(header::AUTHORIZATION, format!("Bearer {token}"));
    let Ok(response) = router.clone().oneshot(request.body(Body::empty()).unwrap()).await;
    response
}

async fn watch(router: &Router, token: &str, id: ExecutionId) -> Watching {
    let response = request(router, token, id).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-cache");
    Watching { body: response.into_body().into_data_stream(), text: String::new() }
}

#[tokio::test]
async fn an_execution_is_watched_to_its_end_at_any_instance() {
    let desk = Desk::open().await;
    let (elsewhere, _platform) = desk.another();
    let id = desk.run().await;
    let token = desk.token();
    let mut here = watch(&desk.router, &token, id).await;
    let mut there = watch(&elsewhere, &token, id).await;
    for watching in [&mut here, &mut there] {
        let (name, execution) = watching.event().await;
        assert_eq!((&*name, execution.id), ("progress", id), "at once");
    }
    for chunk in 1..=2 {
        desk.work.allow(1);
        for watching in [&mut here, &mut there] {
            let execution = watching.read(chunk * 10).await;
            assert_eq!((execution.status, execution.progress.total), (ExecutionStatus::Started, Some(30)));
        }
    }
    desk.work.allow(1);
    for watching in [&mut here, &mut there] {
        let last = loop {
            let (name, execution) = watching.event().await;
            assert_eq!(name, "progress");
            if !execution.status.is_running() {
                break execution;
            }
        };
        assert_eq!((last.status, last.progress.read), (ExecutionStatus::Completed, 30));
        assert_eq!(watching.event().await, ("end".to_owned(), last));
        assert_eq!(watching.block().await, None);
    }
}

#[tokio::test]
async fn what_is_over_is_told_at_once() {
    let desk = Desk::idle().await;
    let id = desk.run().await;
    desk.set_status(id, ExecutionStatus::Failed).await;
    let mut watching = watch(&desk.router, &desk.token(), id).await;
    let (first, second) = (watching.event().await, watching.event().await);
    assert_eq!((&*first.0, &*second.0), ("progress", "end"));
    assert_eq!(first.1, second.1);
    assert_eq!(watching.block().await, None);
}

#[tokio::test]
async fn an_instance_that_stops_says_when_to_come_back() {
    let desk = Desk::idle().await;
    let id = desk.run().await;
    let mut watching = watch(&desk.router, &desk.token(), id).await;
    watching.event().await;
    desk.platform.drain().begin();
    let farewell = watching.block().await.unwrap();
    let pause: u64 = farewell.strip_prefix("retry: ").unwrap_or(&farewell).parse().unwrap();
    assert!((300..=1500).contains(&pause), "{pause}");
    assert_eq!(watching.block().await, None);
}

#[tokio::test]
async fn a_revoked_token_ends_the_stream() {
    let desk = Desk::idle().await;
    let id = desk.run().await;
    let claims = access_claims(desk.admin, Role::Admin);
    let mut watching = watch(&desk.router, &desk.issuer.sign(&claims), id).await;
    watching.event().await;
    let revoked = TokenRevoked::session(claims.sub, claims.sid, RevocationReason::Logout);
    desk.platform.identity().access.revocations().add(&revoked, claims.iat);
    assert_eq!(watching.block().await, None);
}

/// A stream of an execution that is deleted meanwhile ends, too.
#[tokio::test]
async fn what_is_gone_is_told_no_more() {
    let desk = Desk::idle().await;
    let id = desk.run().await;
    let mut watching = watch(&desk.router, &desk.token(), id).await;
    watching.event().await;
    sqlx::query("delete from execution").execute(&desk.db).await.unwrap();
    assert_eq!(watching.block().await, None);
}

#[tokio::test]
async fn an_instance_has_so_many_streams_and_no_more() {
    let desk = Desk::idle().await;
    let id = desk.run().await;
    let token = desk.token();
    let mut open = Vec::new();
    for _ in 0..64 {
        open.push(watch(&desk.router, &token, id).await);
    }
    let refused = desk.get(&path::stream(id)).send().await;
    assert_eq!(refused.header("retry-after"), Some("1"));
    problem(refused, StatusCode::SERVICE_UNAVAILABLE, "G002");
    open.pop();
    eventually(LIMIT, || async { request(&desk.router, &token, id).await.status() == StatusCode::OK }).await;
}
