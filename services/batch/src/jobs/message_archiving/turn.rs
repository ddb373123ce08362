//! One run at a time: two that write the same archive could not know what they have read back.

use anyhow::anyhow;
use sqlx::PgPool;

use super::month;
use crate::engine::Fault;
use crate::engine::work::Run;
use crate::repository::archived;

/// Nobody else archives, or only somebody who began later, and gives way.
pub(super) async fn ours(db: &PgPool, run: &Run) -> Result<(), Fault> {
    if run.dry_run {
        return Ok(());
    }
    let mut connection = db.acquire().await?;
    match archived::earlier(&mut connection, run.execution).await? {
        None => Ok(()),
        Some(other) => Err(Fault::fatal(anyhow!(
            "{other} archives messages already; start this again when it has ended"
        ))),
    }
}

/// The archive is this run's: no other has made one of this name.
pub(super) async fn our_archive(db: &PgPool, run: &Run, archive: &str) -> Result<(), Fault> {
    ours(db, run).await?;
    let mut connection = db.acquire().await?;
    let others = archived::of_others(&mut connection, run.instance, month::DIRECTORY).await?;
    if others.contains(&month::path(archive)) {
        return Err(Fault::fatal(anyhow!(
            "another run has made the archive {archive} since; give this one up and start a new one"
        )));
    }
    Ok(())
}
