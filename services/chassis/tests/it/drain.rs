//! Stopping without breaking what is in flight.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use chassis::Service;
use chassis::server::serve;
use chassis::shutdown::Drain;
use tokio::sync::Notify;

/// A server whose `/held` answers when told to.
struct Held {
    entered: Arc<Notify>,
    release: Arc<Notify>,
    url: String,
    drain: Drain,
    served: tokio::task::JoinHandle<anyhow::Result<()>>,
}

#[expect(clippy::disallowed_methods, reason = "the test itself joins this task")]
fn start(limit: Duration) -> Held {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (enter, wait) = (entered.clone(), release.clone());
    let router = Router::new().route(
        "/held",
        get(move || async move {
            enter.notify_one();
            wait.notified().await;
            "done"
        }),
    );
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/held", listener.local_addr().unwrap());
    let drain = Drain::new(limit);
    let served = tokio::spawn(serve(listener, Service::Router(router), drain.clone()));
    Held { entered, release, url, drain, served }
}

#[tokio::test]
async fn a_request_in_flight_is_answered_and_new_ones_are_not_taken() {
    chassis::crypto::install();
    let held = start(Duration::from_secs(30));
    let http = chassis::client::http_client().unwrap();
    let request = http.get(&held.url).send();
    let stop = async {
        held.entered.notified().await;
        held.drain.begin();
        let fresh = chassis::client::http_client().unwrap();
        testkit::eventually(Duration::from_secs(5), || async {
            fresh.get(&held.url).send().await.is_err_and(|error| error.is_connect())
        })
        .await;
        held.release.notify_one();
    };
    let (answer, ()) = tokio::join!(request, stop);
    assert_eq!(answer.unwrap().text().await.unwrap(), "done");
    held.served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_does_not_end_is_dropped_at_the_limit() {
    chassis::crypto::install();
    let held = start(Duration::from_millis(50));
    let http = chassis::client::http_client().unwrap();
    let request = http.get(&held.url).send();
    let stop = async {
        held.entered.notified().await;
        held.drain.begin();
        held.served.await.unwrap().unwrap();
    };
    // The runtime of the test ends with it, and with that the connection.
    tokio::select! {
        _ = request => panic!("nobody released the request"),
        () = stop => {}
    }
}
