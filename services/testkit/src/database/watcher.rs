//! Stops the shared server when nobody needs it any more, without a process of ours staying behind.
//!
//! The watcher is a session of the server itself: a loop that counts the other sessions. Its client goes away at
//! once, which a session notices only when it answers, and this one never does. So it outlives the test that
//! started it, also one that was killed, and it ends with the server.

use anyhow::Context as _;
use backing::postgres::SUPERUSER;
use sqlx::postgres::PgConnection;
use tokio::time::{Duration, sleep};

use super::server::Access;
use super::session::{self, connect};

const NAME: &str = "testkit watcher";

/// Starts the watcher unless one is at work: it stops the server when there was no other session for `idle` (whole
/// seconds). The caller holds the lock on the server.
pub(super) async fn ensure(access: &Access, admin: &mut PgConnection, idle: Duration) -> anyhow::Result<()> {
    if is_at_work(admin).await? {
        return Ok(());
    }
    let mut watcher = connect(&access.superuser().application_name(NAME)).await?;
    let watch = session::run(&mut watcher, [statement(idle.as_secs())]);
    let seen = async {
        while !is_at_work(admin).await? {
            sleep(Duration::from_millis(2)).await;
        }
        Ok::<_, sqlx::Error>(())
    };
    tokio::select! {
        ended = watch => ended.and(Err(sqlx::Error::WorkerCrashed)).context("the watcher of the test server ended"),
        seen = seen => seen.context("look for the watcher of the test server"),
    }
}

pub(super) async fn is_at_work(admin: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let sql = "select exists (
        select from pg_stat_activity where application_name = $1 and usename = $2 and state = 'active'
    )";
    sqlx::query_scalar(sql).bind(NAME).bind(SUPERUSER).fetch_one(admin).await
}

/// A session has the data directory as its working directory; INT is a fast shutdown.
fn statement(idle_secs: u64) -> String {
    format!(
        "do $watch$
        declare idle int := 0;
        begin
            while idle < {idle_secs} loop
                perform pg_sleep(1);
                perform pg_stat_clear_snapshot();
                if exists (
                    select from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()
                ) then
                    idle := 0;
                else
                    idle := idle + 1;
                end if;
            end loop;
            copy (select 1) to program 'kill -INT $(head -n 1 postmaster.pid)';
        end
        $watch$"
    )
}
