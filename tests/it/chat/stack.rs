//! The system with three instances of chat.

use backing::redis::Installation;
use reqwest::Client;
use reqwest::header::{HeaderMap, HeaderValue, ORIGIN};
use serde_json::json;

use super::learner::{Learner, ok};
use crate::fixture::{Fixture, LIMIT, eventually};

/// Where the web client comes from.
pub(super) const PAGE: &str = "http://localhost:3000";
const INSTANCES: usize = 3;
const PASSWORD: &str = "correct-horse-7";

pub(super) struct Stack {
    pub(super) fixture: Fixture,
    /// The instances of chat at their own ports, past the gateway.
    pub(super) instances: Vec<String>,
}

impl Stack {
    pub(super) fn up() -> Self {
        let mut fixture = Fixture::system();
        fixture.env("DORAN__SERVICES__CHAT__REPLICAS", &INSTANCES.to_string());
        let mut args = vec!["up", "-d", "--wait", "gateway", "auth", "user", "chat", "store"];
        if Installation::find().is_ok() {
            args.push("redis");
        }
        fixture.doran(&args).exits(0);
        let ps = fixture.ps();
        let port = |name: String| {
            let unit =
                ps["items"].as_array().and_then(|units| units.iter().find(|unit| unit["name"] == name));
            unit.and_then(|unit| unit["port"].as_u64()).unwrap_or_else(|| panic!("no port of {name}: {ps}"))
        };
        let instances = Self::names().map(|name| format!("http://127.0.0.1:{}", port(name))).collect();
        Self { fixture, instances }
    }

    pub(super) fn names() -> impl Iterator<Item = String> {
        (1..=INSTANCES).map(|number| format!("chat-{number}"))
    }

    pub(super) fn gateway(&self) -> String {
        format!("http://127.0.0.1:{}", 8080 + self.fixture.offset())
    }

    /// Somebody new, who signs up and logs in as the web client does.
    pub(super) async fn learner(&self, name: &str) -> Learner {
        let email = format!("{name}@dorandoran.dev");
        let origin = HeaderMap::from_iter([(ORIGIN, HeaderValue::from_static(PAGE))]);
        let client = Client::builder().no_proxy().default_headers(origin).read_timeout(LIMIT).build();
        let client = client.expect("a plain client is possible");
        let at = self.gateway();
        let known = ok(client.get(format!("{at}/api/users/check-email/{email}"))).await;
        assert_eq!(known["data"], false);
        let body = json!({ "email": email, "firstName": "도란", "lastName": "김", "password": PASSWORD });
        let user = ok(client.post(format!("{at}/api/users")).json(&body)).await;
        let id = user["data"]["id"].as_str().expect("an id").to_owned();
        let body = json!({ "email": email, "password": PASSWORD });
        let tokens = ok(client.post(format!("{at}/api/auth/login")).json(&body)).await;
        let token = tokens["data"]["accessToken"].as_str().expect("a token").to_owned();
        let learner = Learner { id, token, client, at };
        let me = ok(learner.get("/api/auth/me")).await;
        assert_eq!(me["data"]["id"], *learner.id);
        learner
    }

    /// Until every answered turn has reached its owner for good.
    #[track_caller]
    pub(super) fn all_delivered(&self, room: &str) {
        let sql = format!("select count(*) from turn where room_id = '{room}' and delivered_at is null");
        eventually("no turn is owed", || {
            let owed = self.fixture.doran(&["psql", "chat_db", "--", "-Atc", &sql]).exits(0).stdout;
            (owed.trim() == "0").then_some(())
        });
    }
}
