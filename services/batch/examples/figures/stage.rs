//! The processes that a job needs, over databases with many rows.

use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{SubsecRound as _, Utc};
use sqlx::AssertSqlSafe;
use tempfile::TempDir;
use testkit::{ServiceKeys, eventually, free_port};

use crate::cluster::{Cluster, Database, PATIENCE};
use crate::job::Job;
use crate::operator::Operator;
use crate::{fill, ledger};

pub(crate) struct Stage {
    pub(crate) batch: Database,
    children: Vec<Child>,
    urls: Vec<(&'static str, String)>,
    environment: Vec<(String, String)>,
    keys: ServiceKeys,
    _directory: TempDir,
    _cluster: Cluster,
}

impl Stage {
    pub(crate) async fn set(job: &Job, rows: u64) -> Self {
        // As doran runs the databases of a stack.
        let cluster = Cluster::start(&[]).await;
        let keys = testkit::keys();
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name).display().to_string();
        let mut seal = [0; 32];
        SystemRandom::new().fill(&mut seal).unwrap();
        std::fs::write(file("seal"), URL_SAFE_NO_PAD.encode(seal)).unwrap();
        std::fs::write(file("secret"), "a secret of the figures that nobody else knows").unwrap();
        let now = Utc::now().trunc_subsecs(0);
        ledger::write(
            &directory.path().join("ledger.ndjson"),
            if job.name == "payment-reconciliation" { rows } else { 0 },
            now,
        );
        let set = |name: &str, value: String| (name.to_owned(), value);
        let mut environment = vec![
            set("DORAN_LOG", "error".to_owned()),
            set("DORAN_SERVICE_JWKS_FILE", keys.jwks_file().display().to_string()),
            set("DORAN_AUTH_SEAL_FILE", file("seal")),
            set("DORAN_PAYMENT_WEBHOOK_SECRET_FILE", file("secret")),
            set("DORAN_PAYMENT_LEDGER", file("ledger.ndjson")),
            set("DORAN_OBJECT_STORE_URL", format!("file://{}", file("objects"))),
        ];
        let batch = cluster.create("batch").await;
        let mut databases = vec![("batch", batch.clone())];
        let mut urls = Vec::new();
        for service in job.services.iter().copied() {
            let port = free_port();
            urls.push((service, format!("http://127.0.0.1:{port}")));
            environment.push((contract::env::urls_of(service), format!("http://127.0.0.1:{port}")));
            if service != "payment-sandbox" {
                let database = cluster.create(service).await;
                fill::fill(&database, job.name, rows, now).await;
                databases.push((service, database));
            }
        }
        urls.push(("batch", format!("http://127.0.0.1:{}", free_port())));
        let database =
            |service: &str| databases.iter().find(|(name, _)| *name == service).map(|(_, it)| it.url());
        let children = urls
            .iter()
            .map(|(service, url)| start(service, url, database(service), &keys, &environment))
            .collect();
        let stage =
            Self { batch, children, urls, environment, keys, _directory: directory, _cluster: cluster };
        stage.ready().await;
        stage
    }

    /// All of them; and no schedule disturbs.
    async fn ready(&self) {
        for (_, url) in &self.urls {
            ready(url).await;
        }
        let mut db = self.batch.superuser().await;
        let off = "update batch_job set enabled = false, next_fire_at = null";
        sqlx::raw_sql(AssertSqlSafe(off)).execute(&mut db).await.unwrap();
    }

    pub(crate) fn operator(&self) -> Operator<'_> {
        Operator::new(&self.keys, &self.urls.last().unwrap().1)
    }

    /// Another instance of batch, which is ready.
    pub(crate) async fn second(&mut self) {
        let url = format!("http://127.0.0.1:{}", free_port());
        self.children.push(start("batch", &url, Some(self.batch.url()), &self.keys, &self.environment));
        ready(&url).await;
    }

    /// SIGKILL to the first instance of batch.
    pub(crate) fn kill_first(&mut self) {
        let first = self.urls.len() - 1;
        self.children[first].kill().unwrap();
        self.children[first].wait().unwrap();
    }

    /// How many chunks of the job there were, and how long their work took.
    pub(crate) async fn chunks(&self, job: &str) -> (f64, Duration) {
        let url = format!("{}/actuator/prometheus", self.urls.last().unwrap().1);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = http.get(url).bearer_auth(self.keys.token("operator", "batch"));
        let text = request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
        let sum = |name: &str| -> f64 {
            text.lines()
                .filter(|line| line.starts_with(name) && line.contains(&format!("job=\"{job}\"")))
                .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
                .sum()
        };
        (sum("batch_chunk_seconds_count"), Duration::from_secs_f64(sum("batch_chunk_seconds_sum")))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for child in &mut self.children {
            // One of them may have been killed already.
            let _ = child.kill();
            child.wait().unwrap();
        }
    }
}

fn start(
    service: &str,
    url: &str,
    database: Option<String>,
    keys: &ServiceKeys,
    environment: &[(String, String)],
) -> Child {
    Command::new(binary(service))
        .env_clear()
        .env("DORAN_PORT", url.rsplit(':').next().unwrap())
        .env("DORAN_SERVICE_KEY_FILE", keys.key_file(service))
        .envs(database.map(|url| ("DATABASE_URL", url)))
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .spawn()
        .unwrap()
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
        let answer = http.get(&url).send().await.map_err(|error| error.to_string())?;
        if answer.status().is_success() { Ok(()) } else { Err(answer.text().await.unwrap_or_default()) }
    })
    .await;
}
