//! What callers see when services are slow, gone or half there.

use std::time::Duration;

use contract::user::Role;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::fixture::{Gateway, Options, Upstream};

/// Nobody listens there: the port was just given back.
async fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

async fn store_at(urls: String) -> Gateway {
    let mut options = Options::default();
    options.urls.insert("store", urls);
    Gateway::with(options).await
}

#[tokio::test]
async fn an_unreachable_service_is_unavailable_for_a_while() {
    let gateway = store_at(nowhere().await).await;
    let answer = gateway.get("/api/store/items").send().await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (503, &"2".parse().unwrap()));
    assert_eq!(answer.json::<Value>().await.unwrap()["errorCode"], "G002");
}

#[tokio::test]
async fn what_one_instance_could_not_take_goes_to_another_also_with_a_body() {
    let good = Upstream::start("good").await;
    let gateway = store_at(format!("{},{}", nowhere().await, good.url())).await;
    let token = gateway.keys.somebody(Role::User);
    for n in 0..10 {
        let order = gateway.post("/api/store/orders").bearer_auth(&token).body(format!("order {n}"));
        let answer = order.send().await.unwrap();
        assert_eq!(answer.status(), 200, "request {n}");
        assert_eq!(answer.json::<Value>().await.unwrap()["body"], format!("order {n}"));
    }
    assert_eq!(good.seen(), 10);
}

#[tokio::test]
async fn a_slow_service_is_a_timeout_and_the_next_request_is_not_disturbed() {
    let mut options = Options::default();
    for route in &mut options.routes.routes {
        route.timeout_ms = 200;
    }
    let gateway = Gateway::with(options).await;
    let mut cancelled = gateway.upstream.cancelled();
    let answer = gateway.get("/api/store/items/hang").send().await.unwrap();
    assert_eq!(answer.status(), 504);
    assert_eq!(answer.json::<Value>().await.unwrap()["errorCode"], "G003");
    cancelled.wait_for(|count| *count == 1).await.unwrap();
    assert_eq!(gateway.get("/api/store/items").send().await.unwrap().status(), 200);
}

/// Accepts, reads what comes, and hangs up; counts the requests.
async fn rude() -> (String, tokio::sync::watch::Receiver<usize>, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (count, counted) = tokio::sync::watch::channel(0);
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            if stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                count.send_modify(|count| *count += 1);
            }
        }
    });
    (url, counted, serving)
}

#[tokio::test]
async fn a_request_that_was_sent_is_not_sent_again() {
    let (url, counted, _serving) = rude().await;
    let gateway = store_at(format!("{url},{url}/")).await;
    let order = gateway.post("/api/store/orders").bearer_auth(gateway.keys.somebody(Role::User)).body("{}");
    let answer = order.send().await.unwrap();
    assert_eq!(answer.status(), 502);
    assert_eq!(answer.json::<Value>().await.unwrap()["errorCode"], "G002");
    assert_eq!(*counted.borrow(), 1);
}

#[tokio::test]
async fn a_question_whose_instance_dies_over_it_is_asked_once_more() {
    let (dying, counted, _serving) = rude().await;
    let (well, _well) = forgetful().await;
    let gateway = store_at(format!("{dying},{well}")).await;
    for n in 0..4 {
        let answer = gateway.get("/api/store/items").send().await.unwrap();
        assert_eq!(answer.status(), 200, "request {n}");
    }
    assert!(*counted.borrow() > 0, "the dying one was asked first at least once");
    let gateway = store_at(format!("{dying},{dying}/")).await;
    let before = *counted.borrow();
    let answer = gateway.get("/api/store/items").send().await.unwrap();
    assert!(answer.status().is_server_error());
    assert_eq!(*counted.borrow() - before, 2, "and not a third time");
}

/// Answers one request a connection, keeps it open, and closes it when the next request comes.
async fn forgetful() -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            connections.spawn(async move {
                let mut buffer = [0; 4096];
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
                let _ = stream.read(&mut buffer).await;
            });
        }
    });
    (url, serving)
}

#[tokio::test]
async fn a_connection_that_dies_under_a_request_is_replaced_only_if_that_changes_nothing() {
    let (url, _serving) = forgetful().await;
    let gateway = store_at(url).await;
    for n in 0..6 {
        let answer = gateway.get("/api/store/items").send().await.unwrap();
        assert_eq!(answer.status(), 200, "request {n}");
    }
    let token = gateway.keys.somebody(Role::User);
    let order = gateway.post("/api/store/orders").bearer_auth(token).body("{}");
    assert_eq!(order.send().await.unwrap().status(), 502);
    assert_eq!(gateway.get("/api/store/items").send().await.unwrap().status(), 200);
    let odd = gateway.get("/api/store/items").body("a body that is gone");
    assert_eq!(odd.send().await.unwrap().status(), 502);
}

#[tokio::test]
async fn two_listings_are_empty_rather_than_broken() {
    let gateway = store_at(nowhere().await).await;
    let token = gateway.keys.somebody(Role::User);
    for path in ["/api/store/bookmarks/chatroom/1", "/api/chat/chatrooms/last-interactions?limit=4"] {
        let answer =
            gateway.get(path).bearer_auth(&token).header("origin", "http://localhost:1").send().await;
        let answer = answer.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["x-fallback"]),
            (200, &"true".parse().unwrap())
        );
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(answer.headers()["access-control-allow-origin"], "http://localhost:1");
        assert_eq!(answer.text().await.unwrap(), "[]");
        assert_eq!(gateway.get(path).send().await.unwrap().status(), 401, "a stranger gets no fallback");
    }
    let other = gateway.get("/api/store/bookmarks").bearer_auth(&token).send().await.unwrap();
    assert_eq!(other.status(), 503);
}

#[tokio::test]
async fn connections_to_services_are_used_again() {
    let gateway = Gateway::start().await;
    let one = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
    let mut ports = std::collections::BTreeSet::new();
    for _ in 0..10 {
        let answer = one.get(gateway.url("/api/store/items/port")).send().await.unwrap();
        ports.insert(answer.json::<Value>().await.unwrap()["peer"].to_string());
    }
    assert_eq!(ports.len(), 1, "one client connection stays on one core, which keeps one open");
}
