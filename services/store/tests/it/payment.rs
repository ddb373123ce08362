//! The provider port against the sandbox itself, over a socket.

use std::collections::BTreeMap;
use std::future::IntoFuture as _;
use std::time::Duration;

use chassis::{HasBase as _, Platform};
use chrono::{TimeDelta, Utc};
use contract::payment::{Status, Webhook};
use http::{HeaderMap, HeaderValue};
use store::config::PaymentConfig;
use store::payment::{Authorisation, Change, Charge, NoticeError, Provider, SignatureError};
use tempfile::TempDir;
use testkit::{ServiceKeys, eventually};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use uuid::Uuid;

const LIMIT: Duration = Duration::from_secs(20);
const SECRET: &str = "shared";

/// A sandbox that listens, and store's side of it. What the sandbox tells store ends up in `told`.
struct Till {
    provider: Provider,
    told: mpsc::UnboundedReceiver<(HeaderMap, axum::body::Bytes)>,
    _keys: ServiceKeys,
    _home: TempDir,
    platforms: [Platform; 2],
}

fn env(pairs: &[(&str, String)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

async fn serve(router: axum::Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(axum::serve(listener, router).into_future());
    url
}

impl Till {
    async fn open() -> Self {
        let (keys, home) = (testkit::keys(), tempfile::tempdir().expect("there is a temporary directory"));
        let path = |name: &str| home.path().join(name).display().to_string();
        std::fs::write(path("secret"), SECRET).expect("the secret can be written");
        let (tell, told) = mpsc::unbounded_channel();
        let hear = axum::routing::post(async move |headers: HeaderMap, body: axum::body::Bytes| {
            // Fails once the test has heard enough.
            let _ = tell.send((headers, body));
        });
        let store = serve(axum::Router::new().route(contract::payment::path::WEBHOOK, hear)).await;
        let key = |name: &str| keys.key_file(name).display().to_string();
        let sandbox = env(&[
            ("DORAN_PAYMENT_LEDGER", path("ledger.ndjson")),
            ("DORAN_PAYMENT_WEBHOOK_SECRET_FILE", path("secret")),
            ("DORAN_SERVICE_JWKS_FILE", keys.jwks_file().display().to_string()),
            ("DORAN_SERVICE_KEY_FILE", key("payment-sandbox")),
            ("DORAN_STORE_URLS", store),
        ]);
        let config = payment_sandbox::Config::from_env(&sandbox).expect("that is all it needs");
        let behind = Platform::quiet(config.base().clone()).expect("the keys are there");
        let router = match payment_sandbox::build(config, behind.clone()).await.expect("the ledger opens") {
            chassis::Service::Router(router) => router,
            chassis::Service::Custom(_) => panic!("the sandbox is served by the chassis"),
        };
        let own = env(&[
            ("DATABASE_URL", "postgres://localhost/store_db".to_owned()),
            ("DORAN_PAYMENT_WEBHOOK_SECRET_FILE", path("secret")),
            ("DORAN_SERVICE_KEY_FILE", key("store")),
            ("DORAN_PAYMENT_SANDBOX_URLS", serve(router).await),
        ]);
        let config = store::Config::from_env(&own).expect("that is all the port needs");
        let platform = Platform::quiet(config.base().clone()).expect("the keys are there");
        let provider = Provider::new(&config.payment, &platform).unwrap();
        Self { provider, told, _keys: keys, _home: home, platforms: [behind, platform] }
    }

    async fn status(&self, charge: &Charge) -> Status {
        self.provider.find(charge).await.expect("it answers").expect("it is there").status
    }
}

fn charge(token: &str) -> Charge {
    Charge {
        payment: Uuid::now_v7().into(),
        order: Uuid::now_v7().into(),
        amount: 9000,
        currency: "KRW".to_owned(),
        method: "CARD".to_owned(),
        token: token.to_owned(),
        reference: None,
    }
}

#[tokio::test]
async fn money_is_held_taken_and_given_back_and_the_books_say_so() {
    let till = Till::open().await;
    let (provider, charge) = (&till.provider, charge("tok_approve"));
    let since = Utc::now() - TimeDelta::minutes(1);
    assert_eq!(provider.find(&charge).await.unwrap(), None, "it never arrived");
    let Authorisation::Authorised { reference } = provider.authorise(&charge).await else {
        panic!("approved")
    };
    assert_eq!(provider.find(&charge).await.unwrap().unwrap().reference, reference);
    for _ in 0..2 {
        assert_eq!(provider.capture(&charge).await, Change::Done);
    }
    assert_eq!(provider.authorise(&charge).await, Authorisation::Captured { reference }, "asked again");
    for _ in 0..2 {
        assert_eq!(provider.cancel(&charge, Some(2000), "refund-1", "broken").await, Change::Done);
    }
    let refused = provider.cancel(&charge, Some(8000), "refund-2", "too much").await;
    assert!(matches!(refused, Change::Refused { .. }), "{refused:?}");
    let booked = provider.find(&charge).await.unwrap().unwrap();
    assert_eq!((booked.status, booked.captured, booked.refunded), (Status::PartiallyRefunded, 9000, 2000));

    let page = provider.bookings(since, Utc::now() + TimeDelta::minutes(1), None).await.unwrap();
    let moved: Vec<_> = page.movements.iter().map(|movement| movement.amount).collect();
    assert_eq!(moved, [9000, -2000]);
    let rest = provider.bookings(since, Utc::now(), page.next.as_deref()).await.unwrap();
    assert_eq!((rest.movements, rest.next), (vec![], None));
    let before = provider.bookings(since - TimeDelta::days(1), since, None).await.unwrap();
    assert_eq!((before.movements, before.next), (vec![], None), "of a time before");
}

#[tokio::test]
async fn a_no_is_told_from_no_answer() {
    let till = Till::open().await;
    let provider = &till.provider;
    let declined = provider.authorise(&charge("tok_decline")).await;
    assert_eq!(declined, Authorisation::Declined { code: "CARD_DECLINED".to_owned() });
    let down = charge("tok_down");
    assert!(matches!(provider.authorise(&down).await, Authorisation::Unknown { .. }));
    assert_eq!(provider.find(&down).await.unwrap(), None);
    let late = charge("tok_late_webhook");
    assert!(matches!(provider.authorise(&late).await, Authorisation::Unknown { .. }));
    eventually(LIMIT, || async { till.status(&late).await == Status::Authorised }).await;
    let free = Charge { amount: 0, ..charge("tok_approve") };
    assert_eq!(provider.authorise(&free).await, Authorisation::Declined { code: "E003".to_owned() });
}

#[tokio::test]
async fn a_slow_or_lost_answer_can_be_asked_for() {
    let till = Till::open().await;
    let slow = charge("tok_slow");
    assert!(matches!(till.provider.authorise(&slow).await, Authorisation::Unknown { .. }));
    assert_eq!(till.status(&slow).await, Status::Authorised);
    let lost = charge("tok_lost_answer");
    // The client repeats what may be repeated, so the answer that was lost comes the second time.
    assert!(matches!(till.provider.authorise(&lost).await, Authorisation::Authorised { .. }));
}

#[tokio::test]
async fn a_cancel_closes_a_payment_that_comes_late() {
    let till = Till::open().await;
    let (provider, charge) = (&till.provider, charge("tok_approve"));
    assert_eq!(provider.cancel(&charge, None, "void", "gave up").await, Change::Done);
    let late = provider.authorise(&charge).await;
    assert_eq!(late, Authorisation::Declined { code: "CANCELLED".to_owned() });
    assert!(matches!(provider.capture(&charge).await, Change::Refused { .. }));
}

#[tokio::test]
async fn a_webhook_is_believed_with_its_signature_and_not_without() {
    let mut till = Till::open().await;
    let charge = charge("tok_approve");
    till.provider.authorise(&charge).await;
    let (mut headers, body) = till.told.recv().await.expect("the sandbox tells");
    let notice = till.provider.webhook(&headers, &body).unwrap();
    let sent: Webhook = serde_json::from_slice(&body).unwrap();
    assert_eq!((notice.payment, &notice.event_id), (charge.payment, &sent.event_id));

    let unproven = |headers: &HeaderMap, body: &[u8]| match till.provider.webhook(headers, body) {
        Err(NoticeError::Unproven(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(unproven(&headers, &body[1..]), SignatureError::Wrong);
    assert_eq!(unproven(&HeaderMap::new(), &body), SignatureError::Missing);
    headers.insert("x-payment-signature", HeaderValue::from_static("v1"));
    assert_eq!(unproven(&headers, &body), SignatureError::Malformed);
    let deaf = Provider::new(&PaymentConfig::Sandbox { webhook_secret: None }, &till.platforms[1]).unwrap();
    let error = deaf.webhook(&headers, &body).unwrap_err();
    assert!(matches!(error, NoticeError::Unproven(SignatureError::NoSecret)), "{error:?}");
}
