//! The proof itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use testkit::{ServiceKeys, TestDb, eventually};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use super::checker::check;
use super::killer::{kill_consumer, kill_producer, position};
use super::late_answer;
use super::process::Unit;
use super::repeater::Repeater;
use super::writer::{Written, write};
use crate::service::{execute, id};

const WRITERS: usize = 50;
const ACCOUNTS: usize = 20;
/// Of each of the two processes; 200 together. How they mix is left to chance.
const KILLS: usize = 100;
/// What was written last has to arrive within this.
const CATCH_UP: Duration = Duration::from_mins(1);

/// Databases and accounts, as `examples/ledger.rs` needs them.
async fn databases(accounts: &[Uuid]) -> (TestDb, TestDb) {
    let (producer, consumer) = tokio::join!(TestDb::new("store_db"), TestDb::new("chat_db"));
    execute(
        &producer,
        "create table account (id uuid primary key, version bigint not null default 0);
         create table entry (
           id uuid primary key,
           account uuid not null,
           sequence bigint not null,
           amount bigint not null,
           unique (account, sequence)
         )",
    )
    .await;
    let insert = sqlx::query("insert into account (id) select unnest($1::uuid[])").bind(accounts);
    insert.execute(&producer.pool()).await.unwrap();
    // Nothing here is unique: what takes effect twice is there twice.
    execute(
        &consumer,
        "create table effect (
           n bigserial primary key,
           id uuid not null,
           account uuid not null,
           sequence bigint not null,
           amount bigint not null
         );
         create table balance (account uuid primary key, amount bigint not null)",
    )
    .await;
    (producer, consumer)
}

fn unit(role: &str, name: &str, database: String, keys: &ServiceKeys, store: Option<String>) -> Unit {
    let mut environment = vec![
        ("LEDGER_ROLE", role.to_owned()),
        ("DATABASE_URL", database),
        ("DORAN_SERVICE_JWKS_FILE", keys.jwks_file().display().to_string()),
        ("DORAN_SERVICE_KEY_FILE", keys.key_file(name).display().to_string()),
        // Each is opened anew after every kill.
        ("DORAN_DB_CONNECTIONS", "6".to_owned()),
        ("DORAN_LOG", "error".to_owned()),
    ];
    environment.extend(store.map(|url| ("DORAN_STORE_URLS", url)));
    Unit::new(environment)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_committed_change_takes_effect_exactly_once_and_in_order_through_200_kills() {
    let began = Instant::now();
    let accounts: Vec<_> = (0..ACCOUNTS).map(|_| id()).collect();
    let keys = testkit::keys();
    let (store, chat) = databases(&accounts).await;
    let mut tasks = JoinSet::new();
    let store_url = late_answer::in_front_of(&store.url(), &mut tasks).await;
    let chat_url = late_answer::in_front_of(&chat.url(), &mut tasks).await;
    let producer = unit("producer", "store", store_url, &keys, None);
    let repeater = Repeater::new(producer.url());
    let feed = repeater.serve(&mut tasks).await;
    let consumer = unit("consumer", "chat", chat_url, &keys, Some(feed));

    let stop = Arc::new(AtomicBool::new(false));
    let mut writing = JoinSet::new();
    writing.spawn(write(WRITERS, producer.url(), accounts, Arc::clone(&stop)));
    let (store_pool, pool) = (store.pool(), chat.pool());
    let (_producing, _consuming) =
        tokio::join!(kill_producer(&producer, &store_pool, KILLS), kill_consumer(&consumer, &pool, KILLS));
    let stormed = began.elapsed();
    stop.store(true, Ordering::Relaxed);
    let written = writing.join_next().await.unwrap().unwrap();
    let all = i64::try_from(written.entries.len()).unwrap();
    eventually(CATCH_UP, || async { position(&pool).await >= all }).await;
    check(&store_pool, &pool, &written.entries).await.unwrap();

    let figures = Figures {
        delivered: repeater.delivered.load(Ordering::Relaxed),
        again: repeater.repeated.load(Ordering::Relaxed),
        stormed,
        took: began.elapsed(),
    };
    figures.report(&written);
    figures.require_a_storm(&written);
}

struct Figures {
    delivered: usize,
    again: usize,
    stormed: Duration,
    took: Duration,
}

impl Figures {
    #[expect(clippy::print_stderr, reason = "the figures of the proof")]
    fn report(&self, written: &Written) {
        let Self { delivered, again, stormed, took } = self;
        let Written { entries, unanswered, found_committed } = written;
        eprintln!(
            "{} changes by {WRITERS} writers; producer and consumer killed {KILLS} times each in \
             {stormed:.1?}, {took:.1?} with the checks; {unanswered} writes without an answer, {found_committed} \
             of them committed; {delivered} events delivered, {again} of them once more",
            entries.len(),
        );
    }

    /// Kills that meet nothing under way would prove nothing.
    fn require_a_storm(&self, written: &Written) {
        assert!(written.unanswered > 100 && written.found_committed > 10, "writes have to be hit");
        assert!(self.again * 20 > self.delivered, "about a tenth is meant to be a repetition");
    }
}
