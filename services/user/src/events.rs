//! What user publishes, in the transaction that changes the user.

use chassis::Platform;
use chassis::event::{self, New};
use contract::user::UserSnapshot;
use sqlx::{PgConnection, PgPool};

/// Publishes what is in the outbox until the service stops.
pub fn start(platform: &Platform, db: &PgPool) {
    event::serve(platform, db.clone());
}

/// Writes one event. Its sequence within the user is the snapshot's version, so every event has its own.
pub async fn publish(db: &mut PgConnection, kind: &str, user: &UserSnapshot) -> Result<(), sqlx::Error> {
    let new = New {
        kind,
        aggregate_type: "user",
        aggregate_id: user.id.as_uuid(),
        sequence: user.version,
        data: user,
    };
    event::publish(db, new).await?;
    Ok(())
}
