//! Invalidation by the events of another service.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chassis::cache::{Cache, Changed};
use chassis::{Platform, Reader};
use contract::event::{CloudEvent, HEAD_HEADER, SPEC_VERSION, path, schema_urn, source_of};
use serde_json::json;
use testkit::{TestRedis, eventually};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::fixture::{LONG, PATIENCE, Process, Source};

const KIND: &str = "com.dorandoran.user.updated.v1";

/// What a producer has published.
#[derive(Clone, Default)]
struct Feed {
    events: Arc<Mutex<Vec<CloudEvent>>>,
}

impl Feed {
    fn publish(&self, version: i64) {
        let mut events = self.events.lock().unwrap();
        let position = i64::try_from(events.len()).unwrap() + 1;
        events.push(CloudEvent {
            specversion: SPEC_VERSION.to_owned(),
            id: Uuid::now_v7().into(),
            source: source_of("user"),
            kind: KIND.to_owned(),
            subject: Uuid::nil(),
            time: chrono::Utc::now(),
            datacontenttype: "application/json".to_owned(),
            dataschema: schema_urn(KIND),
            traceparent: None,
            sequence: version,
            position,
            partitionkey: "a".to_owned(),
            data: json!({}),
        });
    }
}

async fn answer(State(feed): State<Feed>, Query(ask): Query<HashMap<String, String>>) -> Response {
    let after: i64 = ask["after"].parse().unwrap();
    let events = feed.events.lock().unwrap().clone();
    let head = events.len().to_string();
    let news: Vec<_> = events.into_iter().filter(|event| event.position > after).collect();
    if news.is_empty() {
        // A short wait stands for a long one.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    ([(HEAD_HEADER, head)], Json(news)).into_response()
}

#[tokio::test]
async fn what_an_event_says_has_changed_is_read_again() {
    let Some(redis) = TestRedis::start().await else { return };
    let (feed, listener) = (Feed::default(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let env = BTreeMap::from([
        ("REDIS_URL".to_owned(), redis.url()),
        ("DORAN_USER_URLS".to_owned(), format!("http://{}", listener.local_addr().unwrap())),
    ]);
    let router = Router::new().route(path::FEED, get(answer)).with_state(feed.clone());
    let mut producer = JoinSet::new();
    producer.spawn(async move { axum::serve(listener, router).await.unwrap() });
    let platform = Platform::quiet(Reader::new(&env).base("auth", 8081)).unwrap();
    let process = Process { things: Cache::new(&platform, "thing", LONG), platform };
    process.connected().await;
    process.things.follow(&process.platform, "user", |event| {
        (event.kind == KIND).then(|| Changed { id: "a".to_owned(), version: event.sequence })
    });
    let source = Source::default();
    for version in 1..=3 {
        assert_eq!(source.change(), version);
        let current = format!("v{version}");
        eventually(PATIENCE, || async {
            // Again and again, because what Redis is too slow for is not repeated by itself.
            feed.publish(version);
            source.through(&process.things).await == current
        })
        .await;
    }
}
