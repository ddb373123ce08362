//! Telling that items are about to sell out: once each time one gets there.

use chassis::event::{self, New};
use contract::id::ItemId;
use contract::store::{StockLow, kind};
use sqlx::PgConnection;
use uuid::Uuid;

/// At or below how many an item counts as low; none ever does at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold(pub i64);

/// Publishes stock-low for each of the items that has come down to the threshold from above it. To be called in the
/// transaction that has just lowered what is available of them, each once and by so many.
///
/// # Errors
/// When the database fails.
pub async fn crossed(
    db: &mut PgConnection,
    threshold: Threshold,
    lowered: impl IntoIterator<Item = (ItemId, i64)> + Send,
) -> Result<(), sqlx::Error> {
    let Threshold(threshold) = threshold;
    if threshold <= 0 {
        return Ok(());
    }
    let (items, by): (Vec<Uuid>, Vec<i64>) =
        lowered.into_iter().map(|(item, by)| (item.as_uuid(), by)).unzip();
    for low in count(db, threshold, &items, &by).await? {
        let data = StockLow { item_id: low.item_id, sku: low.sku, available: low.available, threshold };
        let new = New {
            kind: kind::STOCK_LOW,
            // Not `item`, whose sequence is its version.
            aggregate_type: "item-stock",
            aggregate_id: data.item_id.as_uuid(),
            sequence: low.sequence,
            data: &data,
        };
        event::publish(db, new).await?;
    }
    Ok(())
}

struct Low {
    item_id: ItemId,
    sku: String,
    available: i64,
    sequence: i64,
}

/// The caller's transaction holds the rows' locks, so what it lowered is what is missing since.
async fn count(
    db: &mut PgConnection,
    threshold: i64,
    items: &[Uuid],
    by: &[i64],
) -> Result<Vec<Low>, sqlx::Error> {
    sqlx::query_as!(
        Low,
        r#"
        update stock
        set low_count = low_count + 1
        from unnest($2::uuid[], $3::bigint[]) as lowered (item_id, by)
        join store_item on store_item.id = lowered.item_id
        where
          stock.item_id = lowered.item_id
          and stock.available <= $1
          and stock.available + lowered.by > $1
        returning stock.item_id as "item_id: ItemId", store_item.sku, stock.available,
          stock.low_count as sequence
        "#,
        threshold,
        items,
        by
    )
    .fetch_all(db)
    .await
}
