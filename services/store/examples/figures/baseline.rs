//! What the machine can do with less.

use std::fs::File;
use std::io::Write as _;
use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::Instant;

use crate::load::report;
use crate::stage::Stage;
use crate::summary::Summary;

const CLIENTS: usize = 32;
/// What `doran` gives a service.
const CONNECTIONS: u32 = 10;
/// As long as an entry of the provider's ledger.
const LINE: [u8; 300] = [b'x'; 300];

pub(crate) async fn measure(stage: &Stage, time: Duration) {
    requests(stage, time).await;
    commits(stage, time).await;
    appends(stage, time).await;
}

async fn requests(stage: &Stage, time: Duration) {
    let (until, began) = (Instant::now() + time, Instant::now());
    let mut asking = JoinSet::new();
    for _ in 0..CLIENTS {
        let url = format!("{}/api/store/health", stage.url);
        asking.spawn(async move {
            let http = reqwest::Client::builder().no_proxy().build().unwrap();
            let mut times = Vec::new();
            while Instant::now() < until {
                let began = Instant::now();
                http.get(&url).send().await.unwrap().error_for_status().unwrap().bytes().await.unwrap();
                times.push(began.elapsed());
            }
            times
        });
    }
    let times = Summary::of(asking.join_all().await.into_iter().flatten());
    report(&format!("requests of the health, {CLIENTS} clients"), &times, began.elapsed());
}

async fn commits(stage: &Stage, time: Duration) {
    let setup = stage.cluster.pool();
    sqlx::query("create table figure (id bigint generated always as identity primary key, text text)")
        .execute(&setup)
        .await
        .unwrap();
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .test_before_acquire(false)
        .connect_lazy_with((*setup.connect_options()).clone());
    let (until, began) = (Instant::now() + time, Instant::now());
    let mut writing = JoinSet::new();
    for _ in 0..CLIENTS {
        let pool = pool.clone();
        writing.spawn(async move {
            let mut times = Vec::new();
            while Instant::now() < until {
                let began = Instant::now();
                sqlx::query("insert into figure (text) values ($1)")
                    .bind("an order is far more than this")
                    .execute(&pool)
                    .await
                    .unwrap();
                times.push(began.elapsed());
            }
            times
        });
    }
    let times = Summary::of(writing.join_all().await.into_iter().flatten());
    report(&format!("rows, {CLIENTS} clients on {CONNECTIONS} connections"), &times, began.elapsed());
}

async fn appends(stage: &Stage, time: Duration) {
    let path = stage.directory.path().join("lines");
    let began = Instant::now();
    let times = spawn_blocking(move || {
        let (mut file, mut times) = (File::create(path).unwrap(), Vec::new());
        while began.elapsed() < time {
            let began = Instant::now();
            file.write_all(&LINE).unwrap();
            file.sync_data().unwrap();
            times.push(began.elapsed());
        }
        times
    });
    let times = Summary::of(times.await.unwrap());
    report("lines of a file, each flushed to the disk", &times, began.elapsed());
}
