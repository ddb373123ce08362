//! Stock that is held, sold and given back. Rows are locked in the order of their items, and last.

use contract::id::{ItemId, OrderId};
use sqlx::PgConnection;
use uuid::Uuid;

/// How pieces move, and what their holds are then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// From held to sold.
    Sell,
    /// From held to available.
    Release,
    /// From sold to available.
    Return,
}

struct Deltas {
    from: &'static str,
    to: &'static str,
    kind: &'static str,
    available: i64,
    held: i64,
    sold: i64,
}

impl Move {
    const fn deltas(self) -> Deltas {
        match self {
            Self::Sell => Deltas { from: "HELD", to: "SOLD", kind: "SELL", available: 0, held: -1, sold: 1 },
            Self::Release => {
                Deltas { from: "HELD", to: "RELEASED", kind: "RELEASE", available: 1, held: -1, sold: 0 }
            }
            Self::Return => {
                Deltas { from: "SOLD", to: "RELEASED", kind: "RETURN", available: 1, held: 0, sold: -1 }
            }
        }
    }
}

/// What came of holding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Nothing is held: there is too little of something.
    Short,
    /// All is, and of the scarcest item so many are left.
    All { least: i64 },
}

/// Holds all of it for the order, or nothing.
pub async fn hold(
    db: &mut PgConnection,
    order: OrderId,
    items: &[ItemId],
    quantities: &[i32],
    hold_secs: f64,
) -> Result<Held, sqlx::Error> {
    let ids: Vec<Uuid> = items.iter().map(|item| item.as_uuid()).collect();
    if items.len() > 1 {
        lock(db, &ids).await?;
    }
    let row =
        sqlx::query_file!("src/repository/stock_hold.sql", order.as_uuid(), &ids, quantities, hold_secs)
            .fetch_one(db)
            .await?;
    match (usize::try_from(row.held), row.least) {
        (Ok(0), _) => Ok(Held::Short),
        (Ok(held), Some(least)) if held == items.len() => Ok(Held::All { least }),
        // The caller's transaction must not commit.
        _ => Err(sqlx::Error::Protocol(format!("{} of {} items were held", row.held, items.len()))),
    }
}

async fn lock(db: &mut PgConnection, items: &[Uuid]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        select item_id
        from stock
        where item_id = any ($1)
        order by item_id
        for update
        "#,
        items
    )
    .fetch_all(db)
    .await?;
    Ok(())
}

/// Moves what the order holds or has bought. What has moved already stays where it is.
pub async fn shift(db: &mut PgConnection, order: OrderId, way: Move) -> Result<(), sqlx::Error> {
    let Deltas { from, to, kind, available, held, sold } = way.deltas();
    sqlx::query_file!(
        "src/repository/stock_shift.sql",
        order.as_uuid(),
        from,
        to,
        kind,
        available,
        held,
        sold
    )
    .execute(db)
    .await?;
    Ok(())
}
