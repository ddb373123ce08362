//! The demo: three accounts with known passwords, the bots, a catalogue.

use uuid::Uuid;

use super::catalogue::{DEMO_ITEMS, demo_item};
use super::content::BOTS;
use super::copy::{Rows, Value};
use super::load::{Fill, Step};
use super::number::EPOCH;
use super::password;
use super::people::Person;
use super::tables::{
    AUTH_USER, CHATBOT, CHATBOT_PROMPT, PREFERENCE, PROMPT_IN_USE, STOCK, STOCK_LEDGER, STORE_ITEM,
    USER_PROFILE, USER_ROLE,
};

/// A demo account. Its password is public: demo data is for a developer's machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Account {
    pub email: &'static str,
    pub password: &'static str,
    pub role: &'static str,
    #[serde(skip)]
    first_name: &'static str,
    #[serde(skip)]
    last_name: &'static str,
}

pub(crate) const ACCOUNTS: [Account; 3] = [
    Account {
        email: "minji@dorandoran.dev",
        password: "dorandoran1",
        role: "ROLE_USER",
        first_name: "민지",
        last_name: "김",
    },
    Account {
        email: "junho@dorandoran.dev",
        password: "dorandoran2",
        role: "ROLE_USER",
        first_name: "준호",
        last_name: "이",
    },
    Account {
        email: "admin@dorandoran.dev",
        password: "dorandoran-admin1",
        role: "ROLE_ADMIN",
        first_name: "관리자",
        last_name: "최",
    },
];

/// What the demo puts into a database.
pub(super) fn steps(database: &str) -> Vec<Step> {
    let accounts = ACCOUNTS.len() as u64;
    let bots = BOTS.len() as u64;
    let fills = match database {
        "auth_db" => vec![Fill::new(&AUTH_USER, 0..accounts, |index, rows| {
            let hash = password::hash(account(index).password, 0, index);
            person(index).auth_user(&hash, rows);
        })],
        "user_db" => vec![
            Fill::new(&USER_PROFILE, 0..accounts, |index, rows| {
                person(index).user_profile(rows);
            }),
            Fill::new(&USER_ROLE, 0..accounts, |index, rows| {
                person(index).user_role(rows);
            }),
            Fill::new(&PREFERENCE, 0..accounts, |index, rows| {
                person(index).preference("language", r#""ko""#, rows);
            }),
        ],
        "chat_db" => vec![
            Fill::new(&CHATBOT, 0..bots, chatbot),
            Fill::new(&CHATBOT_PROMPT, 0..bots, |index, rows| {
                chatbot_prompt(index, rows);
            }),
            Fill::new(&PROMPT_IN_USE, 0..bots, |index, rows| {
                prompt_in_use(index, rows);
            }),
        ],
        "store_db" => vec![
            Fill::new(&STORE_ITEM, 0..DEMO_ITEMS, |index, rows| {
                demo_item(index).store_item(rows);
            }),
            Fill::new(&STOCK, 0..DEMO_ITEMS, |index, rows| demo_item(index).stock(rows)),
            Fill::new(&STOCK_LEDGER, 0..DEMO_ITEMS, |index, rows| {
                demo_item(index).stock_ledger(rows);
            }),
        ],
        _ => Vec::new(),
    };
    fills.into_iter().map(Step::Fill).collect()
}

fn account(index: u64) -> &'static Account {
    &ACCOUNTS[usize::try_from(index).unwrap_or_default()]
}

fn person(index: u64) -> Person {
    let account = account(index);
    // 11111111-1111-7111-8111-11111111111N: easy to recognise, and a valid UUIDv7.
    let mut id = [0x11; 16];
    (id[6], id[8]) = (0x71, 0x81);
    id[15] = 0x11 + u8::try_from(index).unwrap_or_default();
    Person {
        id: Uuid::from_bytes(id),
        email: account.email.to_owned(),
        first_name: account.first_name,
        last_name: account.last_name,
        role: account.role,
        knows_coach: false,
        created_at: EPOCH,
    }
}

fn chatbot(index: u64, rows: &mut Rows) {
    let bot = &BOTS[usize::try_from(index).unwrap_or_default()];
    rows.push(&[
        Value::Uuid(bot.id()),
        Value::Text(bot.name),
        Value::Text(bot.slug),
        Value::Text(bot.concept),
        Value::Text(bot.description),
        Value::Time(EPOCH),
        Value::Time(EPOCH),
    ]);
}

fn chatbot_prompt(index: u64, rows: &mut Rows) {
    let bot = &BOTS[usize::try_from(index).unwrap_or_default()];
    rows.push(&[
        Value::Uuid(bot.id()),
        Value::Int4(1),
        Value::Text(bot.prompt),
        Value::Text("first version"),
        Value::Time(EPOCH),
    ]);
}

fn prompt_in_use(index: u64, rows: &mut Rows) {
    let bot = &BOTS[usize::try_from(index).unwrap_or_default()];
    rows.push(&[Value::Uuid(bot.id()), Value::Text("conversation"), Value::Int4(1), Value::Time(EPOCH)]);
}
