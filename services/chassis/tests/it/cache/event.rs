//! Invalidation by the events of another service.

use std::collections::{BTreeMap, HashMap};

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
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use uuid::Uuid;

use super::fixture::{LONG, PATIENCE, Process, Source};

const KIND: &str = "com.dorandoran.user.updated.v1";

/// What a producer has published.
#[derive(Clone, Default)]
struct Feed {
    events: watch::Sender<Vec<CloudEvent>>,
}

impl Feed {
    fn publish(&self, version: i64) {
        self.events.send_modify(|events| {
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
        });
    }
}

async fn answer(State(feed): State<Feed>, Query(ask): Query<HashMap<String, String>>) -> Response {
    let after: i64 = ask["after"].parse().unwrap();
    let mut events = feed.events.subscribe();
    let is_new = |event: &CloudEvent| event.position > after;
    // Nothing new within the limit is an answer, too.
    let _ = timeout(PATIENCE, events.wait_for(|events| events.iter().any(is_new))).await;
    let events = events.borrow().clone();
    let head = events.len().to_string();
    let news: Vec<_> = events.into_iter().filter(is_new).collect();
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
