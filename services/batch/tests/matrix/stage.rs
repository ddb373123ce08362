//! What every scene is a copy of: the databases, filled, before a job has touched them.

use std::collections::BTreeMap;

use chrono::{DateTime, SubsecRound as _, Utc};
use sqlx::AssertSqlSafe;
use testkit::ServiceKeys;
use tokio::sync::Semaphore;

use super::cluster::{Cluster, Database};
use super::outcome::Outcome;
use super::process::Passed;
use super::scene::{Scene, Way};
use super::trial::Trial;
use super::{own, seed};

/// A scene is two processes and a service, and mostly waits for a lease to end.
const AT_ONCE: usize = 4;

/// Only processes of batch are killed, the server never.
const SETTINGS: [(&str, &str); 6] = [
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("synchronous_commit", "off"),
    ("max_connections", "300"),
    ("max_wal_size", "4GB"),
    ("shared_buffers", "256MB"),
];

pub(crate) struct Stage {
    pub(crate) cluster: Cluster,
    pub(crate) keys: ServiceKeys,
    /// What "now" means to the jobs.
    pub(crate) as_of: DateTime<Utc>,
    pub(crate) places: Semaphore,
    originals: BTreeMap<&'static str, Database>,
}

/// What an undisturbed run leaves, and the points that it passes.
pub(crate) struct Plain {
    pub(crate) outcome: Outcome,
    /// In the order of their first time, and how often.
    pub(crate) passed: Passed,
}

impl Stage {
    pub(crate) async fn set(trials: &[Trial], rows: u64) -> Self {
        let cluster = Cluster::start(&SETTINGS).await;
        let as_of = Utc::now().trunc_subsecs(0);
        let mut originals = BTreeMap::new();
        let batch = cluster.create("batch").await;
        let tables = own::TABLES.replace("$rows", &rows.to_string());
        sqlx::raw_sql(AssertSqlSafe(tables)).execute(&mut batch.owner().await).await.unwrap();
        originals.insert("batch", batch);
        for service in trials.iter().filter_map(|trial| trial.service()) {
            let database = cluster.create(service).await;
            seed::fill(&database, rows, as_of).await;
            originals.insert(service, database);
        }
        Self { cluster, keys: testkit::keys(), as_of, places: Semaphore::new(AT_ONCE), originals }
    }

    /// A copy of the service's database.
    pub(crate) async fn copy(&self, service: &str) -> Database {
        self.cluster.copy(&self.originals[service]).await
    }

    /// The trial with nobody to disturb it.
    pub(crate) async fn plain(&self, trial: Trial) -> Plain {
        let mut scene = Scene::set(self, trial, &[], Way::default()).await;
        scene.keep_all();
        scene.begin().await;
        scene.ended().await;
        let passed = scene.passed();
        Plain { outcome: scene.close().await, passed }
    }
}
