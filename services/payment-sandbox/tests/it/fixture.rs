//! A sandbox with a ledger of its own, and requests to it as store would send them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chassis::{HasBase as _, Platform};
use contract::env as name;
use http::{Method, StatusCode};
use payment_sandbox::Config;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{ServiceKeys, TestApp, TestResponse};
use uuid::Uuid;

pub(crate) const SECRET: &str = "shared-with-store";

/// A directory with a ledger, keys and the secret of the webhooks.
pub(crate) struct Home {
    pub(crate) keys: ServiceKeys,
    directory: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("the temporary directory is writable");
        std::fs::write(directory.path().join("secret"), SECRET).expect("the secret can be written");
        Self { keys: testkit::keys(), directory }
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.directory.path().join("data").join("ledger.ndjson")
    }

    /// What `doran` sets.
    pub(crate) fn env(&self) -> Vec<(&'static str, String)> {
        let text = |path: PathBuf| path.display().to_string();
        vec![
            (name::PAYMENT_LEDGER, text(self.ledger())),
            (name::PAYMENT_WEBHOOK_SECRET_FILE, text(self.directory.path().join("secret"))),
            (name::SERVICE_JWKS_FILE, text(self.keys.jwks_file())),
            (name::SERVICE_KEY_FILE, text(self.keys.key_file("payment-sandbox"))),
        ]
    }

    pub(crate) fn token(&self) -> String {
        self.keys.token("store", "payment-sandbox")
    }
}

/// A sandbox in this process.
pub(crate) struct Sandbox {
    app: TestApp,
    pub(crate) home: Home,
}

impl Sandbox {
    /// One that tells nobody.
    pub(crate) async fn quiet() -> Self {
        Self::with(&[]).await
    }

    pub(crate) async fn with(more: &[(&'static str, String)]) -> Self {
        let home = Home::new();
        let env = home.env().into_iter().chain(more.iter().cloned());
        let env: BTreeMap<_, _> = env.map(|(name, value)| (name.to_owned(), value)).collect();
        let config = Config::from_env(&env).expect("the test's environment is complete");
        let platform = Platform::quiet(config.base().clone()).expect("the keys are there");
        match payment_sandbox::build(config, platform).await.expect("the sandbox builds") {
            chassis::Service::Router(router) => Self { app: TestApp::new(router), home },
            chassis::Service::Custom(_) => panic!("the sandbox is served by the chassis"),
        }
    }

    pub(crate) fn app(&self) -> &TestApp {
        &self.app
    }

    /// As store asks.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> TestResponse {
        let request = self.app.request(method, path).bearer(&self.home.token());
        match body {
            Some(body) => request.json(&body).send().await,
            None => request.send().await,
        }
    }

    pub(crate) async fn authorise(&self, payment: Uuid, token: &str, expected: StatusCode) -> Value {
        let path = format!("/v1/payments/{payment}");
        self.ask(Method::PUT, &path, Some(authorisation(token))).await.expect(expected).json()
    }

    pub(crate) async fn capture(&self, payment: Uuid, expected: StatusCode) -> Value {
        let path = format!("/v1/payments/{payment}/capture");
        self.ask(Method::POST, &path, Some(json!({}))).await.expect(expected).json()
    }

    pub(crate) async fn cancel(
        &self,
        payment: Uuid,
        key: &str,
        amount: Option<i64>,
        expected: StatusCode,
    ) -> Value {
        let body = json!({ "key": key, "amount": amount, "reason": "a test" });
        let path = format!("/v1/payments/{payment}/cancel");
        self.ask(Method::POST, &path, Some(body)).await.expect(expected).json()
    }

    pub(crate) async fn find(&self, payment: Uuid, expected: StatusCode) -> Value {
        self.ask(Method::GET, &format!("/v1/payments/{payment}"), None).await.expect(expected).json()
    }

    pub(crate) async fn status_of(&self, payment: Uuid) -> Value {
        self.find(payment, StatusCode::OK).await["status"].clone()
    }
}

/// Of 1000 won, for the order with the id zero.
pub(crate) fn authorisation(token: &str) -> Value {
    json!({ "orderId": Uuid::nil(), "amount": 1000, "currency": "KRW", "method": "CARD", "token": token })
}
