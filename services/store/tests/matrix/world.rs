//! What the matrix goes over: a database, the provider, two instances of the store, and things for sale.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use contract::id::{ItemId, UserId};
use contract::user::Role as Rights;
use sqlx::PgPool;
use tempfile::TempDir;
use testkit::{Issuer, ServiceKeys, access_claims, eventually, free_port};

use super::cluster::{Cluster, PATIENCE};
use super::process::Unit;
use super::role::{KEYS, Role};

/// For every saga to end, whatever was done to it: a lease, the longest pause between two attempts, and the time that
/// the steps take on a busy machine.
pub(crate) const END: Duration = Duration::from_mins(3);
pub(crate) const PRICE: i64 = 1200;
/// Longer than any clock is wrong here.
const TOKEN_SECS: i64 = 30 * 24 * 3600;
/// An answer of the store that takes longer is none.
const ANSWER: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) db: PgPool,
    pub(crate) database_url: String,
    pub(crate) provider: Unit,
    pub(crate) stores: [Unit; 2],
    pub(crate) issuer: Issuer,
    pub(crate) http: reqwest::Client,
    pub(crate) ledger: PathBuf,
    directory: TempDir,
    _keys: ServiceKeys,
}

/// How a world differs from the plain one.
#[derive(Default)]
pub(crate) struct Way {
    /// Where the stores find the provider, and the provider the store, if not directly.
    pub(crate) route: Option<Route>,
    /// More in the environment of the stores and the provider.
    pub(crate) services: Vec<(String, String)>,
    /// More in the environment of the database.
    pub(crate) database: Vec<(String, String)>,
}

/// URLs of what stands between the two, and the ports that it leads to.
pub(crate) struct Route {
    pub(crate) to_provider: String,
    pub(crate) to_store: String,
    pub(crate) provider: u16,
    pub(crate) store: u16,
}

impl World {
    /// Everything is prepared, the database runs, and nothing else.
    pub(crate) async fn new(way: Way) -> (Self, Cluster) {
        let cluster = Cluster::start(way.database).await;
        let keys = ServiceKeys::generate(&["auth", "batch", "store", "payment-sandbox", "operator"]);
        let directory = tempfile::tempdir().unwrap();
        let secret = directory.path().join("webhook-secret");
        fs::write(&secret, "a secret of the matrix that nobody else knows").unwrap();
        let ledger = directory.path().join("ledger.ndjson");
        let route = way.route.unwrap_or_else(|| {
            let (provider, store) = (free_port(), free_port());
            let url = |port| format!("http://127.0.0.1:{port}");
            Route { to_provider: url(provider), to_store: url(store), provider, store }
        });
        let issuer = Issuer::new();
        let common = |name: &str| {
            let mut environment = way.services.clone();
            let set = |name: &str, value: String| (name.to_owned(), value);
            environment.extend([
                set("DORAN_SERVICE_JWKS_FILE", keys.jwks_file().display().to_string()),
                set("DORAN_SERVICE_KEY_FILE", keys.key_file(name).display().to_string()),
                set("DORAN_PAYMENT_WEBHOOK_SECRET_FILE", secret.display().to_string()),
                set("DORAN_PAYMENT_LEDGER", ledger.display().to_string()),
                set("DORAN_PAYMENT_SANDBOX_URLS", route.to_provider.clone()),
                set("DORAN_STORE_URLS", route.to_store.clone()),
                set("DATABASE_URL", cluster.url()),
                set(KEYS, serde_json::to_string(&issuer.jwks()).unwrap()),
            ]);
            environment.extend(
                std::env::var_os("MATRIX_LOGS").map(|path| set("MATRIX_LOGS", path.into_string().unwrap())),
            );
            environment
        };
        let store = |name, port| Unit::new(name, Role::Store, port, common("store"));
        let world = Self {
            db: cluster.pool(),
            database_url: cluster.url(),
            provider: Unit::new("payment-sandbox", Role::Provider, route.provider, common("payment-sandbox")),
            stores: [store("store-1", route.store), store("store-2", free_port())],
            http: reqwest::Client::builder().no_proxy().timeout(ANSWER).build().unwrap(),
            issuer,
            ledger,
            directory,
            _keys: keys,
        };
        (world, cluster)
    }

    /// A new user's token.
    pub(crate) fn user(&self) -> (UserId, String) {
        let user = chassis::fresh_id();
        (user, self.token(user, Rights::User))
    }

    pub(crate) fn admin(&self) -> String {
        self.token(chassis::fresh_id(), Rights::Admin)
    }

    fn token(&self, user: UserId, role: Rights) -> String {
        let mut claims = access_claims(user, role);
        claims.exp = claims.iat + TOKEN_SECS;
        self.issuer.sign(&claims)
    }

    /// New things for sale, `stock` of each.
    pub(crate) async fn items(&self, count: usize, stock: i64) -> Vec<ItemId> {
        let ids: Vec<ItemId> = (0..count).map(|_| chassis::fresh_id()).collect();
        for id in &ids {
            let insert = "with item as (
                            insert into store_item (id, sku, name, category, price)
                            values ($1, 'M-' || upper(replace($1::text, '-', '')), '책', 'books', $2) returning id
                          ), ledger as (
                            insert into stock_ledger (item_id, kind, initial_delta, available_delta, reason)
                            select id, 'ADJUST', $3, $3, 'opening stock' from item
                          )
                          insert into stock (item_id, initial, available) select id, $3, $3 from item";
            eventually(PATIENCE, || async {
                sqlx::query(insert).bind(id.as_uuid()).bind(PRICE).bind(stock).execute(&self.db).await
            })
            .await;
        }
        ids
    }

    /// Until no saga has anything left to do.
    pub(crate) async fn settled(&self) {
        let open =
            "select id::text || ' of ' || order_id::text || ': ' || kind || ' ' || state || ' at ' || step
                           || ', attempt ' || attempt || ', ' || coalesce(last_error, 'no error')
                    from saga where state in ('RUNNING', 'COMPENSATING', 'STUCK') order by id limit 3";
        eventually(END, || async {
            let open: Vec<String> =
                sqlx::query_scalar(open).fetch_all(&self.db).await.map_err(|error| error.to_string())?;
            if open.is_empty() { Ok(()) } else { Err(open.join("; ")) }
        })
        .await;
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}
