//! What becomes of accounts that nobody uses: they are closed, and later say nothing of who used them. Events tell auth,
//! which ends their sessions and forgets their passwords.

use std::collections::HashSet;

use contract::user::event;
use contract::user::maintenance::{InactiveUser, SettledUser, SettledUsers, Settlement, SettlementOutcome};
use sqlx::PgConnection;

use crate::events;
use crate::repository::inactive;

/// Settles those that are as they were seen, in the caller's transaction.
pub async fn settle(db: &mut PgConnection, users: &[InactiveUser]) -> Result<SettledUsers, sqlx::Error> {
    let (idle, withdrawn): (Vec<_>, Vec<_>) =
        users.iter().cloned().partition(|user| user.action == Settlement::Deactivate);
    let deactivated = inactive::deactivate(db, &idle).await?;
    let pseudonymised = inactive::pseudonymise(db, &withdrawn).await?;
    for user in &deactivated {
        events::publish(db, event::STATUS_CHANGED, user).await?;
    }
    for user in &pseudonymised {
        events::publish(db, event::UPDATED, user).await?;
    }
    let applied: HashSet<_> = deactivated
        .iter()
        .map(|user| (user.id, Settlement::Deactivate))
        .chain(pseudonymised.iter().map(|user| (user.id, Settlement::Pseudonymise)))
        .collect();
    let settled: Vec<_> = users
        .iter()
        .map(|user| {
            let is_applied = applied.contains(&(user.id, user.action));
            let outcome = if is_applied { SettlementOutcome::Applied } else { SettlementOutcome::Unchanged };
            SettledUser { id: user.id, outcome }
        })
        .collect();
    let unchanged = settled.iter().filter(|user| user.outcome == SettlementOutcome::Unchanged).count();
    Ok(SettledUsers {
        deactivated: deactivated.len() as u64,
        pseudonymised: pseudonymised.len() as u64,
        unchanged: unchanged as u64,
        users: settled,
    })
}
