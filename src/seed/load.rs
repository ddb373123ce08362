//! The load: what so many learners put into each database.

use std::ops::Range;

use super::bookmarks::bookmarks;
use super::catalogue::variant;
use super::copy::Rows;
use super::demo;
use super::number::Time;
use super::people::{joined, last_activity, learner, preferences};
use super::rooms::rooms;
use super::tables::{
    AUTH_USER, BOOKMARK, CHAT_ROOM, INTIMACY_PROGRESS, MESSAGE, PREFERENCE, STOCK, STOCK_LEDGER, STORE_ITEM,
    Table, USER_PROFILE, USER_ROLE,
};
use super::{Request, password};

/// Every learner of a load has it.
pub(crate) const LOAD_PASSWORD: &str = "dorandoran1";
/// A store of a thousand items serves a hundred thousand learners.
const USERS_PER_ITEM: u64 = 100;

/// The address of a load's `index`-th learner.
pub(crate) fn email_of(number: u64, index: u64) -> String {
    learner(number, index).email
}

/// Appends the rows of the thing with this index.
type Generate = dyn Fn(u64, &mut Rows) + Send + Sync;

/// The rows of one table, by index.
pub(super) struct Fill {
    pub table: &'static Table,
    pub range: Range<u64>,
    pub generate: Box<Generate>,
}

impl Fill {
    pub(super) fn new(
        table: &'static Table,
        range: Range<u64>,
        generate: impl Fn(u64, &mut Rows) + Send + Sync + 'static,
    ) -> Self {
        Self { table, range, generate: Box::new(generate) }
    }
}

/// One thing to do in a database.
pub(super) enum Step {
    Fill(Fill),
    /// There must be partitions for messages of this time.
    MessageMonths {
        from: Time,
        to: Time,
    },
}

/// What a request puts into a database; of a load only what the first `done` learners have not brought yet.
pub(super) fn steps(request: Request, database: &str, done: u64) -> Vec<Step> {
    let Request::Load { users, number } = request else {
        return demo::steps(database);
    };
    let users = done..u64::from(users);
    match database {
        "auth_db" => vec![Step::Fill(accounts(number, users))],
        "user_db" => profiles(number, &users).map(Step::Fill).into(),
        "chat_db" => conversations(number, &users),
        "store_db" => store(number, &users).map(Step::Fill).into(),
        _ => Vec::new(),
    }
}

fn accounts(number: u64, users: Range<u64>) -> Fill {
    // One hash for all: a real one each would take half an hour per hundred thousand.
    let hash = password::hash(LOAD_PASSWORD, number, 0);
    Fill::new(&AUTH_USER, users, move |index, rows| {
        learner(number, index).auth_user(&hash, rows);
    })
}

fn profiles(number: u64, users: &Range<u64>) -> [Fill; 3] {
    [
        Fill::new(&USER_PROFILE, users.clone(), move |index, rows| {
            learner(number, index).user_profile(rows);
        }),
        Fill::new(&USER_ROLE, users.clone(), move |index, rows| {
            learner(number, index).user_role(rows);
        }),
        Fill::new(&PREFERENCE, users.clone(), move |index, rows| {
            preferences(number, index, rows);
        }),
    ]
}

fn conversations(number: u64, users: &Range<u64>) -> Vec<Step> {
    // Rooms refer to the bots, which are the demo's.
    let mut steps = demo::steps("chat_db");
    if let Some(last) = users.end.checked_sub(1) {
        steps.push(Step::MessageMonths { from: joined(users.start), to: last_activity(last) });
    }
    let each_room = move |row: fn(&super::rooms::Room, &mut Rows)| {
        move |index: u64, rows: &mut Rows| rooms(number, index).for_each(|room| row(&room, rows))
    };
    let fills = [
        Fill::new(&CHAT_ROOM, users.clone(), each_room(super::rooms::Room::row)),
        Fill::new(&MESSAGE, users.clone(), each_room(super::rooms::Room::message_rows)),
        Fill::new(&INTIMACY_PROGRESS, users.clone(), each_room(super::rooms::Room::progress_row)),
    ];
    steps.extend(fills.map(Step::Fill));
    steps
}

fn store(number: u64, users: &Range<u64>) -> [Fill; 4] {
    let items = users.start.div_ceil(USERS_PER_ITEM)..users.end.div_ceil(USERS_PER_ITEM);
    [
        Fill::new(&STORE_ITEM, items.clone(), move |index, rows| {
            variant(number, index).store_item(rows);
        }),
        Fill::new(&STOCK, items.clone(), move |index, rows| {
            variant(number, index).stock(rows);
        }),
        Fill::new(&STOCK_LEDGER, items, move |index, rows| {
            variant(number, index).stock_ledger(rows);
        }),
        Fill::new(&BOOKMARK, users.clone(), move |index, rows| {
            bookmarks(number, index, rows);
        }),
    ]
}
