//! `doran sagas audit` and `verify` on books in PostgreSQL and a ledger in a file, without a stack.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use contract::payment::{Booking, Entry};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor as _, PgPool};
use tempfile::TempDir;
use testkit::TestDb;
use uuid::Uuid;

use crate::fixture::{Said, finish};

/// Items 1 and 2; orders 11 (paid), 12 (declined), 13 (partly refunded), 14 (on its way) and 15 (stuck), with
/// payments 21 … 25 and sagas 31 … 35.
const BOOKS: &str = r#"
insert into store_item (id, sku, name, category, price) values
  ('00000000-0000-0000-0000-000000000001', 'BOOK', '책', 'book', 1000),
  ('00000000-0000-0000-0000-000000000002', 'CARD', '카드', 'card', 500);

insert into stock (item_id, initial, available, held, sold) values
  ('00000000-0000-0000-0000-000000000001', 100, 95, 2, 3),
  ('00000000-0000-0000-0000-000000000002', 10, 10, 0, 0);

insert into "order" (id, user_id, status, currency, total_amount, failure_code, version)
select
  ('00000000-0000-0000-0000-0000000000' || number)::uuid,
  '00000000-0000-0000-0000-0000000000ff',
  status, 'KRW', amount, failure_code, version
from (values
  (11, 'CONFIRMED', 2000, null, 2),
  (12, 'FAILED', 1000, 'PAYMENT_DECLINED', 2),
  (13, 'SHIPPED', 1000, null, 3),
  (14, 'PENDING', 1000, null, 1),
  (15, 'CONFIRMED', 1000, null, 2)
) as told (number, status, amount, failure_code, version);

insert into order_item (order_id, position, item_id, name, unit_price, quantity)
select id, 1, '00000000-0000-0000-0000-000000000001', '책', 1000, total_amount / 1000
from "order";

insert into order_history (order_id, seq, kind, from_status, to_status, actor_id, data)
select id, 1, 'PLACED', null, 'PENDING', user_id,
  jsonb_build_object('totalAmount', total_amount, 'currency', currency)
from "order"
union all
select id, 2, 'CONFIRMED', 'PENDING', 'CONFIRMED', null, '{}' from "order" where status in ('CONFIRMED', 'SHIPPED')
union all
select id, 2, 'FAILED', 'PENDING', 'FAILED', null, '{"failureCode": "PAYMENT_DECLINED"}'
from "order" where status = 'FAILED'
union all
select id, 3, 'SHIPPED', 'CONFIRMED', 'SHIPPED', null, '{}' from "order" where status = 'SHIPPED';

insert into stock_hold (order_id, item_id, quantity, state, expires_at)
select id, '00000000-0000-0000-0000-000000000001', total_amount / 1000,
  case id::text
    when '00000000-0000-0000-0000-000000000012' then 'RELEASED'
    when '00000000-0000-0000-0000-000000000014' then 'HELD'
    when '00000000-0000-0000-0000-000000000015' then 'HELD'
    else 'SOLD'
  end,
  now() + interval '1 hour'
from "order";

insert into stock_ledger (item_id, kind, initial_delta, available_delta, held_delta, sold_delta, order_id)
select stock.item_id, 'ADJUST', stock.initial, stock.initial, 0, 0, null from stock
union all
select item_id, 'HOLD', 0, -quantity, quantity, 0, order_id from stock_hold
union all
select item_id, 'RELEASE', 0, quantity, -quantity, 0, order_id from stock_hold where state = 'RELEASED'
union all
select item_id, 'SELL', 0, 0, -quantity, quantity, order_id from stock_hold where state = 'SOLD';

insert into payment (id, order_id, provider, method, status, currency, amount, refunded_amount)
select
  ('00000000-0000-0000-0000-0000000000' || number)::uuid,
  ('00000000-0000-0000-0000-0000000000' || number - 10)::uuid,
  'sandbox', 'card', status, 'KRW', amount, refunded
from (values
  (21, 'CAPTURED', 2000, 0),
  (22, 'DECLINED', 1000, 0),
  (23, 'PARTIALLY_REFUNDED', 1000, 300),
  (24, 'UNKNOWN', 1000, 0),
  (25, 'AUTHORISED', 1000, 0)
) as told (number, status, amount, refunded);

insert into refund (id, payment_id, amount, reason, state) values
  ('00000000-0000-0000-0000-000000000041', '00000000-0000-0000-0000-000000000023', 300, 'a page was torn', 'DONE'),
  ('00000000-0000-0000-0000-000000000042', '00000000-0000-0000-0000-000000000023', 900, 'too much', 'FAILED');

insert into saga (id, order_id, kind, step, state, deadline, next_at, data, last_error)
select
  ('00000000-0000-0000-0000-0000000000' || number)::uuid,
  ('00000000-0000-0000-0000-0000000000' || number - 20)::uuid,
  'PLACE', step, state, now() + interval '1 hour', now(),
  jsonb_build_object('answers', jsonb_build_array(jsonb_build_object('key', jsonb_build_object(
    'scope', 'somebody POST /orders', 'value', 'key ' || number, 'claimed_at', now()
  )))),
  error
from (values
  (31, 'DONE', 'COMPLETED', null),
  (32, 'DONE', 'COMPENSATED', null),
  (33, 'DONE', 'COMPLETED', null),
  (34, 'AUTHORISE', 'RUNNING', null),
  (35, 'CAPTURE', 'STUCK', 'the provider refuses: EXPIRED')
) as told (number, step, state, error);
"#;

/// SQL that goes wrong, the word that an audit answers with, and the column that a rebuilding does.
const PLANTS: [(&str, Option<&str>, Option<&str>); 12] = [
    (
        "update stock set available = available - 1, sold = sold + 1 where item_id = $1",
        Some("STOCK_LEDGER"),
        Some("sold"),
    ),
    ("delete from stock where item_id = $2", Some("NO_STOCK"), None),
    ("update stock_hold set state = 'RELEASED' where order_id = $11", Some("ORDER_GOODS"), None),
    ("update stock_hold set state = 'HELD' where order_id = $12", Some("ORDER_HOLDS"), None),
    (
        r#"update "order" set status = 'FAILED', failure_code = 'EXPIRED' where id = $11"#,
        Some("PAYMENT_KEPT_BY_PROVIDER"),
        Some("failure_code"),
    ),
    (r#"update "order" set total_amount = 1 where id = $11"#, Some("PAYMENT_AMOUNT"), Some("total_amount")),
    (r#"update "order" set version = 9 where id = $14"#, None, Some("version")),
    (
        "update payment set refunded_amount = 400 where id = $23",
        Some("PAYMENT_PROVIDER"),
        Some("refunded_amount"),
    ),
    ("update payment set status = 'CANCELLED' where id = $21", Some("PAYMENT_PROVIDER"), None),
    ("update refund set state = 'PENDING' where id = $42", Some("REFUND_FORGOTTEN"), None),
    ("update saga set deadline = now() - interval '1 minute' where id = $34", Some("SAGA_OVERDUE"), None),
    (
        "update saga set data = (select data from saga where id = $31) where id = $33",
        Some("ORDER_SAME_KEY"),
        None,
    ),
];

struct Shop {
    db: TestDb,
    home: TempDir,
}

impl Shop {
    async fn open() -> Self {
        let db = TestDb::new("store_db").await;
        db.pool().execute(BOOKS).await.expect("write the books");
        let home = TempDir::new().expect("make a directory");
        fs::write(home.path().join("url"), db.url() + "\n").expect("write the URL");
        let shop = Self { db, home };
        shop.write(&entries());
        shop
    }

    fn ledger(&self) -> PathBuf {
        self.home.path().join("ledger.ndjson")
    }

    fn write(&self, entries: &[Entry]) {
        let lines = entries.iter().map(|entry| serde_json::to_string(entry).expect("JSON") + "\n");
        fs::write(self.ledger(), lines.collect::<String>()).expect("write the ledger");
    }

    async fn sql(&self, text: &str) {
        self.pool()
            .execute(AssertSqlSafe(with_ids(text)))
            .await
            .unwrap_or_else(|error| panic!("{text}: {error}"));
    }

    fn pool(&self) -> PgPool {
        self.db.pool()
    }

    fn doran(&self, args: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doran"));
        command.args(["sagas"]).args(args).current_dir(self.home.path()).env("CI", "true");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        finish(command.spawn().expect("start doran"))
    }

    fn audit(&self, more: &[&str]) -> Said {
        self.doran(&[&["audit", "--database-url-file", "url", "--ledger", "ledger.ndjson"], more].concat())
    }

    fn verify(&self, more: &[&str]) -> Said {
        self.doran(&[&["verify", "--database-url-file", "url"], more].concat())
    }
}

/// `$11` is the id that ends so.
fn with_ids(sql: &str) -> String {
    let mut parts = sql.split('$');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.chars().take_while(char::is_ascii_digit).count();
        text.extend([format!("'{}'", id(&part[..digits])).as_str(), &part[digits..]]);
    }
    text
}

fn id(number: &str) -> Uuid {
    format!("00000000-0000-0000-0000-{number:0>12}").parse().expect("an id")
}

fn entries() -> Vec<Entry> {
    let booked = [
        (21, Booking::Authorise, 2000),
        (21, Booking::Capture, 2000),
        (22, Booking::Decline, 1000),
        (23, Booking::Authorise, 1000),
        (23, Booking::Capture, 1000),
        (23, Booking::Refund, 300),
        (24, Booking::Authorise, 1000),
        (25, Booking::Authorise, 1000),
    ];
    let entry = |(seq, (number, booking, amount)): (u64, (i32, Booking, i64))| Entry {
        seq,
        at: "2026-11-22T03:04:05Z".parse().expect("a time"),
        payment_id: id(&number.to_string()).into(),
        order_id: Some(id(&(number - 10).to_string()).into()),
        booking,
        amount,
        currency: "KRW".to_owned(),
        key: (booking == Booking::Refund).then(|| id("41").to_string()),
        decline_code: (booking == Booking::Decline).then(|| "CARD_DECLINED".to_owned()),
    };
    (1..).zip(booked).map(entry).collect()
}

fn words(said: &Said, key: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(&said.stdout).expect("one document");
    let items = document["items"].as_array().expect("items");
    items.iter().map(|item| item[key].as_str().expect("a word").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn books_that_agree_pass_and_every_plant_is_found() {
    let shop = Shop::open().await;
    let said = shop.audit(&["--json"]).exits(0);
    let audited: Value = serde_json::from_str(&said.stdout).expect("one document");
    assert_eq!(audited["schema"], "doran.sagas-audit/1");
    for (key, count) in
        [("stockRows", 2), ("orders", 5), ("payments", 5), ("inFlight", 2), ("ledgerEntries", 8)]
    {
        assert_eq!(audited[key], count, "{key}");
    }
    assert_eq!(audited["stuck"][0]["sagaId"], id("35").to_string());
    shop.audit(&[]).exits(0).says("the books agree").says("1 stuck").says("refuses: EXPIRED");
    shop.verify(&[]).exits(0).says("5 orders, 2 rows of stock and 5 payments");

    for (plant, kind, field) in PLANTS {
        let shop = Shop::open().await;
        shop.sql(plant).await;
        let audited = words(&shop.audit(&["--json"]).exits(if kind.is_some() { 8 } else { 0 }), "kind");
        assert!(kind.is_none_or(|kind| audited.iter().any(|word| word == kind)), "{plant}: {audited:?}");
        let rebuilt = words(&shop.verify(&["--json"]).exits(if field.is_some() { 8 } else { 0 }), "field");
        assert!(field.is_none_or(|field| rebuilt.iter().any(|word| word == field)), "{plant}: {rebuilt:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_read_what_is_wrong_and_what_to_do() {
    let shop = Shop::open().await;
    shop.sql("update stock set available = available - 1, sold = sold + 1 where item_id = $1").await;
    shop.audit(&[]).exits(8).says("STOCK_SOLD").says("doran sagas verify").says("✗ 2 violations");
    shop.verify(&[])
        .exits(8)
        .says("available is 94, rebuilt 95")
        .says("sold is 4, rebuilt 3")
        .says("doran psql store_db")
        .says("2 differences");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_with_a_gap_is_found() {
    let shop = Shop::open().await;
    shop.sql(
        "insert into order_history (order_id, seq, kind, from_status, to_status)
         values ($14, 3, 'CONFIRMED', 'PENDING', 'CONFIRMED')",
    )
    .await;
    let fields = words(&shop.verify(&["--json"]).exits(8), "field");
    assert_eq!(fields, ["status", "version", "history"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_booked_otherwise_is_found() {
    let shop = Shop::open().await;
    let mut books = entries();
    books[5].amount = 200;
    books.remove(6);
    shop.write(&books);
    let kinds = words(&shop.audit(&["--json"]).exits(8), "kind");
    assert_eq!(kinds, ["PAYMENT_PROVIDER", "LEDGER_GAP"]);

    let mut books = entries();
    books[7].payment_id = id("99").into();
    shop.write(&books);
    let kinds = words(&shop.audit(&["--json"]).exits(8), "kind");
    assert_eq!(kinds, ["LEDGER_STRANGER"], "what is stuck is in nobody's books until a person decides");
}

#[tokio::test(flavor = "multi_thread")]
async fn books_that_cannot_be_read_are_no_violation() {
    let shop = Shop::open().await;
    shop.doran(&["audit", "--database-url-file", "url", "--ledger", "nowhere"]).exits(1).says("nowhere");
    shop.doran(&["audit", "--database-url-file", "url"]).exits(2).says("--ledger");
    shop.doran(&["verify", "--database-url-file", "nowhere"]).exits(1).says("nowhere");
    fs::write(shop.home.path().join("url"), "secret").expect("write");
    let said = shop.verify(&[]).exits(2).says("no URL");
    assert!(!said.all().contains("secret"), "what stands in the file may be a password");
    fs::write(shop.home.path().join("url"), "postgres://a:b@127.0.0.1:1/store").expect("write");
    shop.verify(&[]).exits(6);
}
