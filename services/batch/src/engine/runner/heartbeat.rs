//! Signs of life: one statement for every execution of this process.

use std::sync::Arc;

use sqlx::PgPool;
use tokio::time::{Instant, sleep, timeout};
use tracing::warn;

use super::Inner;
use crate::repository::claim;

/// After a sign of life that did not get through, so many are tried before the next would have been due.
const TRIES: u32 = 6;

/// Until the process ends: what is finished during the drain is held until then.
pub(super) async fn beat(inner: Arc<Inner>, db: PgPool) {
    let settings = inner.settings;
    let mut failing = false;
    loop {
        let pause = match renew(&inner, &db).await {
            Ok(()) => {
                failing = false;
                settings.heartbeat
            }
            Err(problem) => {
                if !failing {
                    warn!("batch_db does not hear that this process lives: {problem}");
                }
                failing = true;
                settings.heartbeat / TRIES
            }
        };
        sleep(pause).await;
    }
}

async fn renew(inner: &Inner, db: &PgPool) -> Result<(), String> {
    let held = inner.tenures.held();
    if held.is_empty() {
        return Ok(());
    }
    let until = Instant::now() + inner.settings.lease;
    let asked = claim::renew(db, &inner.owner, inner.settings.lease, &held);
    let renewed = timeout(inner.settings.heartbeat, asked).await;
    let renewed =
        renewed.map_err(|_elapsed| "no answer in time".to_owned())?.map_err(|error| error.to_string())?;
    inner.tenures.renew(&held, &renewed, until);
    Ok(())
}
