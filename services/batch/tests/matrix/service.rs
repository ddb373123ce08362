//! A service that jobs work on, as it is, on a listener of this process. Nobody kills it: its own proofs do that.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::{Env, HasBase, Platform};
use contract::env as name;
use testkit::ServiceKeys;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::cluster::Database;

pub(crate) struct Served {
    pub(crate) service: &'static str,
    pub(crate) url: String,
    platform: Platform,
    _serving: JoinSet<()>,
}

impl Served {
    pub(crate) async fn start(database: &Database, keys: &ServiceKeys) -> Self {
        let service = database.service;
        let seal = keys.jwks_file().with_file_name("seal");
        let set = |name: &str, value: String| (name.to_owned(), value);
        let environment: BTreeMap<String, String> = [
            set(name::DATABASE_URL, database.url()),
            set(name::SERVICE_JWKS_FILE, keys.jwks_file().display().to_string()),
            set(name::SERVICE_KEY_FILE, keys.key_file(service).display().to_string()),
            set(name::AUTH_SEAL_FILE, seal.display().to_string()),
        ]
        .into();
        if !seal.exists() {
            let mut key = [0; 32];
            SystemRandom::new().fill(&mut key).unwrap();
            std::fs::write(&seal, URL_SAFE_NO_PAD.encode(key)).unwrap();
        }
        let (built, platform) = build(service, &environment).await;
        let chassis::Service::Router(router) = built else { panic!("{service} is served by the chassis") };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = router.into_make_service_with_connect_info::<SocketAddr>();
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { service, url, platform, _serving: serving }
    }

    /// Its tasks end soon.
    pub(crate) fn end(self) {
        self.platform.drain().begin();
        self.platform.drain().end();
    }
}

async fn build(service: &str, environment: &dyn Env) -> (chassis::Service, Platform) {
    match service {
        "auth" => {
            let config = auth::Config::from_env(environment).unwrap();
            let platform = Platform::quiet(config.base().clone()).unwrap();
            (auth::build(config, platform.clone()).await.unwrap(), platform)
        }
        "user" => {
            let config = user::Config::from_env(environment).unwrap();
            let platform = Platform::quiet(config.base().clone()).unwrap();
            (user::build(config, platform.clone()).await.unwrap(), platform)
        }
        "chat" => {
            let config = chat::Config::from_env(environment).unwrap();
            let platform = Platform::quiet(config.base().clone()).unwrap();
            (chat::build(config, platform.clone()).await.unwrap(), platform)
        }
        _ => panic!("no job of the matrix works on {service}"),
    }
}
