//! Rebuilds orders, stock and refunded amounts from what only grows, and says where the rows differ.
//!
//! PostgreSQL compares; only what differs comes here.

use sqlx::FromRow;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::error::AuditError;
use super::read;

/// What was rebuilt and what came out otherwise.
#[derive(Debug, Default)]
pub struct Rebuilt {
    pub orders: u64,
    pub items: u64,
    pub payments: u64,
    pub differences: Vec<Difference>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Order,
    Item,
    Payment,
}

/// A row that is not what its history makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub subject: Subject,
    pub id: Uuid,
    /// The column, or `history` where the history itself is broken.
    pub field: String,
    pub stored: Option<String>,
    pub rebuilt: Option<String>,
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    field: String,
    stored: Option<String>,
    rebuilt: Option<String>,
}

/// Of some orders: every change is an entry, and so is what a person decided about one of its sagas, which leaves the
/// status as it is and makes no version. The first one has the total.
const ORDERS: &str = r#"
with entry as (
  select
    order_id,
    seq,
    to_status,
    data,
    from_status is not distinct from lag(to_status) over entries
      and seq = row_number() over entries as follows,
    from_status is distinct from to_status as changes,
    row_number() over (partition by order_id order by seq desc) = 1 as is_last
  from order_history
  where order_id > $1 and order_id <= $2
  window entries as (partition by order_id order by seq)
),
rebuilt as (
  select
    order_id,
    max(to_status) filter (where is_last) as status,
    max(data ->> 'failureCode') filter (where to_status = 'FAILED') as failure_code,
    count(*) filter (where changes) as version,
    max(data ->> 'totalAmount') filter (where seq = 1) as total_amount,
    max(data ->> 'currency') filter (where seq = 1) as currency,
    min(seq) filter (where not follows) as broken_at
  from entry
  group by order_id
)
select "order".id, field.name as field, field.stored, field.rebuilt
from "order"
left join rebuilt on rebuilt.order_id = "order".id
cross join lateral (
  values
    ('status', "order".status, rebuilt.status),
    (
      'failure_code',
      "order".failure_code,
      case when rebuilt.status = 'FAILED' then rebuilt.failure_code end
    ),
    ('version', "order".version::text, rebuilt.version::text),
    ('total_amount', "order".total_amount::text, rebuilt.total_amount),
    ('currency', "order".currency, rebuilt.currency),
    ('history', null, 'entry ' || rebuilt.broken_at || ' does not follow from the one before')
) as field (name, stored, rebuilt)
where "order".id > $1 and "order".id <= $2 and field.stored is distinct from field.rebuilt
order by "order".id"#;

const COUNT_ORDERS: &str = r#"select count(*) from "order" where id > $1 and id <= $2"#;

const STOCK: &str = "
select stock.item_id as id, field.name as field, field.stored::text, field.rebuilt::text
from stock
left join (
  select
    item_id,
    sum(initial_delta) as initial,
    sum(available_delta) as available,
    sum(held_delta) as held,
    sum(sold_delta) as sold
  from stock_ledger
  group by item_id
) as ledger on ledger.item_id = stock.item_id
cross join lateral (
  values
    ('initial', stock.initial, coalesce(ledger.initial, 0)),
    ('available', stock.available, coalesce(ledger.available, 0)),
    ('held', stock.held, coalesce(ledger.held, 0)),
    ('sold', stock.sold, coalesce(ledger.sold, 0))
) as field (name, stored, rebuilt)
where field.stored <> field.rebuilt
order by stock.item_id";

const PAYMENTS: &str = "
select payment.id, field.name as field, field.stored, field.rebuilt
from payment
left join (
  select payment_id, sum(amount) as refunded_amount
  from refund
  where state = 'DONE'
  group by payment_id
) as refunds on refunds.payment_id = payment.id
cross join lateral (
  select coalesce(refunds.refunded_amount, 0) as refunded_amount
) as rebuilt
cross join lateral (
  values
    ('refunded_amount', payment.refunded_amount::text, rebuilt.refunded_amount::text),
    (
      'status',
      payment.status,
      case
        -- Of what costs nothing, nothing goes back.
        when payment.amount = 0 then payment.status
        when rebuilt.refunded_amount = 0 and payment.status not in ('REFUNDED', 'PARTIALLY_REFUNDED')
          then payment.status
        when rebuilt.refunded_amount = 0 then 'CAPTURED'
        when rebuilt.refunded_amount = payment.amount then 'REFUNDED'
        else 'PARTIALLY_REFUNDED'
      end
    )
) as field (name, stored, rebuilt)
where field.stored <> field.rebuilt
order by payment.id";

/// Rebuilds everything, at one moment.
///
/// # Errors
/// When a table cannot be read.
pub async fn rebuild(store: &mut PgConnection) -> Result<Rebuilt, AuditError> {
    let mut tx = read::open(store).await?;
    let mut all = Rebuilt::default();
    let mut chunks = read::chunks();
    while let Some(chunk) = chunks.next(&mut tx).await? {
        let count: i64 = sqlx::query_scalar(COUNT_ORDERS)
            .bind(chunk.after)
            .bind(chunk.upto)
            .fetch_one(&mut *tx)
            .await
            .map_err(AuditError::read("order"))?;
        all.orders += count.unsigned_abs();
        let rows =
            sqlx::query_as::<_, Row>(ORDERS).bind(chunk.after).bind(chunk.upto).fetch_all(&mut *tx).await;
        all.add(Subject::Order, rows.map_err(AuditError::read("order_history"))?);
    }
    all.items = count(&mut tx, "select count(*) from stock", "stock").await?;
    all.payments = count(&mut tx, "select count(*) from payment", "payment").await?;
    let rows = sqlx::query_as::<_, Row>(STOCK).fetch_all(&mut *tx).await;
    all.add(Subject::Item, rows.map_err(AuditError::read("stock_ledger"))?);
    let rows = sqlx::query_as::<_, Row>(PAYMENTS).fetch_all(&mut *tx).await;
    all.add(Subject::Payment, rows.map_err(AuditError::read("refund"))?);
    tx.rollback().await.map_err(AuditError::read("anything"))?;
    Ok(all)
}

async fn count(db: &mut PgConnection, sql: &'static str, table: &'static str) -> Result<u64, AuditError> {
    let count: i64 = sqlx::query_scalar(sql).fetch_one(db).await.map_err(AuditError::read(table))?;
    Ok(count.unsigned_abs())
}

impl Rebuilt {
    fn add(&mut self, subject: Subject, rows: Vec<Row>) {
        self.differences.extend(rows.into_iter().map(|Row { id, field, stored, rebuilt }| Difference {
            subject,
            id,
            field,
            stored,
            rebuilt,
        }));
    }
}

impl Subject {
    pub fn word(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Item => "item",
            Self::Payment => "payment",
        }
    }
}

impl Difference {
    /// What to do about it; docs/store.md has the rest.
    pub fn help(&self) -> String {
        let id = self.id;
        let sql = match self.subject {
            Subject::Order => format!("select * from order_history where order_id = '{id}' order by seq"),
            Subject::Item => {
                format!("select * from stock_ledger where item_id = '{id}' order by id desc limit 50")
            }
            Subject::Payment => format!("select * from refund where payment_id = '{id}'"),
        };
        format!("doran psql store_db -- -c \"{sql}\"")
    }
}
