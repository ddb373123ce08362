//! What happened on a day, as the services tell it.

use std::time::Duration;

use batch::domain::parameter;
use batch::repository::execution::StartError;
use chrono::NaiveDate;
use contract::batch::{ExecutionStatus, ParameterType, ParameterValue};
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::eventually;
use uuid::Uuid;

use super::day::{DAY, midnight};
use super::payment_reconciliation::agree;
use super::town::{PRICE, Town};

const JOB: &str = "daily-report";
const LIMIT: Duration = Duration::from_mins(1);

/// A room that was made just now, with so many messages of its user.
async fn room(db: &PgPool, messages: i64) {
    let (bot, room, user) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    sqlx::query(
        "insert into chatbot (id, name, bot_type, concept, description)
         values ($1, '친구', left(translate(reverse($1::text), '0123456789-', 'ghijklmnop'), 20), 'FRIEND', '')",
    )
    .bind(bot)
    .execute(db)
    .await
    .unwrap();
    sqlx::query(
        "with room as (
           insert into chat_room (id, user_id, chatbot_id, name, concept, last_seq)
           values ($1, $2, $3, '방', 'FRIEND', $4)
         )
         insert into message (room_id, seq, id, sender_type, sender_id, content)
         select $1, n, gen_random_uuid(), 'user', $2, '말 ' || n
         from generate_series(1, $4) n",
    )
    .bind(room)
    .bind(user)
    .bind(bot)
    .bind(messages)
    .execute(db)
    .await
    .unwrap();
}

fn value<'a>(rows: &'a [Value], section: &str, metric: &str, currency: Option<&str>) -> &'a Value {
    let is = |row: &&Value| {
        row["section"] == section && row["metric"] == metric && row["currency"] == json!(currency)
    };
    &rows.iter().find(is).unwrap_or_else(|| panic!("{section} {metric}: {rows:?}"))["value"]
}

#[tokio::test]
async fn every_service_tells_what_happened_on_the_day() {
    let town = Town::new().await;
    let item = town.item().await;
    for _ in 0..2 {
        town.paid(item).await;
    }
    town.order(item, "tok_decline", Duration::from_secs(20)).await;
    room(&town.chat_db, 7).await;
    let told = town.tell(town.run(JOB, &[]).await).await;
    let body = told.body();
    for (section, metric, currency, expected) in [
        ("auth", "logins.succeeded", None, 0),
        ("user", "signUps", None, 0),
        ("chat", "rooms.created", None, 1),
        ("chat", "messages.user", None, 7),
        ("chat", "messages.bot", None, 0),
        ("chat", "activeUsers", None, 1),
        ("store", "orders.placed", None, 3),
        ("store", "orders.confirmed", None, 2),
        ("store", "orders.failed", None, 1),
        ("store", "sales.confirmedAmount", Some("KRW"), 2 * PRICE),
    ] {
        assert_eq!(value(&body.rows, section, metric, currency), expected, "{section} {metric}");
    }
    assert_eq!(told.summary["metrics"], i64::try_from(body.rows.len()).unwrap());
    assert_eq!((body.period_start, body.period_end), (midnight(DAY), midnight(DAY + chrono::Days::new(1))));
    agree(&body.columns, &body.rows, &told.csv);
}

#[tokio::test]
async fn a_day_that_is_named_is_told_of_and_not_another() {
    let town = Town::new().await;
    town.paid(town.item().await).await;
    let day = (DAY - chrono::Days::new(2)).to_string();
    let told = town.tell(town.run(JOB, &[("day", &day)]).await).await;
    assert_eq!(value(&told.body().rows, "store", "orders.placed", None), 0);
    assert_eq!(told.body().parameters["day"], day);
}

#[tokio::test]
async fn a_service_that_is_down_is_not_left_out() {
    let mut town = Town::without_chat().await;
    room(&town.chat_db, 3).await;
    let _runner = town.engine().await;
    let day = [named(DAY)];
    let failed = town.start(JOB, &day).await.unwrap();
    assert_eq!(town.ended(failed).await.0, ExecutionStatus::Failed);
    town.open_chat();
    // The breaker of the calls to chat is open for a while.
    let restarted = eventually(LIMIT, || async {
        let id = town.start(JOB, &day).await.unwrap();
        match town.ended(id).await.0 {
            ExecutionStatus::Completed => Ok(id),
            status => Err(status),
        }
    })
    .await;
    let rows = town.report_of(restarted).await.rows;
    assert_eq!(value(&rows, "chat", "messages.user", None), 3);
    let once = rows.iter().filter(|row| row["metric"] == "messages.user").count();
    assert_eq!(once, 1, "what had answered before was not asked again");
}

#[tokio::test]
async fn a_day_is_told_of_once_unless_nobody_says_which() {
    let town = Town::new().await;
    let _runner = town.engine().await;
    let day = [named(DAY)];
    let first = town.start(JOB, &day).await.unwrap();
    assert_eq!(town.ended(first).await, (ExecutionStatus::Completed, "COMPLETED".to_owned()));
    let again = town.start(JOB, &day).await.unwrap_err();
    assert!(matches!(again, StartError::Complete(id) if id == first), "{again}");
    for run in ["1", "2"] {
        let id = town.start(JOB, &[parameter::own(parameter::RUN, run.to_owned())]).await.unwrap();
        assert_eq!(town.ended(id).await.0, ExecutionStatus::Completed);
        assert_eq!(town.report_of(id).await.rows, town.report_of(first).await.rows);
    }
}

#[tokio::test]
async fn a_day_that_is_not_over_fails_the_execution_and_can_be_told_of_later() {
    let town = Town::new().await;
    let _runner = town.engine().await;
    let day = [named(DAY + chrono::Days::new(1))];
    let id = town.start(JOB, &day).await.unwrap();
    assert_eq!(town.ended(id).await.0, ExecutionStatus::Failed);
    assert!(town.start(JOB, &day).await.is_ok());
}

fn named(day: NaiveDate) -> ParameterValue {
    let (name, kind) = ("day".to_owned(), ParameterType::Date);
    ParameterValue { name, kind, value: day.to_string(), identifying: true }
}
