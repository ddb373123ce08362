//! Books in which everything is right, and every fault that can be planted in them.

mod planted;
mod reading;
mod world;

use proptest::prelude::*;

use self::world::{STORIES, World};

#[test]
fn one_order_of_each_kind_is_right() {
    let report = World::of_all().audit();
    assert_eq!(report.violations, []);
    assert_eq!((report.orders, report.payments, report.in_flight, report.stuck.len()), (14, 13, 3, 1));
}

proptest! {
    #[test]
    fn a_history_without_faults_has_no_violation(
        told in prop::collection::vec((0..STORIES.len(), 0_usize..4, 2_i64..50), 0..60),
        read in 0.0..=1.0_f64,
    ) {
        let mut world = World::with_items(4);
        for (story, item, quantity) in told {
            world.tell(STORIES[story], item, quantity);
        }
        // Store's books lie anywhere between the two readings: all entries but the later ones were made by then.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "few")]
        let read = (world.entries.len() as f64 * read) as usize;
        let report = world.audit_after(world.ledger(read));
        prop_assert_eq!(report.violations, []);
    }
}
