//! Ends streams: those whose token was revoked, and all of them when the service stops.

use std::sync::Arc;
use std::time::Duration;

use chassis::identity::Revocations;
use chassis::shutdown::Drain;
use tokio::time::sleep;

use super::hub::Hub;

/// Between two sweeps: revocations that come in a row are one sweep.
const PAUSE: Duration = Duration::from_millis(100);

/// Looks at every stream's token when the list of revocations has changed. Never ends.
pub(super) async fn keep_sweeping(hub: Arc<Hub>, revocations: Revocations) {
    let mut changes = revocations.changes();
    // The sender lives as long as the list that is held here.
    while changes.changed().await.is_ok() {
        for room in hub.rooms() {
            room.revoke(|who| revocations.is_revoked(who));
        }
        sleep(PAUSE).await;
    }
}

/// Has every stream see that the service stops.
pub(super) async fn at_drain(hub: Arc<Hub>, drain: Drain) {
    drain.begun().await;
    for room in hub.rooms() {
        room.wake();
    }
}
