//! `doran sagas show`: a saga with all that a person needs to decide about it, from store's database, so that it can
//! be looked at while store is down.

use contract::id::SagaId;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;

use super::books;
use crate::command::cell::day_and_time;
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::output::Printer;

const SCHEMA: &str = "doran.sagas-show/1";

/// The means of payment stays where it is.
const SQL: &str = r#"
select jsonb_build_object(
  'saga', jsonb_build_object(
    'id', saga.id, 'kind', saga.kind, 'step', saga.step, 'state', saga.state, 'attempt', saga.attempt,
    'nextAt', saga.next_at, 'deadline', saga.deadline, 'lastError', saga.last_error,
    'resolution', saga.resolution, 'leaseOwner', saga.lease_owner, 'leaseUntil', saga.lease_until,
    'createdAt', saga.created_at, 'updatedAt', saga.updated_at
  ),
  'order', jsonb_build_object(
    'id', "order".id, 'userId', "order".user_id, 'status', "order".status, 'failureCode', "order".failure_code,
    'totalAmount', "order".total_amount, 'currency', "order".currency
  ),
  'payments', (
    select coalesce(jsonb_agg(jsonb_build_object(
      'id', payment.id, 'provider', payment.provider, 'providerReference', payment.provider_reference,
      'status', payment.status, 'amount', payment.amount, 'refundedAmount', payment.refunded_amount,
      'currency', payment.currency,
      'refunds', (
        select coalesce(jsonb_agg(jsonb_build_object(
          'id', refund.id, 'state', refund.state, 'amount', refund.amount, 'reason', refund.reason
        ) order by refund.created_at), '[]')
        from refund
        where refund.payment_id = payment.id
      )
    ) order by payment.created_at), '[]')
    from payment
    where payment.order_id = "order".id
  ),
  'history', (
    select coalesce(jsonb_agg(jsonb_build_object(
      'seq', seq, 'at', created_at, 'kind', kind, 'status', to_status, 'actorId', actor_id, 'reason', reason
    ) order by seq), '[]')
    from order_history
    where order_history.order_id = "order".id
  )
)
from saga
join "order" on "order".id = saga.order_id
where saga.id = $1"#;

#[derive(Debug, Serialize, Deserialize)]
struct Case {
    saga: SagaPart,
    order: OrderPart,
    payments: Vec<PaymentPart>,
    history: Vec<HistoryPart>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SagaPart {
    id: Uuid,
    kind: String,
    step: String,
    state: String,
    attempt: i32,
    next_at: Timestamp,
    deadline: Timestamp,
    last_error: Option<String>,
    resolution: Option<String>,
    lease_owner: Option<String>,
    lease_until: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrderPart {
    id: Uuid,
    user_id: Uuid,
    status: String,
    failure_code: Option<String>,
    total_amount: i64,
    currency: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PaymentPart {
    id: Uuid,
    provider: String,
    provider_reference: Option<String>,
    status: String,
    amount: i64,
    refunded_amount: i64,
    currency: String,
    refunds: Vec<RefundPart>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RefundPart {
    id: Uuid,
    state: String,
    amount: i64,
    reason: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HistoryPart {
    seq: i32,
    at: Timestamp,
    kind: String,
    status: String,
    actor_id: Option<Uuid>,
    reason: Option<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    items: [&'a Case; 1],
}

/// Exit code 2 when there is none.
pub(super) async fn run(cx: &Context, id: SagaId, out: &Printer) -> anyhow::Result<ExitStatus> {
    let mut db = books::open(Some(cx), None).await?;
    let found: Option<Json<Case>> =
        sqlx::query_scalar(SQL).bind(id.as_uuid()).fetch_optional(&mut db).await?;
    let Some(Json(case)) = found else {
        return Err(CliError::new(ExitStatus::Usage, format!("there is no saga {id}"))
            .help("`doran sagas list` shows them")
            .into());
    };
    if out.is_document() {
        out.document(&Document { schema: SCHEMA, items: [&case] })?;
    } else {
        out.line(case.text(&TimeZone::system()))?;
    }
    Ok(ExitStatus::Success)
}

impl Case {
    fn text(&self, zone: &TimeZone) -> String {
        let Self { saga, order, payments, history } = self;
        let mut lines = saga.lines(zone);
        let failure = order.failure_code.as_deref().unwrap_or_default();
        lines.push((
            "order",
            format!("{} {} {failure}", order.id, order.status).trim_end().to_owned()
                + &format!(", {} {}, of user {}", order.total_amount, order.currency, order.user_id),
        ));
        for payment in payments {
            lines.push(("payment", payment.text()));
            lines.extend(payment.refunds.iter().map(|refund| ("refund", refund.text())));
        }
        lines.extend(history.iter().map(|entry| ("history", entry.text(zone))));
        let lines = lines.into_iter().map(|(key, value)| format!("{key:<10} {value}"));
        lines.collect::<Vec<String>>().join("\n")
    }
}

impl SagaPart {
    fn lines(&self, zone: &TimeZone) -> Vec<(&'static str, String)> {
        let mut lines = vec![
            ("id", self.id.to_string()),
            ("kind", self.kind.clone()),
            ("state", format!("{} at {}, {} attempts in vain", self.state, self.step, self.attempt)),
            ("begun", day_and_time(self.created_at, zone)),
            ("changed", day_and_time(self.updated_at, zone)),
            ("due", day_and_time(self.next_at, zone)),
            ("deadline", day_and_time(self.deadline, zone)),
        ];
        if let (Some(owner), Some(until)) = (&self.lease_owner, self.lease_until) {
            lines.push(("held by", format!("{owner} until {}", day_and_time(until, zone))));
        }
        let error = self.last_error.as_ref().map(|error| error.replace('\n', "\n           "));
        lines.extend(error.map(|error| ("error", error)));
        lines.extend(self.resolution.clone().map(|reason| ("resolved", reason)));
        lines
    }
}

impl PaymentPart {
    fn text(&self) -> String {
        let Self { id, provider, provider_reference, status, amount, refunded_amount, currency, .. } = self;
        let reference = provider_reference.as_deref().unwrap_or("no reference");
        format!("{id} {status}, {amount} {currency}, {refunded_amount} back, at {provider}: {reference}")
    }
}

impl RefundPart {
    fn text(&self) -> String {
        let Self { id, state, amount, reason } = self;
        format!("{id} {state}, {amount}: {reason}")
    }
}

impl HistoryPart {
    fn text(&self, zone: &TimeZone) -> String {
        let Self { seq, at, kind, status, actor_id, reason } = self;
        let by = actor_id.map(|actor| format!(" by {actor}")).unwrap_or_default();
        let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        format!("{seq} {} {kind}, then {status}{by}{reason}", day_and_time(*at, zone))
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Executor as _;
    use testkit::TestDb;

    use super::*;

    const BOOKS: &str = r#"
        insert into "order" (id, user_id, status, currency, total_amount)
        values (uuid_nil(), uuid_max(), 'CONFIRMED', 'KRW', 2000);
        insert into order_history (order_id, seq, kind, to_status, actor_id, reason, created_at)
        values (uuid_nil(), 1, 'PLACED', 'PENDING', uuid_max(), 'because', '2026-11-22T03:04:05Z');
        insert into payment (id, order_id, provider, method, token, status, currency, amount)
        values (uuid_nil(), uuid_nil(), 'sandbox', 'card', 'tok_secret', 'AUTHORISED', 'KRW', 2000);
        insert into refund (id, payment_id, amount, reason) values (uuid_nil(), uuid_nil(), 5, 'a scratch');
        insert into saga (
          id, order_id, kind, step, state, attempt, last_error, lease_owner, lease_until, next_at, deadline,
          created_at, updated_at
        )
        select
          uuid_nil(), uuid_nil(), 'PLACE', 'CAPTURE', 'STUCK', 3, 'the provider refuses: EXPIRED', 'store-1',
          moment, moment, moment, moment, moment
        from (values ('2026-11-22T03:04:06.789Z'::timestamptz)) as at (moment);
    "#;

    #[tokio::test]
    async fn a_saga_is_shown_with_all_that_a_decision_needs_and_without_the_token() {
        let db = TestDb::new("store_db").await;
        let books = BOOKS
            .replace("uuid_nil()", "'00000000-0000-0000-0000-000000000000'")
            .replace("uuid_max()", "'ffffffff-ffff-ffff-ffff-ffffffffffff'");
        db.pool().execute(sqlx::AssertSqlSafe(books)).await.unwrap();
        let row = sqlx::query_scalar(SQL).bind(Uuid::nil()).fetch_one(&db.pool()).await;
        let Json(case): Json<Case> = row.unwrap();
        insta::assert_snapshot!(case.text(&TimeZone::UTC));
        assert!(!serde_json::to_string(&case).unwrap().contains("tok_secret"));
    }
}
