//! Auth's own copy of what tokens say about a user: taken over when user tells of a change, by event or when
//! asked, whichever comes first, together with what the change does to sessions and tokens.

use chassis::event::{Failure, Handler};
use contract::auth::RevocationReason;
use contract::event::CloudEvent;
use contract::id::UserId;
use contract::user::{UserSnapshot, event};
use sqlx::PgConnection;
use tracing::{error, info};

use crate::domain::copy::{Consequence, Standing, consequence};
use crate::events;
use crate::repository::account::{self, Account};
use crate::repository::audit::{self, Entry, Kind};
use crate::repository::session::{self, EndReason};

/// Takes over what the events of user say.
pub struct Copies;

impl Handler for Copies {
    async fn apply(&self, db: &mut PgConnection, event: &CloudEvent) -> Result<(), Failure> {
        match event.kind.as_str() {
            event::CREATED | event::UPDATED | event::STATUS_CHANGED | event::ROLE_CHANGED => {
                Ok(take_over(db, &event.read()?).await?)
            }
            _ => Ok(()),
        }
    }
}

/// Makes the copy as new as `new`, in the caller's transaction. An older one changes nothing. A user without
/// credentials is none of auth's: the sign-up came to nothing.
pub async fn take_over(db: &mut PgConnection, new: &UserSnapshot) -> Result<(), sqlx::Error> {
    let Some(old) = account::lock(db, new.id).await? else {
        return Ok(());
    };
    if new.version <= old.profile_version {
        return Ok(());
    }
    let email = account::set_copy(db, new).await?;
    if email != new.email {
        // Everything else still counts: a suspension must not wait for somebody to clear this up.
        error!(user.id = %new.id, "the new address of {} is somebody else's here: kept the old one", new.id);
    }
    if new.is_pseudonymised() {
        // Nobody comes back to this account, not even if its status changed once more.
        account::forget_password(db, new.id).await?;
    }
    let after = Standing { email: &email, role: new.role, status: new.status };
    match consequence(standing(&old), after) {
        Consequence::Nothing => Ok(()),
        Consequence::Reissue(reason) => revoke(db, new.id, reason).await,
        Consequence::Lockout => {
            let ended = session::end_all(db, new.id, EndReason::Status).await?;
            info!(user.id = %new.id, ended, "{} is {}: ended the user's sessions", new.id, new.status);
            revoke(db, new.id, RevocationReason::Status).await
        }
    }
}

/// Every access token that is out is dead.
async fn revoke(db: &mut PgConnection, user: UserId, reason: RevocationReason) -> Result<(), sqlx::Error> {
    let revocation = account::revoke_tokens(db, user).await?;
    events::tokens_revoked(db, user, revocation, reason).await?;
    let entry = Entry { kind: Kind::TokensRevoked, user: Some(user), session: None, address: None };
    audit::insert(db, entry).await
}

fn standing(account: &Account) -> Standing<'_> {
    Standing { email: &account.email, role: account.role, status: account.status }
}
