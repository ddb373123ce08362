//! What auth publishes, in the transaction that begins or ends a session or takes over a change, and whose events it
//! takes.

use chassis::Platform;
use chassis::event::{self, Behind, Consumer, New, publish};
use contract::auth::event::{SESSION_STARTED, TOKEN_REVOKED};
use contract::auth::{RevocationReason, SessionStarted, TokenRevoked};
use contract::id::{SessionId, UserId};
use sqlx::{PgConnection, PgPool};

use crate::copy::Copies;
use crate::repository::account::Revocation;
use crate::repository::session::{Ended, Start};

/// Publishes what is in the outbox, and follows user, until the service stops.
pub fn start(platform: &Platform, db: &PgPool) {
    event::serve(platform, db.clone());
    // Every event of user tells the whole user: a suspension must not wait behind a broken change of name.
    event::consume(
        platform,
        db.clone(),
        Consumer { name: "copies", source: "user", behind: Behind::Taken, handler: Copies },
    );
}

/// The user was here.
pub async fn session_started(
    db: &mut PgConnection,
    user: UserId,
    session: SessionId,
    start: Start,
) -> Result<(), sqlx::Error> {
    let data = SessionStarted { sub: user, sid: session, at: start.at };
    publish(db, of_session(SESSION_STARTED, session, start.sequence, &data)).await?;
    Ok(())
}

/// Every token of the session is dead. A session ends once, so this is its last event.
pub async fn session_revoked(
    db: &mut PgConnection,
    session: SessionId,
    ended: Ended,
    reason: RevocationReason,
) -> Result<(), sqlx::Error> {
    let data = TokenRevoked::session(ended.user, session, reason);
    publish(db, of_session(TOKEN_REVOKED, session, ended.sequence, &data)).await?;
    Ok(())
}

const fn of_session<'a, T>(kind: &'a str, session: SessionId, sequence: i64, data: &'a T) -> New<'a, T> {
    New { kind, aggregate_type: "session", aggregate_id: session.as_uuid(), sequence, data }
}

/// Every access token of the user from before the revocation is dead.
pub async fn tokens_revoked(
    db: &mut PgConnection,
    user: UserId,
    revocation: Revocation,
    reason: RevocationReason,
) -> Result<(), sqlx::Error> {
    let data = TokenRevoked::issued_before(user, revocation.not_before, reason);
    let new = New {
        kind: TOKEN_REVOKED,
        aggregate_type: "user",
        aggregate_id: user.as_uuid(),
        sequence: revocation.number,
        data: &data,
    };
    publish(db, new).await?;
    Ok(())
}
