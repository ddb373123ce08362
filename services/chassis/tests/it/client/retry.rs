//! Who repeats what, and how much of it.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use chassis::client::{CallError, Reason, ServiceClient};
use chassis::context::{self, RequestContext};
use chassis::trace::TraceContext;
use futures_util::StreamExt as _;
use futures_util::stream;
use http::{HeaderName, Method};
use testkit::TestApp;
use tokio::io::AsyncReadExt as _;
use tokio::time::Instant;
use utoipa_axum::router::OpenApiRouter;

use super::leaf::{Leaf, Mood, breaker, client_of};
use crate::fixture::platform;

const LIMIT: Duration = Duration::from_secs(5);

async fn call(client: &ServiceClient, method: Method) -> Result<u8, CallError> {
    client.request(method, "/x").send().await
}

#[tokio::test]
async fn only_what_is_safe_to_repeat_is_repeated_and_says_so() {
    let leaf = Leaf::start();
    leaf.set(Mood::Down);
    let (_platform, client) = client_of(&[&leaf], LIMIT);
    call(&client, Method::POST).await.unwrap_err();
    assert_eq!(leaf.attempts(), 1, "a POST without a key may have been carried out");
    client.request(Method::POST, "/x").key("order-7").send::<u8>().await.unwrap_err();
    assert_eq!(leaf.attempts(), 3);
    call(&client, Method::PUT).await.unwrap_err();
    assert_eq!(leaf.attempts(), 5);
    let again = Some("1".to_owned());
    assert_eq!(leaf.header("x-retry-attempt"), [None, None, again.clone(), None, again]);
    let key = Some("order-7".to_owned());
    assert_eq!(leaf.header("idempotency-key"), [None, key.clone(), key, None, None]);
}

#[tokio::test]
async fn a_callee_that_says_when_to_come_back_is_not_asked_again_at_once() {
    let leaf = Leaf::start();
    let (platform, client) = client_of(&[&leaf], LIMIT);
    leaf.set(Mood::Busy);
    let error = call(&client, Method::GET).await.unwrap_err();
    assert_eq!((leaf.attempts(), error.reason()), (1, Reason::Refused));
    leaf.set(Mood::Refuses);
    call(&client, Method::GET).await.unwrap_err();
    assert_eq!(leaf.attempts(), 2, "a refusal would be the same a second time");
    let shot = breaker(&platform, "auth-1").breaker.snapshot();
    assert_eq!((shot.buffered, shot.failed), (2, 1), "only the busy answer is a failure");
}

async fn ask(State(client): State<ServiceClient>) -> Result<(), chassis::ApiError> {
    call(&client, Method::GET).await?;
    Ok(())
}

#[tokio::test]
async fn below_a_layer_that_repeats_nobody_repeats() {
    let leaf = Leaf::start();
    leaf.set(Mood::Down);
    let (platform, client) = client_of(&[&leaf], LIMIT);
    let upper = RequestContext { retry_attempt: 1, ..RequestContext::of_our_own(TraceContext::start()) };
    context::scope(upper, call(&client, Method::GET)).await.unwrap_err();
    assert_eq!(leaf.attempts(), 1);

    // The same through the layers of a service, as it arrives from there.
    let routes = Router::new().route("/ask", get(ask)).with_state(client);
    let app = TestApp::new(chassis::app(&platform, OpenApiRouter::from(routes)));
    let header = HeaderName::from_static("x-retry-attempt");
    let answer = app.get("/ask").header(header, "2").send().await;
    assert_eq!((answer.status.as_u16(), leaf.attempts()), (503, 2));
    assert_eq!(leaf.header("x-retry-attempt"), [Some("1".to_owned()), Some("2".to_owned())], "passed on");
    app.get("/ask").send().await;
    assert_eq!(leaf.attempts(), 4, "without the header this is the layer that repeats");
}

/// The most attempts that so many calls may cause since then: a fifth more, and 10 a second over 10 s.
fn most(calls: usize, since: Instant) -> usize {
    calls + calls / 5 + 10 * (10 + usize::try_from(since.elapsed().as_secs()).unwrap() + 1)
}

/// Many calls at once; how many brought an answer.
async fn storm(client: &ServiceClient, calls: usize) -> usize {
    let results = stream::iter(0..calls).map(|_| call(client, Method::GET)).buffer_unordered(50);
    results.filter(|result| std::future::ready(result.is_ok())).count().await
}

#[tokio::test]
async fn a_leaf_that_fails_gets_at_most_a_fifth_more() {
    const CALLS: usize = 2000;
    let leaf = Leaf::start();
    leaf.set(Mood::Down);
    let (platform, client) = client_of(&[&leaf], LIMIT);
    // Without the breaker, which would let next to nothing through.
    breaker(&platform, "auth-1").breaker.disable();
    let since = Instant::now();
    assert_eq!(storm(&client, CALLS).await, 0);
    let most = most(CALLS, since);
    assert!((CALLS + 1..=most).contains(&leaf.attempts()), "{} attempts of {CALLS} calls", leaf.attempts());
}

#[tokio::test]
async fn a_leaf_that_closes_every_connection_gets_at_most_a_fifth_more() {
    const CALLS: usize = 1000;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let platform = platform(&[("DORAN_AUTH_URLS", url)]);
    let client = platform.client("auth", LIMIT);
    breaker(&platform, "auth-1").breaker.disable();
    let since = Instant::now();
    let counted = std::sync::Mutex::new(0);
    let counting = async {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let asked = stream.read(&mut [0; 64]).await.is_ok_and(|read| read > 0);
            *counted.lock().unwrap() += usize::from(asked);
        }
    };
    tokio::select! {
        answered = storm(&client, CALLS) => assert_eq!(answered, 0),
        () = counting => {}
    }
    let (attempts, most) = (*counted.lock().unwrap(), most(CALLS, since));
    assert!((CALLS..=most).contains(&attempts), "{attempts} attempts of {CALLS} calls");
}

#[tokio::test]
async fn one_dead_instance_of_two_fails_no_call_that_may_be_repeated() {
    let (mut one, two) = (Leaf::start(), Leaf::start());
    let (platform, client) = client_of(&[&one, &two], LIMIT);
    let killing = async {
        testkit::eventually(LIMIT, || async { one.attempts() > 20 }).await;
        one.kill();
    };
    let (answered, ()) = tokio::join!(storm(&client, 1500), killing);
    assert_eq!(answered, 1500);
    assert!(two.attempts() > 500);
    let dead = breaker(&platform, "auth-1").breaker.snapshot();
    assert!(dead.totals.failed > 0, "it was noticed: {dead:?}");
}

#[tokio::test]
async fn what_was_never_sent_goes_to_another_instance_whatever_it_is() {
    let (mut one, two) = (Leaf::start(), Leaf::start());
    one.kill();
    let (_platform, client) = client_of(&[&one, &two], LIMIT);
    for _ in 0..20 {
        call(&client, Method::POST).await.unwrap();
    }
    assert_eq!(two.attempts(), 20);
}
