//! Each check finds its fault.

use std::collections::BTreeSet;

use contract::payment::Booking;
use contract::store::{OrderStatus, PaymentStatus};

use super::world::{PRICE, Story, World, entry};
use crate::audit::{Auditor, EntryFault, HoldState, LedgerFault, Report, Violation};

type Plant = (&'static str, fn(&mut World));

/// In the order of what they are about. Each names the word that an audit must answer with.
const PLANTS: [Plant; 27] = [
    ("NO_STOCK", |world| world.items[0].stock = None),
    ("STOCK_SUM", |world| world.items[0].stock.as_mut().unwrap().available += 1),
    ("STOCK_LEDGER", |world| world.items[0].ledger.available += 1),
    ("STOCK_HELD", |world| world.items[0].held += 1),
    ("STOCK_SOLD", |world| world.items[0].sold -= 1),
    ("ORDER_UNATTENDED", |world| world.order(Story::Authorising).sagas.clear()),
    ("ORDER_HOLDS", |world| world.order(Story::Voided).holds[0].state = HoldState::Held),
    ("ORDER_GOODS", |world| world.order(Story::Declined).holds[0].state = HoldState::Sold),
    ("ORDER_GOODS", |world| world.order(Story::Paid).holds.clear()),
    ("ORDER_GOODS", |world| world.order(Story::Shipped).holds[0].quantity -= 1),
    ("ORDER_NOT_PAID", |world| world.order(Story::Paid).payments.clear()),
    ("ORDER_PAID_TWICE", |world| {
        let id = world.id().into();
        let order = world.order(Story::Paid);
        let mut second = order.payments[0].clone();
        second.id = id;
        order.payments.push(second);
    }),
    ("PAYMENT_OPEN", |world| world.order(Story::Voided).payments[0].status = PaymentStatus::Unknown),
    ("PAYMENT_AMOUNT", |world| world.order(Story::Capturing).payments[0].amount += 1),
    ("PAYMENT_AMOUNT", |world| world.order(Story::Paid).payments[0].currency = "USD".to_owned()),
    ("PAYMENT_REFUNDED", |world| world.order(Story::Paid).payments[0].refunded = PRICE),
    ("PAYMENT_REFUNDED", |world| world.order(Story::Refunded).payments[0].refunded -= 1),
    ("PAYMENT_KEPT", |world| world.order(Story::Paid).status = OrderStatus::Failed),
    ("PAYMENT_KEPT", |world| world.order(Story::PartlyRefunded).status = OrderStatus::Refunded),
    ("PAYMENT_KEPT_BY_PROVIDER", |world| drop_last(world, Story::Cancelled)),
    ("PAYMENT_KEPT_BY_PROVIDER", |world| drop_last(world, Story::TakenAndGivenBack)),
    ("PAYMENT_KEPT_BY_PROVIDER", |world| drop_last(world, Story::Voided)),
    ("PAYMENT_PROVIDER", |world| drop_last(world, Story::Paid)),
    ("PAYMENT_PROVIDER", |world| drop_last(world, Story::PartlyRefunded)),
    ("PAYMENT_CURRENCY", |world| {
        let payment = world.order(Story::Paid).payments[0].id;
        let entries = world.entries.iter_mut().filter(|entry| entry.payment_id == payment);
        entries.for_each(|entry| entry.currency = "USD".to_owned());
    }),
    ("PAYMENT_OTHER_ORDER", |world| {
        let (payment, other) = (world.order(Story::Paid).payments[0].id, world.order(Story::Shipped).id);
        let entries = world.entries.iter_mut().filter(|entry| entry.payment_id == payment);
        entries.for_each(|entry| entry.order_id = Some(other));
    }),
    ("REFUND_FORGOTTEN", |world| {
        let id = world.id().into();
        world.order(Story::Paid).payments[0].pending.push(id);
    }),
];

/// The provider never booked the last thing that happened to the order's payment.
fn drop_last(world: &mut World, story: Story) {
    let payment = world.order(story).payments[0].id;
    let last = world.entries.iter().rposition(|entry| entry.payment_id == payment).expect("an entry");
    world.entries.remove(last);
}

fn kinds(report: &Report) -> BTreeSet<&'static str> {
    report.violations.iter().map(Violation::kind).collect()
}

#[track_caller]
fn assert_found(name: &str, report: &Report) {
    assert!(kinds(report).contains(name), "{name}: {:?}", report.violations);
    for violation in &report.violations {
        assert!(!violation.to_string().is_empty() && !violation.help().is_empty());
    }
}

#[test]
fn each_planted_fault_of_goods_and_money_is_found() {
    for (name, plant) in PLANTS {
        let mut world = World::of_all();
        plant(&mut world);
        assert_found(name, &world.audit());
    }
}

#[test]
fn a_fault_says_which_order_and_which_payment() {
    let mut world = World::of_all();
    drop_last(&mut world, Story::Cancelled);
    let order = world.order(Story::Cancelled);
    let (id, payment) = (order.id, order.payments[0].id);
    let report = world.audit();
    let [violation] = &report.violations[..] else { panic!("{:?}", report.violations) };
    assert_eq!((violation.order(), violation.payment()), (Some(id), Some(payment)));
    assert_eq!(
        violation.to_string(),
        format!(
            "payment {payment} of order {id}: the order is CANCELLED, and the provider keeps 2000 and holds 0"
        )
    );
}

#[test]
fn money_on_its_way_is_counted_and_held_against_nobody() {
    let mut world = World::of_all();
    // There it is taken; here nobody knows.
    let order = world.order(Story::Authorising);
    let (id, payment, total) = (order.id, order.payments[0].id, order.total);
    world.entries.push(entry(Some(id), payment, Booking::Authorise, total));
    assert_eq!(world.audit().violations, []);
}

#[test]
fn another_providers_money_is_not_looked_for_in_the_sandbox() {
    let mut world = World::of_all();
    world.order(Story::Paid).payments[0].in_sandbox = false;
    let payment = world.order(Story::Paid).payments[0].id;
    world.entries.retain(|entry| entry.payment_id != payment);
    assert_eq!(world.audit().violations, []);
}

#[test]
fn sagas_past_their_deadline_are_found_unless_somebody_knows() {
    let mut world = World::of_all();
    let saga = &mut world.order(Story::Authorising).sagas[0];
    saga.past_deadline_ms = 15_001;
    assert_found("SAGA_OVERDUE", &world.audit());

    let mut world = World::of_all();
    let saga = &mut world.order(Story::Capturing).sagas[0];
    (saga.past_deadline_ms, saga.untouched_ms) = (600_000, 10_000);
    assert_eq!(world.audit().violations, [], "it is past the pivot and being tried");
    world.order(Story::Capturing).sagas[0].untouched_ms = 15_001;
    assert_found("SAGA_UNTOUCHED", &world.audit());
    world.order(Story::Capturing).sagas[0].attempt = 10;
    let report = world.audit();
    assert_eq!((report.violations.len(), report.stuck.len()), (0, 2), "store lists it as stuck");
}

#[test]
fn a_key_that_made_two_orders_is_found() {
    let mut world = World::of_all();
    let (order, other) = (world.order(Story::Paid).id, world.order(Story::Shipped).id);
    let mut auditor = Auditor::new(world.ledger(0));
    auditor.same_key(order, other);
    assert!(kinds(&auditor.finish()).contains("ORDER_SAME_KEY"));
}

#[test]
fn a_payment_that_store_does_not_know_is_found_unless_it_came_later() {
    let stranger = |world: &mut World| {
        let (order, payment) = (world.id().into(), world.id().into());
        [(Booking::Authorise, 5), (Booking::Capture, 5)]
            .map(|(booking, amount)| entry(Some(order), payment, booking, amount))
    };
    let mut world = World::of_all();
    let entries = stranger(&mut world);
    world.entries.extend(entries);
    assert_found("LEDGER_STRANGER", &world.audit());

    let mut world = World::of_all();
    let entries = stranger(&mut world);
    world.later.extend(entries);
    assert_eq!(world.audit().violations, []);
}

/// What the ledger says about an entry after one payment was authorised with 100 and captured with 60.
fn fault(bookings: &[(Booking, i64)]) -> Option<EntryFault> {
    let mut world = World::with_items(1);
    let (order, payment) = (world.id().into(), world.id().into());
    world.entries =
        bookings.iter().map(|(booking, amount)| entry(Some(order), payment, *booking, *amount)).collect();
    let report = world.audit();
    report.violations.iter().find_map(|violation| match violation {
        Violation::Ledger(LedgerFault::Entry { fault, .. }) => Some(*fault),
        _ => None,
    })
}

#[test]
fn the_ledger_is_held_against_itself() {
    use Booking::{Authorise, Cancel, Capture, Decline, Refund};
    for (bookings, expected) in [
        (&[(Authorise, 100), (Capture, 100), (Refund, 100)][..], None),
        (&[(Authorise, 100), (Cancel, 100)], None),
        (&[(Authorise, 100), (Authorise, 100)], Some(EntryFault::Again)),
        (&[(Authorise, 100), (Decline, 100)], Some(EntryFault::Again)),
        (&[(Decline, 100), (Authorise, 100)], Some(EntryFault::Again)),
        (&[(Cancel, 0), (Authorise, 100)], Some(EntryFault::Again)),
        (&[(Authorise, 0)], Some(EntryFault::NoAmount)),
        (&[(Capture, 100)], Some(EntryFault::MoreThanAuthorised)),
        (&[(Authorise, 100), (Capture, 101)], Some(EntryFault::MoreThanAuthorised)),
        (&[(Authorise, 100), (Cancel, 101)], Some(EntryFault::MoreThanHeld)),
        (&[(Authorise, 100), (Capture, 100), (Refund, 101)], Some(EntryFault::MoreThanCaptured)),
        (&[(Authorise, 100), (Capture, 100), (Refund, 1), (Refund, 1)], Some(EntryFault::SameKey)),
    ] {
        assert_eq!(fault(bookings), expected, "{bookings:?}");
    }
}

#[test]
fn an_entry_of_another_order_or_currency_is_found() {
    let mut world = World::with_items(1);
    let (order, other, payment) = (world.id().into(), world.id().into(), world.id().into());
    let first = entry(Some(order), payment, Booking::Authorise, 100);
    let mut capture = entry(Some(other), payment, Booking::Capture, 100);
    world.entries = vec![first.clone(), capture.clone()];
    assert!(format!("{:?}", world.audit().violations).contains("OtherOrder"));
    (capture.order_id, capture.currency) = (Some(order), "USD".to_owned());
    world.entries = vec![first, capture];
    assert!(format!("{:?}", world.audit().violations).contains("OtherCurrency"));
}
