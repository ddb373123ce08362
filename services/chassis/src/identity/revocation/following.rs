//! Keeps the list current from auth's events, and says whether that works.

use std::convert::Infallible;
use std::time::Duration;

use contract::auth::TokenRevoked;
use contract::auth::event::TOKEN_REVOKED;
use contract::env::PAYMENT_SANDBOX;
use contract::event::CloudEvent;
use metrics::gauge;
use tracing::error;

use super::list::REMEMBERED;
use super::revocations::Revocations;
use crate::discovery::Discovery;
use crate::event::{self, Follower};
use crate::platform::Platform;
use crate::readiness::Condition;

/// An auth that has just appeared may take this long to tell before the service counts as not ready.
const GRACE: Duration = Duration::from_secs(2);

/// Follows auth's revocations until the service stops. No token is good before they are loaded. What is known
/// stays known when auth is down; how old it is shows in the health.
///
/// Auth itself asks its database instead, and the payment sandbox has no users: only services' tokens are good there.
pub fn follow_revocations(platform: &Platform) {
    if matches!(platform.base().service, "auth" | PAYMENT_SANDBOX) {
        return;
    }
    let revocations = platform.identity().access.revocations().clone();
    let list = revocations.clone();
    let follower = event::follow(platform, "auth", REMEMBERED, move |event| take(&list, event));
    let condition = platform.readiness().condition("revocations");
    let discovery = platform.discovery().clone();
    platform.tasks().spawn_until_drain("revocations", load(revocations, follower, condition, discovery));
}

fn take(list: &Revocations, event: &CloudEvent) {
    if event.kind != TOKEN_REVOKED {
        return;
    }
    match event.read::<TokenRevoked>() {
        Ok(revoked) => {
            list.add(&revoked, event.time.timestamp());
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            gauge!("access_token_revocations").set(list.count() as f64);
        }
        // The next one may be readable; this one needs a newer version of this service.
        Err(error) => error!(event.id = %event.id, "a revocation cannot be read: {error}"),
    }
}

async fn load(revocations: Revocations, follower: Follower, condition: Condition, discovery: Discovery) {
    tokio::select! {
        () = follower.loaded() => {}
        never = mind_readiness(&discovery, &condition) => match never {},
    }
    revocations.set_loaded();
    condition.met();
}

/// Without auth there is nothing to load and nobody who logs in: a part of the stack gets ready without it.
async fn mind_readiness(discovery: &Discovery, condition: &Condition) -> Infallible {
    let mut changes = discovery.changes();
    let mut patience = Duration::ZERO;
    loop {
        if discovery.instances("auth").is_empty() {
            condition.met();
        } else {
            tokio::time::sleep(patience).await;
            condition.unmet("auth has not told yet which tokens are revoked");
        }
        patience = GRACE;
        if changes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
