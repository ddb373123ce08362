//! Items as they are read: texts and prices from the cache that all replicas share, the stock from the database.

use std::time::Duration;

use chassis::cache::{Cache, Changed, Versioned};
use chassis::event::{self, New};
use chassis::{ApiError, Platform, db};
use contract::id::ItemId;
use contract::store::{Item, ItemSnapshot, kind};
use sqlx::{PgConnection, PgPool};

use crate::error::Error;
use crate::repository::item::{self, Record};

/// What bounds the age of what Redis was not told to forget. It is noticed all the same, when it is read.
const LONGEST_KEPT: Duration = Duration::from_mins(5);

/// Cheap to clone.
#[derive(Clone)]
pub struct Catalogue {
    db: PgPool,
    records: Cache<Record>,
}

impl Catalogue {
    /// Follows the changes that other replicas make.
    pub fn start(platform: &Platform, db: PgPool) -> Self {
        let records = Cache::new(platform, "item", LONGEST_KEPT);
        records.follow(platform, "store", |event| {
            if event.kind != kind::ITEM_CHANGED {
                return None;
            }
            let ItemSnapshot { id, version, .. } = event.read().ok()?;
            Some(Changed { id: id.to_string(), version })
        });
        Self { db, records }
    }

    /// The item, whatever its status. Its version comes with the stock, so what the cache has is never shown when it
    /// is old.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find(&self, id: ItemId) -> Result<Option<Item>, Error> {
        let mut tx = db::begin(&self.db).await?;
        let standing = item::standing(&mut tx, id).await?;
        tx.commit().await?;
        let Some(standing) = standing else { return Ok(None) };
        let kept = self.records.get(id, || read(self.db.clone(), id)).await?;
        if let Some(record) = kept.filter(|record| record.version >= standing.version) {
            return Ok(Some((*record).clone().with_stock(standing.available)));
        }
        self.forget(id, standing.version).await;
        let mut tx = db::begin(&self.db).await?;
        let record = item::find(&mut tx, id).await?;
        tx.commit().await?;
        Ok(record.map(|record| record.with_stock(standing.available)))
    }

    /// To be called after a change is committed. Other replicas share what is forgotten; the event of the change has
    /// it forgotten also when this process dies first.
    pub async fn forget(&self, id: ItemId, version: i64) {
        self.records.invalidate(id, version).await;
    }
}

/// Publishes what the item is now, in the transaction that changed it. The caller holds its lock.
///
/// # Errors
/// When the database fails.
pub async fn changed(db: &mut PgConnection, record: &Record) -> Result<(), sqlx::Error> {
    let data = ItemSnapshot {
        id: record.id,
        sku: record.sku.clone(),
        name: record.name.clone(),
        category: record.category.clone(),
        price: record.price,
        currency: record.currency.clone(),
        status: record.status,
        version: record.version,
    };
    let new = New {
        kind: kind::ITEM_CHANGED,
        aggregate_type: "item",
        aggregate_id: record.id.as_uuid(),
        sequence: record.version,
        data: &data,
    };
    event::publish(db, new).await?;
    Ok(())
}

async fn read(pool: PgPool, id: ItemId) -> Result<Option<Versioned<Record>>, ApiError> {
    let mut tx = db::begin(&pool).await?;
    let record = item::find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(record.map(|record| Versioned { version: record.version, value: record }))
}
