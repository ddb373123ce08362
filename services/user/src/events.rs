//! What user publishes, in the transaction that changes the user, and whose events it takes.

use chassis::Platform;
use chassis::event::{self, Behind, Consumer, New};
use contract::user::UserSnapshot;
use sqlx::{PgConnection, PgPool};

use crate::connection::Connections;

/// Publishes what is in the outbox, and follows auth, until the service stops.
pub fn start(platform: &Platform, db: &PgPool) {
    event::serve(platform, db.clone());
    event::consume(
        platform,
        db.clone(),
        Consumer { name: "connections", source: "auth", behind: Behind::Taken, handler: Connections },
    );
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
