//! Store's database, as it was at one moment.

use std::collections::BTreeMap;
use std::str::FromStr;

use contract::id::{ItemId, OrderId};
use contract::store::UnknownWord;
use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Connection as _, FromRow, Postgres, Transaction};
use uuid::Uuid;

use super::chunk::Chunk;
use crate::audit::auditor::Auditor;
use crate::audit::book::{Hold, HoldState, ItemBook, OrderBook, PaymentBook, Pieces, SagaBook};
use crate::audit::error::AuditError;

/// Everything that is read in it is as it was at one moment, however long that takes.
pub(in crate::audit) async fn open(db: &mut PgConnection) -> Result<Transaction<'_, Postgres>, AuditError> {
    let mut tx = db
        .begin_with("begin isolation level repeatable read, read only")
        .await
        .map_err(AuditError::read("anything"))?;
    // The moment is that of the first statement.
    sqlx::query("select 1").execute(&mut *tx).await.map_err(AuditError::read("anything"))?;
    Ok(tx)
}

/// All items, by way of one pass over the ledger and one over the holds.
pub(in crate::audit) async fn items(db: &mut PgConnection, auditor: &mut Auditor) -> Result<(), AuditError> {
    #[derive(FromRow)]
    struct Row {
        id: Uuid,
        stock: Option<Vec<i64>>,
        ledger: Vec<i64>,
        held: i64,
        sold: i64,
    }
    let sql = "
        select
          store_item.id,
          case when stock.item_id is not null
            then array[stock.initial, stock.available, stock.held, stock.sold] end as stock,
          coalesce(ledger.sums, array[0, 0, 0, 0]::bigint[]) as ledger,
          coalesce(holds.held, 0) as held,
          coalesce(holds.sold, 0) as sold
        from store_item
        left join stock on stock.item_id = store_item.id
        left join (
          select item_id, array[
            sum(initial_delta), sum(available_delta), sum(held_delta), sum(sold_delta)
          ]::bigint[] as sums
          from stock_ledger
          group by item_id
        ) as ledger on ledger.item_id = store_item.id
        left join (
          select
            item_id,
            (sum(quantity) filter (where state = 'HELD'))::bigint as held,
            (sum(quantity) filter (where state = 'SOLD'))::bigint as sold
          from stock_hold
          group by item_id
        ) as holds on holds.item_id = store_item.id";
    let mut rows = sqlx::query_as::<_, Row>(sql).fetch(db);
    while let Some(row) = rows.try_next().await.map_err(AuditError::read("stock"))? {
        auditor.item(&ItemBook {
            id: row.id.into(),
            stock: row.stock.as_deref().map(pieces),
            ledger: pieces(&row.ledger),
            held: row.held,
            sold: row.sold,
        });
    }
    Ok(())
}

fn pieces(of: &[i64]) -> Pieces {
    let piece = |index| of.get(index).copied().unwrap_or_default();
    Pieces { initial: piece(0), available: piece(1), held: piece(2), sold: piece(3) }
}

/// Some orders, with all that belongs to them.
pub(in crate::audit) async fn orders(
    db: &mut PgConnection,
    chunk: Chunk,
    auditor: &mut Auditor,
) -> Result<(), AuditError> {
    let mut books = BTreeMap::new();
    let sql = r#"select id, status, currency, total_amount from "order" where id > $1 and id <= $2"#;
    for (id, status, currency, total) in fetch::<(Uuid, String, String, i64)>(db, chunk, "order", sql).await?
    {
        let (lines, holds, payments, sagas) = Default::default();
        let status = word("order", &status)?;
        let book = OrderBook { id: id.into(), status, currency, total, lines, holds, payments, sagas };
        books.insert(id, book);
    }
    goods(db, chunk, &mut books).await?;
    payments(db, chunk, &mut books).await?;
    sagas(db, chunk, &mut books).await?;
    for book in books.values() {
        auditor.order(book);
    }
    Ok(())
}

type Books = BTreeMap<Uuid, OrderBook>;

async fn goods(db: &mut PgConnection, chunk: Chunk, books: &mut Books) -> Result<(), AuditError> {
    let sql = "
        select order_id, item_id, quantity::bigint
        from order_item
        where order_id > $1 and order_id <= $2
        order by order_id, position";
    for (order, item, quantity) in fetch::<(Uuid, Uuid, i64)>(db, chunk, "order_item", sql).await? {
        if let Some(book) = books.get_mut(&order) {
            book.lines.push((item.into(), quantity));
        }
    }
    let sql = "
        select order_id, item_id, quantity::bigint, state
        from stock_hold
        where order_id > $1 and order_id <= $2
        order by order_id, item_id";
    for (order, item, quantity, state) in
        fetch::<(Uuid, Uuid, i64, String)>(db, chunk, "stock_hold", sql).await?
    {
        let state = hold_state(&state)?;
        if let Some(book) = books.get_mut(&order) {
            book.holds.push(Hold { item: ItemId::from(item), quantity, state });
        }
    }
    Ok(())
}

async fn payments(db: &mut PgConnection, chunk: Chunk, books: &mut Books) -> Result<(), AuditError> {
    #[derive(FromRow)]
    struct Row {
        order_id: Uuid,
        id: Uuid,
        in_sandbox: bool,
        status: String,
        currency: String,
        amount: i64,
        refunded_amount: i64,
        pending: Vec<Uuid>,
    }
    let sql = "
        select
          order_id, id, provider = 'sandbox' as in_sandbox, status, currency, amount, refunded_amount,
          array(
            select refund.id from refund where refund.payment_id = payment.id and refund.state = 'PENDING'
          ) as pending
        from payment
        where order_id > $1 and order_id <= $2
        order by order_id, created_at";
    for row in fetch::<Row>(db, chunk, "payment", sql).await? {
        let Some(book) = books.get_mut(&row.order_id) else { continue };
        book.payments.push(PaymentBook {
            id: row.id.into(),
            in_sandbox: row.in_sandbox,
            status: word("payment", &row.status)?,
            currency: row.currency,
            amount: row.amount,
            refunded: row.refunded_amount,
            pending: row.pending.into_iter().map(Into::into).collect(),
        });
    }
    Ok(())
}

async fn sagas(db: &mut PgConnection, chunk: Chunk, books: &mut Books) -> Result<(), AuditError> {
    #[derive(FromRow)]
    struct Row {
        order_id: Uuid,
        id: Uuid,
        kind: String,
        step: String,
        state: String,
        attempt: i32,
        past_deadline_ms: i64,
        untouched_ms: i64,
        last_error: Option<String>,
    }
    let sql = "
        select
          order_id, id, kind, step, state, attempt, last_error,
          (extract(epoch from now() - deadline) * 1000)::bigint as past_deadline_ms,
          (extract(epoch from now() - greatest(next_at, lease_until)) * 1000)::bigint as untouched_ms
        from saga
        where order_id > $1 and order_id <= $2
        order by order_id, created_at";
    for row in fetch::<Row>(db, chunk, "saga", sql).await? {
        let Some(book) = books.get_mut(&row.order_id) else { continue };
        book.sagas.push(SagaBook {
            id: row.id.into(),
            kind: word("saga", &row.kind)?,
            step: word("saga", &row.step)?,
            state: word("saga", &row.state)?,
            attempt: row.attempt,
            past_deadline_ms: row.past_deadline_ms,
            untouched_ms: row.untouched_ms,
            last_error: row.last_error,
        });
    }
    Ok(())
}

/// Orders that one idempotency key made, within the 24 hours for which it is kept.
pub(in crate::audit) async fn same_keys(
    db: &mut PgConnection,
    auditor: &mut Auditor,
) -> Result<(), AuditError> {
    let sql = "
        with owed as (
          select
            saga.order_id,
            answer #>> '{key,scope}' as scope,
            answer #>> '{key,value}' as key,
            (answer #>> '{key,claimed_at}')::timestamptz as claimed_at
          from saga
          cross join jsonb_array_elements(coalesce(saga.data -> 'answers', '[]')) as answer
        ),
        pairs as (
          select
            order_id,
            claimed_at,
            lag(order_id) over claims as other_id,
            lag(claimed_at) over claims as before
          from owed
          window claims as (partition by scope, key order by claimed_at, order_id)
        )
        select order_id, other_id
        from pairs
        where other_id <> order_id and claimed_at < before + interval '24 hours'
        order by order_id";
    let mut rows = sqlx::query_as::<_, (Uuid, Uuid)>(sql).fetch(db);
    while let Some((order, other)) = rows.try_next().await.map_err(AuditError::read("saga"))? {
        auditor.same_key(OrderId::from(order), OrderId::from(other));
    }
    Ok(())
}

async fn fetch<T: for<'r> FromRow<'r, PgRow> + Send + Unpin>(
    db: &mut PgConnection,
    chunk: Chunk,
    table: &'static str,
    sql: &'static str,
) -> Result<Vec<T>, AuditError> {
    let rows = sqlx::query_as(sql).bind(chunk.after).bind(chunk.upto).fetch_all(db).await;
    rows.map_err(AuditError::read(table))
}

fn word<T: FromStr<Err = UnknownWord>>(table: &'static str, text: &str) -> Result<T, AuditError> {
    text.parse().map_err(AuditError::word(table))
}

fn hold_state(text: &str) -> Result<HoldState, AuditError> {
    match text {
        "HELD" => Ok(HoldState::Held),
        "SOLD" => Ok(HoldState::Sold),
        "RELEASED" => Ok(HoldState::Released),
        other => Err(AuditError::word("stock_hold")(UnknownWord(other.to_owned()))),
    }
}
