//! One process of the service, the provider, a database, and things for sale.

use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use contract::id::ItemId;
use contract::user::Role;
use tempfile::TempDir;
use testkit::{Issuer, ServiceKeys, eventually, free_port};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::auth;
use crate::cluster::{Cluster, PATIENCE};

const ITEMS: usize = 1000;
/// Nobody shall come too late.
const STOCK: i64 = 1_000_000;

pub(crate) struct Stage {
    pub(crate) url: String,
    pub(crate) items: Vec<ItemId>,
    pub(crate) cluster: Cluster,
    pub(crate) issuer: Issuer,
    pub(crate) directory: TempDir,
    children: Vec<Child>,
    _auth: JoinSet<()>,
    _keys: ServiceKeys,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        let (issuer, cluster) = (Issuer::new(), Cluster::start(Vec::new()).await);
        let (auth, serving) = auth::start(&serde_json::to_string(&issuer.jwks()).unwrap()).await;
        let keys = ServiceKeys::generate(&["auth", "store", "payment-sandbox"]);
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name).display().to_string();
        std::fs::write(file("secret"), "a secret of the figures that nobody else knows").unwrap();
        let (store, provider) = (free_port(), free_port());
        let url = |port| format!("http://127.0.0.1:{port}");
        let start = |name: &str, port: u16| {
            Command::new(binary(name))
                .env_clear()
                .env("DORAN_PORT", port.to_string())
                .env("DORAN_LOG", "error")
                .env("DORAN_SERVICE_JWKS_FILE", keys.jwks_file())
                .env("DORAN_SERVICE_KEY_FILE", keys.key_file(name))
                .env("DORAN_PAYMENT_WEBHOOK_SECRET_FILE", file("secret"))
                .env("DORAN_PAYMENT_LEDGER", file("ledger.ndjson"))
                .env("DORAN_AUTH_URLS", format!("http://{auth}"))
                .env("DORAN_STORE_URLS", url(store))
                .env("DORAN_PAYMENT_SANDBOX_URLS", url(provider))
                .env("DATABASE_URL", cluster.url())
                .spawn()
                .unwrap()
        };
        let children = vec![start("payment-sandbox", provider), start("store", store)];
        ready(&url(provider)).await;
        ready(&url(store)).await;
        let items = items(&cluster).await;
        let url = url(store);
        Self { url, items, cluster, issuer, directory, children, _auth: serving, _keys: keys }
    }

    pub(crate) fn token(&self) -> String {
        self.issuer.somebody(Role::User)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for child in &mut self.children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

/// Built by `cargo build --release`, which `cargo run --example` does not do.
fn binary(name: &str) -> PathBuf {
    let example = std::env::current_exe().unwrap();
    let binary = example.parent().unwrap().parent().unwrap().join(name);
    assert!(binary.exists(), "no {}: cargo build --release -p {name}", binary.display());
    binary
}

async fn ready(url: &str) {
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(1)).build().unwrap();
    let url = format!("{url}/actuator/health/readiness");
    eventually(PATIENCE, || async {
        let answer = http.get(&url).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    })
    .await;
}

async fn items(cluster: &Cluster) -> Vec<ItemId> {
    let ids: Vec<Uuid> = (0..ITEMS).map(|_| Uuid::now_v7()).collect();
    let insert = "with item as (
                    insert into store_item (id, sku, name, category, price)
                    select id, 'F-' || upper(replace(id::text, '-', '')), '책', 'books', 1200
                    from unnest($1::uuid[]) as id
                    returning id
                  ), ledger as (
                    insert into stock_ledger (item_id, kind, initial_delta, available_delta, reason)
                    select id, 'ADJUST', $2, $2, 'opening stock' from item
                  )
                  insert into stock (item_id, initial, available) select id, $2, $2 from item";
    sqlx::query(insert).bind(&ids).bind(STOCK).execute(&cluster.pool()).await.unwrap();
    ids.into_iter().map(ItemId::from).collect()
}
