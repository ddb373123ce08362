//! Removes databases that nobody needs any more, beside the tests and never in their way.
//!
//! `drop database` waits until every session of the server has taken note, and a session that is just logging in
//! takes note only afterwards. When its client cannot go on because its thread waits for the drop, all three stand
//! still. So a test waits for its drop a moment only; the server finishes it also when the client is gone.

use std::sync::mpsc;
use std::time::Duration;

use sqlx::postgres::PgConnection;
use tokio::time::{Instant, sleep};

use super::server::Access;
use super::session::{connect, run};
use super::template;

/// Only names that start so are ever removed.
pub(super) const PREFIX: &str = "test_";
/// Longer than a drop takes on a busy machine, shorter than anybody would call a hang.
const MOMENT: Duration = Duration::from_millis(500);
/// Then the server gives up, and the next test tries again.
const STATEMENT_LIMIT: &str = "20s";

/// Drops the database, and then those that killed tests left. When it fails, the next test does it.
pub(super) fn remove(access: Access, name: String) {
    let (done, wait) = mpsc::channel();
    // A thread with its own runtime, because the test's cannot be waited for where values are dropped.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let options = access.superuser().options([("statement_timeout", STATEMENT_LIMIT)]);
            let mut session = connect(&options).await?;
            disconnect(&mut session, &name).await?;
            run(&mut session, [drop_statement(&name)]).await?;
            // Nobody listens when it took longer than a moment.
            let _ = done.send(());
            sweep(&mut session).await
        })?;
        anyhow::Ok(())
    });
    // Too late, or failed: either way the test is over.
    let _ = wait.recv_timeout(MOMENT);
}

/// Ends the sessions of the test's pool. `with (force)` does so too, but then looks only every 100 ms.
async fn disconnect(session: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
    let end = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1";
    let deadline = Instant::now() + MOMENT;
    while Instant::now() < deadline {
        if sqlx::query(end).bind(name).fetch_all(&mut *session).await?.is_empty() {
            break;
        }
        sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

/// Removes the databases of tests that were killed, which are those without a session of their name, and templates
/// that newer ones replaced.
async fn sweep(session: &mut PgConnection) -> Result<(), sqlx::Error> {
    let orphans = "select database.datname::text from pg_database as database
        where starts_with(database.datname, $1)
        and not exists (select from pg_stat_activity where application_name = database.datname)";
    let mut unneeded: Vec<String> = sqlx::query_scalar(orphans).bind(PREFIX).fetch_all(&mut *session).await?;
    unneeded.extend(template::replaced(session).await?);
    for name in unneeded {
        // Another test may be sweeping too, and then both are content.
        let _ = run(session, [drop_statement(&name)]).await;
    }
    Ok(())
}

fn drop_statement(name: &str) -> String {
    format!("drop database if exists \"{name}\" with (force)")
}
