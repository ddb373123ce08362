//! The rules by example, and what holds whatever is asked in whatever order.

use chrono::{DateTime, Utc};
use contract::id::{OrderId, PaymentId};
use contract::payment::{Booking, Entry, Payment, Status};
use proptest::prelude::*;
use uuid::Uuid;

use super::{Books, Command, Refusal};

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn id<T: From<Uuid>>(n: u128) -> T {
    T::from(Uuid::from_u128(n))
}

fn authorise(amount: i64) -> Command {
    let order = id::<OrderId>(1);
    Command::Authorise { order, amount, currency: "KRW".to_owned(), decline: None }
}

fn cancel(key: &str, amount: Option<i64>) -> Command {
    Command::Cancel { key: key.to_owned(), amount }
}

/// Books on paper: what the ledger does, without the disk.
#[derive(Default)]
struct Paper {
    books: Books,
    entries: Vec<Entry>,
}

impl Paper {
    fn book(&mut self, payment: PaymentId, command: Command) -> Result<Option<Booking>, Refusal> {
        let draft = self.books.book(payment, command)?;
        Ok(draft.map(|draft| {
            let entry = self.books.entry(draft, NOW);
            self.books.apply(&entry).expect("what the rules book can follow");
            let booking = entry.booking;
            self.entries.push(entry);
            booking
        }))
    }

    fn payment(&self) -> Payment {
        self.books.payment(id(7)).unwrap()
    }
}

/// What came of each command on one payment.
fn run(commands: impl IntoIterator<Item = Command>) -> (Paper, Vec<Result<Option<Booking>, Refusal>>) {
    let mut paper = Paper::default();
    let outcomes = commands.into_iter().map(|command| paper.book(id(7), command)).collect();
    (paper, outcomes)
}

#[test]
fn a_payment_is_held_taken_and_given_back_in_parts() {
    let (paper, outcomes) = run([
        authorise(100),
        Command::Capture,
        cancel("a", Some(30)),
        cancel("b", Some(60)),
        cancel("c", None),
    ]);
    let bookings = [Booking::Authorise, Booking::Capture, Booking::Refund, Booking::Refund, Booking::Refund];
    assert_eq!(outcomes, bookings.map(|booking| Ok(Some(booking))));
    let amounts: Vec<_> = paper.entries.iter().map(|entry| entry.amount).collect();
    assert_eq!(amounts, [100, 100, 30, 60, 10]);
    let payment = paper.payment();
    assert_eq!(
        (payment.status, payment.captured_amount, payment.refunded_amount),
        (Status::Cancelled, 100, 100)
    );
}

#[test]
fn no_more_is_given_back_than_is_there_and_nothing_twice() {
    let (paper, outcomes) = run([
        authorise(100),
        cancel("a", Some(40)),
        Command::Capture,
        cancel("a", Some(40)),
        cancel("a", Some(40)),
        cancel("a", None),
        cancel("a", Some(41)),
        cancel("b", Some(61)),
        Command::Capture,
    ]);
    assert_eq!(outcomes[1], Err(Refusal::NotInParts), "only what is taken");
    assert_eq!(outcomes[3], Ok(Some(Booking::Refund)));
    assert_eq!(outcomes[4..6], [Ok(None), Ok(None)], "the same key again");
    assert_eq!(outcomes[6..8], [Err(Refusal::OtherAmount), Err(Refusal::TooMuch)]);
    assert_eq!(outcomes[8], Ok(None));
    assert_eq!(paper.payment().status, Status::PartiallyRefunded);
}

#[test]
fn an_id_that_is_cancelled_before_it_came_is_closed_for_ever() {
    let (paper, outcomes) =
        run([cancel("a", None), authorise(100), cancel("b", None), Command::Capture, cancel("c", Some(1))]);
    assert_eq!(outcomes[0], Ok(Some(Booking::Cancel)));
    assert_eq!(outcomes[1], Ok(None), "it sees that it came too late");
    assert_eq!(outcomes[2..], [Ok(None), Err(Refusal::Cancelled), Err(Refusal::TooMuch)]);
    let payment = paper.payment();
    assert_eq!((payment.status, payment.amount, payment.order_id), (Status::Cancelled, 0, None));
}

#[test]
fn an_id_stands_for_one_order_and_amount() {
    let (_, outcomes) = run([authorise(100), authorise(100), authorise(101)]);
    assert_eq!(outcomes, [Ok(Some(Booking::Authorise)), Ok(None), Err(Refusal::Other)]);
}

#[test]
fn what_was_declined_stays_declined() {
    let order = id::<OrderId>(1);
    let declined =
        Command::Authorise { order, amount: 5, currency: "KRW".to_owned(), decline: Some("CARD_DECLINED") };
    let (paper, outcomes) = run([declined, authorise(5), Command::Capture, cancel("a", None)]);
    assert_eq!(outcomes, [Ok(Some(Booking::Decline)), Ok(None), Err(Refusal::Declined), Ok(None)]);
    assert_eq!(paper.payment().decline_code.as_deref(), Some("CARD_DECLINED"));
}

#[test]
fn what_never_came_cannot_be_taken() {
    assert_eq!(run([Command::Capture]).1, [Err(Refusal::Unknown)]);
}

#[test]
fn entries_are_in_order_of_time_also_when_the_clock_goes_back() {
    let mut paper = Paper::default();
    let later = NOW + chrono::TimeDelta::seconds(9);
    let draft = paper.books.book(id(1), authorise(1)).unwrap().unwrap();
    let entry = paper.books.entry(draft, later);
    paper.books.apply(&entry).unwrap();
    paper.book(id(2), authorise(1)).unwrap();
    assert_eq!((paper.entries[0].seq, paper.entries[0].at), (2, later));
}

fn commands() -> impl Strategy<Value = Vec<(u128, Command)>> {
    let amount = 1..6_i64;
    let command = prop_oneof![
        amount.clone().prop_map(authorise),
        Just(Command::Capture),
        ("[ab]", proptest::option::of(amount)).prop_map(|(key, amount)| cancel(&key, amount)),
    ];
    proptest::collection::vec((1..3_u128, command), 0..30)
}

proptest! {
    #[test]
    fn nobody_loses_money_and_saying_it_twice_changes_nothing(commands in commands()) {
        let mut paper = Paper::default();
        for (n, command) in commands {
            let before = paper.books.payment(id(n));
            let first = paper.book(id(n), command.clone());
            let after = paper.books.payment(id(n));
            if !matches!(first, Ok(Some(_))) {
                prop_assert_eq!(&before, &after, "nothing was booked");
            }
            let entries = paper.entries.len();
            let again = paper.book(id(n), command);
            prop_assert_eq!(first.map(|_| ()), again.map(|_| ()), "the same answer");
            prop_assert_eq!(paper.entries.len(), entries, "and nothing more is booked");
            prop_assert_eq!(&paper.books.payment(id(n)), &after);
            let Some(payment) = after else { continue };
            let held = if payment.status == Status::Authorised { payment.amount } else { 0 };
            prop_assert!(held + payment.captured_amount <= payment.amount);
            prop_assert!((0..=payment.captured_amount).contains(&payment.refunded_amount));
        }
    }

    #[test]
    fn the_books_are_a_fold_of_the_entries_and_entries_can_be_taken_back(commands in commands()) {
        let mut paper = Paper::default();
        let mut states = Vec::new();
        for (n, command) in commands {
            let before = paper.books.clone();
            if paper.book(id(n), command).is_ok_and(|booking| booking.is_some()) {
                states.push(before);
            }
        }
        let mut folded = Books::default();
        let mut undo = Vec::new();
        for entry in &paper.entries {
            // As it comes back from the file.
            let entry: Entry = serde_json::from_str(&serde_json::to_string(entry).unwrap()).unwrap();
            undo.push(folded.apply(&entry).unwrap());
        }
        prop_assert_eq!(&folded, &paper.books);
        for (before, state) in undo.into_iter().zip(states).rev() {
            folded.revert(before);
            prop_assert_eq!(&folded, &state);
        }
    }
}
