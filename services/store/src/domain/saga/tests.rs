use proptest::prelude::*;

use super::*;

const STAGES: [Stage; 7] = [
    Stage::Authorising,
    Stage::Capturing,
    Stage::Voiding(FailureCode::PaymentUnavailable),
    Stage::Voiding(FailureCode::Abandoned),
    Stage::Voiding(FailureCode::PaymentDeclined),
    Stage::Cancelling,
    Stage::Refunding,
];

fn saga(stage: Stage) -> Saga {
    let order = match stage {
        Stage::Authorising | Stage::Voiding(_) => OrderStatus::Pending,
        Stage::Capturing | Stage::Cancelling | Stage::Refunding => OrderStatus::Confirmed,
    };
    Saga { stage, order, wish: Wish::Kept, overdue: Overdue::No }
}

fn reference() -> String {
    "ref-1".to_owned()
}

fn authorisations() -> [Authorisation; 4] {
    [
        Authorisation::Authorised { reference: reference() },
        Authorisation::Captured { reference: reference() },
        Authorisation::Declined { code: "CARD_DECLINED".to_owned() },
        Authorisation::Unknown { reason: "timeout".to_owned() },
    ]
}

fn outcomes() -> Vec<Outcome> {
    let changes = [
        Change::Done,
        Change::Refused { code: "NO".to_owned() },
        Change::Unknown { reason: "timeout".to_owned() },
    ];
    let told = authorisations().map(Outcome::Authorisation).into_iter();
    told.chain(changes.map(Outcome::Change)).chain([Outcome::NotAsked, Outcome::Blocked]).collect()
}

/// Every saga that there can be, with every outcome that there can be.
fn everything() -> impl Iterator<Item = (Saga, Outcome)> {
    STAGES.into_iter().flat_map(|stage| {
        [Wish::Kept, Wish::Cancelled].into_iter().flat_map(move |wish| {
            [Overdue::No, Overdue::Yes].into_iter().flat_map(move |overdue| {
                let saga = Saga { wish, overdue, ..saga(stage) };
                outcomes().into_iter().map(move |outcome| (saga, outcome))
            })
        })
    })
}

#[test]
fn a_stage_is_read_as_it_was_written() {
    for stage in STAGES {
        assert_eq!(Stage::read(stage.kind(), stage.step(), stage.failure()), Some(stage));
    }
    assert_eq!(Stage::read(SagaKind::Place, SagaStep::Done, None), None);
    assert_eq!(Stage::read(SagaKind::Refund, SagaStep::Void, None), None);
}

#[test]
fn an_order_that_goes_well_is_confirmed_then_paid_and_sold() {
    let [held, taken, ..] = authorisations();
    let confirmed = advance(saga(Stage::Authorising), Outcome::Authorisation(held));
    assert_eq!(
        confirmed,
        Advance {
            payment: Some(PaymentWrite::Authorised { reference: reference() }),
            order: Some(OrderWrite::Confirm),
            stock: None,
            next: Next::Rest(Stage::Capturing),
        }
    );
    let paid = advance(saga(Stage::Capturing), Outcome::Change(Change::Done));
    let end = Next::End(SagaState::Completed);
    let captured = PaymentWrite::Captured { reference: None };
    assert_eq!((paid.payment, paid.stock, paid.next), (Some(captured), Some(StockWrite::Sell), end.clone()));
    // A provider with one call for both.
    let at_once = advance(saga(Stage::Authorising), Outcome::Authorisation(taken));
    assert_eq!((at_once.order, at_once.stock), (Some(OrderWrite::Confirm), Some(StockWrite::Sell)));
    assert_eq!(at_once.next, end);
}

#[test]
fn a_declined_order_fails_at_once_or_is_cancelled_if_that_was_wished() {
    let [_, _, declined, _] = authorisations();
    for (wish, order) in
        [(Wish::Kept, OrderWrite::Fail(FailureCode::PaymentDeclined)), (Wish::Cancelled, OrderWrite::Cancel)]
    {
        let saga = Saga { wish, ..saga(Stage::Authorising) };
        let end = advance(saga, Outcome::Authorisation(declined.clone()));
        assert_eq!((end.order, end.stock), (Some(order), Some(StockWrite::Release)));
        assert_eq!(end.next, Next::End(SagaState::Compensated));
    }
}

#[test]
fn whoever_gives_up_before_the_pivot_lets_the_provider_close_the_payment_first() {
    for (wish, overdue, failure) in [
        (Wish::Kept, Overdue::Yes, FailureCode::PaymentUnavailable),
        (Wish::Cancelled, Overdue::No, FailureCode::Abandoned),
        (Wish::Cancelled, Overdue::Yes, FailureCode::Abandoned),
    ] {
        let saga = Saga { wish, overdue, ..saga(Stage::Authorising) };
        assert_eq!(question(saga, Others::Ended), Question::None(Outcome::NotAsked));
        let [held, taken, _, unknown] = authorisations().map(Outcome::Authorisation);
        for outcome in [held, taken, unknown, Outcome::NotAsked] {
            let turned = advance(saga, outcome);
            assert_eq!(turned.next, Next::Rest(Stage::Voiding(failure)));
            assert_eq!((turned.order, turned.stock), (None, None));
        }
    }
}

#[test]
fn a_cancellation_waits_for_the_placing_and_has_nothing_to_do_when_that_was_undone() {
    let cancelling = Saga { wish: Wish::Cancelled, ..saga(Stage::Cancelling) };
    assert_eq!(question(cancelling, Others::Running), Question::None(Outcome::Blocked));
    assert_eq!(advance(cancelling, Outcome::Blocked).next, Next::Wait);
    assert_eq!(question(cancelling, Others::Ended), Question::Void);
    let undone = Saga { order: OrderStatus::Cancelled, ..cancelling };
    assert_eq!(question(undone, Others::Ended), Question::None(Outcome::NotAsked));
    assert_eq!(advance(undone, Outcome::NotAsked), Advance::to(Next::End(SagaState::Completed)));
    assert_eq!(resolve(undone, Resolution::Completed), Advance::to(Next::End(SagaState::Resolved)));
}

#[test]
fn whatever_happens_only_the_pivot_confirms_and_nothing_turns_back_behind_it() {
    for (saga, outcome) in everything() {
        let about = format!("{saga:?} {outcome:?}");
        let next = advance(saga, outcome);
        if next.order == Some(OrderWrite::Confirm) {
            assert_eq!(
                (saga.stage, saga.wish, saga.overdue),
                (Stage::Authorising, Wish::Kept, Overdue::No),
                "{about}"
            );
        }
        if saga.stage == Stage::Capturing {
            assert!(!matches!(next.next, Next::Rest(_) | Next::End(SagaState::Compensated)), "{about}");
            assert_eq!(next.order, None, "{about}");
        }
        if matches!(next.payment, Some(PaymentWrite::Captured { .. })) {
            let confirmed = saga.order == OrderStatus::Confirmed || next.order == Some(OrderWrite::Confirm);
            assert!(confirmed && next.stock == Some(StockWrite::Sell), "{about}");
        }
        if matches!(next.next, Next::Retry { .. } | Next::Stuck { .. } | Next::Wait) {
            assert_eq!((next.order, next.stock), (None, None), "what does not move changes nothing: {about}");
        }
        if next.stock.is_some() {
            assert!(matches!(next.next, Next::End(_)), "goods move once, at the end: {about}");
        }
    }
}

#[test]
fn a_person_ends_every_saga_and_goods_and_money_end_together() {
    for stage in STAGES {
        for how in [Resolution::Completed, Resolution::Compensated] {
            let end = resolve(saga(stage), how);
            assert_eq!(end.next, Next::End(SagaState::Resolved), "{stage:?} {how:?}");
            let paid = matches!(end.payment, Some(PaymentWrite::Captured { .. }));
            assert_eq!(paid, end.stock == Some(StockWrite::Sell), "{stage:?} {how:?}");
        }
        for state in [SagaState::Running, SagaState::Stuck] {
            let undone = compensate(saga(stage), state);
            let possible = match stage {
                Stage::Authorising | Stage::Capturing | Stage::Voiding(_) => true,
                Stage::Refunding => state == SagaState::Stuck,
                Stage::Cancelling => false,
            };
            assert_eq!(undone.is_some(), possible, "{stage:?} {state}");
        }
    }
}

#[test]
fn pauses_double_up_to_half_a_minute_and_are_never_all_the_same() {
    use std::time::Duration;
    let first = Duration::from_millis(100);
    assert_eq!(pause(first, 1, 1.0), Duration::from_millis(100));
    assert_eq!(pause(first, 1, 0.0), Duration::from_millis(50));
    assert_eq!(pause(first, 4, 1.0), Duration::from_millis(800));
    assert_eq!(pause(first, u32::MAX, 1.0), Duration::from_secs(30));
}

/// A provider whose answers get lost, but whose books are right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Money {
    Nowhere,
    Held,
    Taken,
    /// Given back, or closed before it came.
    Closed,
    Declined,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goods {
    Held,
    Sold,
    Released,
}

/// What the world does around one attempt.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a die of its own")]
struct Turn {
    arrives: bool,
    answered: bool,
    one_call: bool,
    declines: bool,
    cancelled: bool,
    overdue: bool,
}

fn turn() -> impl Strategy<Value = Turn> {
    let rare = || prop::bool::weighted(0.1);
    (prop::bool::weighted(0.7), prop::bool::weighted(0.6), any::<bool>(), rare(), rare(), rare()).prop_map(
        |(arrives, answered, one_call, declines, cancelled, overdue)| Turn {
            arrives,
            answered,
            one_call,
            declines,
            cancelled,
            overdue,
        },
    )
}

struct World {
    saga: Saga,
    money: Money,
    goods: Goods,
    authorised: bool,
    ended: Option<SagaState>,
}

impl World {
    fn new() -> Self {
        let saga = saga(Stage::Authorising);
        Self { saga, money: Money::Nowhere, goods: Goods::Held, authorised: false, ended: None }
    }

    fn attempt(&mut self, turn: Turn) {
        // The order's owner can only cancel what is pending here; afterwards that is another saga.
        if turn.cancelled && self.saga.order == OrderStatus::Pending {
            self.saga.wish = Wish::Cancelled;
        }
        if turn.overdue {
            self.saga.overdue = Overdue::Yes;
        }
        let outcome = match question(self.saga, Others::Ended) {
            Question::None(outcome) => outcome,
            Question::Authorise => Outcome::Authorisation(self.authorise(turn)),
            Question::Capture => Outcome::Change(self.change(turn, Money::Taken)),
            Question::Void => Outcome::Change(self.change(turn, Money::Closed)),
            Question::Refund => unreachable!("no refund was begun"),
        };
        self.apply(advance(self.saga, outcome));
    }

    fn authorise(&mut self, turn: Turn) -> Authorisation {
        if turn.arrives && self.money == Money::Nowhere {
            self.money = match (turn.declines, turn.one_call) {
                (true, _) => Money::Declined,
                (false, true) => Money::Taken,
                (false, false) => Money::Held,
            };
        }
        if !(turn.arrives && turn.answered) {
            return Authorisation::Unknown { reason: "lost".to_owned() };
        }
        match self.money {
            Money::Nowhere => Authorisation::Unknown { reason: "nowhere".to_owned() },
            Money::Held => Authorisation::Authorised { reference: reference() },
            Money::Taken => Authorisation::Captured { reference: reference() },
            Money::Closed | Money::Declined => Authorisation::Declined { code: "NO".to_owned() },
        }
    }

    fn change(&mut self, turn: Turn, to: Money) -> Change {
        if turn.arrives {
            if to == Money::Taken {
                assert!(
                    matches!(self.money, Money::Held | Money::Taken),
                    "captured what nobody had authorised"
                );
            }
            self.money = to;
        }
        if turn.arrives && turn.answered {
            Change::Done
        } else {
            Change::Unknown { reason: "lost".to_owned() }
        }
    }

    fn apply(&mut self, advance: Advance) {
        match advance.payment {
            Some(PaymentWrite::Authorised { .. }) => self.authorised = true,
            Some(PaymentWrite::Captured { reference }) => {
                assert!(self.authorised || reference.is_some(), "captured without authorisation");
            }
            _ => {}
        }
        if let Some(write) = advance.stock {
            assert_eq!(self.goods, Goods::Held, "goods moved twice");
            self.goods = match write {
                StockWrite::Sell => Goods::Sold,
                StockWrite::Release => Goods::Released,
                StockWrite::Return => panic!("nothing was sold before"),
            };
        }
        if let Some(write) = advance.order {
            let before = self.saga.order;
            assert_eq!(before, OrderStatus::Pending, "behind the pivot only a person undoes");
            self.saga.order = match write {
                OrderWrite::Confirm => OrderStatus::Confirmed,
                OrderWrite::Fail(_) => OrderStatus::Failed,
                OrderWrite::Cancel => OrderStatus::Cancelled,
                OrderWrite::Keep => before,
            };
        }
        match advance.next {
            Next::Rest(stage) => self.saga.stage = stage,
            Next::Retry { .. } => {}
            Next::End(state) => self.ended = Some(state),
            Next::Wait | Next::Stuck { .. } => panic!("nothing here is refused, and nobody is waited for"),
        }
    }
}

proptest! {
    #[test]
    fn every_order_ends_and_with_its_goods_and_its_money_in_the_same_place(
        turns in prop::collection::vec(turn(), 0..40),
    ) {
        let mut world = World::new();
        for turn in turns {
            if world.ended.is_none() {
                world.attempt(turn);
            }
        }
        // From here on the provider is well.
        let well = Turn {
            arrives: true, answered: true, one_call: false, declines: false, cancelled: false, overdue: false,
        };
        for _ in 0..3 {
            if world.ended.is_none() {
                world.attempt(well);
            }
        }
        let (order, goods, money) = (world.saga.order, world.goods, world.money);
        match world.ended {
            Some(SagaState::Completed) => {
                prop_assert_eq!((order, goods, money), (OrderStatus::Confirmed, Goods::Sold, Money::Taken));
            }
            Some(SagaState::Compensated) => {
                prop_assert!(matches!(order, OrderStatus::Failed | OrderStatus::Cancelled));
                prop_assert_eq!(order == OrderStatus::Cancelled, world.saga.wish == Wish::Cancelled);
                prop_assert_eq!(goods, Goods::Released);
                prop_assert!(matches!(money, Money::Closed | Money::Declined), "{:?}", money);
            }
            ended => prop_assert!(false, "{:?}", ended),
        }
    }
}
