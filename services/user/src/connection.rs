//! When users were last here, as auth tells.

use chassis::event::{Failure, Handler};
use contract::auth::SessionStarted;
use contract::auth::event::SESSION_STARTED;
use contract::event::CloudEvent;
use sqlx::PgConnection;

use crate::repository::profile;

/// Takes what the events of auth say about it.
pub struct Connections;

impl Handler for Connections {
    async fn apply(&self, db: &mut PgConnection, event: &CloudEvent) -> Result<(), Failure> {
        if event.kind == SESSION_STARTED {
            let started: SessionStarted = event.read()?;
            profile::seen(db, started.sub, started.at).await?;
        }
        Ok(())
    }
}
