//! Items one at a time, and the stock they have.

use chrono::{DateTime, Utc};
use contract::id::{ItemId, UserId};
use contract::store::{Item, ItemStatus};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgConnection};

use crate::domain::item::Content;
use crate::error::Error;

/// An item as it is stored, without its stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromRow)]
pub struct Record {
    pub id: ItemId,
    pub sku: String,
    pub name: String,
    pub description: String,
    pub category: String,
    pub price: i64,
    pub currency: String,
    pub status: ItemStatus,
    pub image_url: Option<String>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What of an item changes without a notice, and the version that goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub version: i64,
    pub available: i64,
}

impl Record {
    pub fn content(&self) -> Content {
        Content {
            sku: self.sku.clone(),
            name: self.name.clone(),
            description: self.description.clone(),
            category: self.category.clone(),
            price: self.price,
            currency: self.currency.clone(),
            status: self.status,
            image_url: self.image_url.clone(),
        }
    }

    pub fn with_stock(self, stock: i64) -> Item {
        Item {
            id: self.id,
            sku: self.sku,
            name: self.name,
            description: self.description,
            category: self.category,
            price: self.price,
            currency: self.currency,
            stock,
            status: self.status,
            image_url: self.image_url,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

pub async fn find(db: &mut PgConnection, id: ItemId) -> Result<Option<Record>, sqlx::Error> {
    sqlx::query_as!(
        Record,
        r#"
        select
          id as "id: ItemId", sku, name, description, category, price, currency, status as "status: ItemStatus",
          image_url, version, created_at, updated_at
        from store_item
        where id = $1
        "#,
        id.as_uuid()
    )
    .fetch_optional(db)
    .await
}

/// The item, kept from other editors until the transaction ends; it can be sold all the same.
pub async fn lock(db: &mut PgConnection, id: ItemId) -> Result<Option<Record>, sqlx::Error> {
    sqlx::query_as!(
        Record,
        r#"
        select
          id as "id: ItemId", sku, name, description, category, price, currency, status as "status: ItemStatus",
          image_url, version, created_at, updated_at
        from store_item
        where id = $1
        for no key update
        "#,
        id.as_uuid()
    )
    .fetch_optional(db)
    .await
}

pub async fn standing(db: &mut PgConnection, id: ItemId) -> Result<Option<Standing>, sqlx::Error> {
    sqlx::query_as!(
        Standing,
        r#"
        select store_item.version, stock.available
        from store_item
        join stock on stock.item_id = store_item.id
        where store_item.id = $1
        "#,
        id.as_uuid()
    )
    .fetch_optional(db)
    .await
}

/// How many can be bought now.
pub async fn available(db: &mut PgConnection, id: ItemId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!("select available from stock where item_id = $1", id.as_uuid()).fetch_one(db).await
}

/// Stores a new item, of which there is nothing yet. Letters that are written in parts, as some keyboards send Korean,
/// are put together: what is searched for is, too.
pub async fn insert(db: &mut PgConnection, id: ItemId, content: &Content) -> Result<Record, Error> {
    let stored = sqlx::query_as!(
        Record,
        r#"
        insert into store_item (id, sku, name, description, category, price, currency, status, image_url)
        values ($1, $2, normalize($3), normalize($4), normalize($5), $6, $7, $8, $9)
        returning
          id as "id: ItemId", sku, name, description, category, price, currency, status as "status: ItemStatus",
          image_url, version, created_at, updated_at
        "#,
        id.as_uuid(),
        content.sku,
        content.name,
        content.description,
        content.category,
        content.price,
        content.currency,
        content.status.as_str(),
        content.image_url
    )
    .fetch_one(&mut *db)
    .await
    .map_err(taken)?;
    sqlx::query!("insert into stock (item_id, initial, available) values ($1, 0, 0)", id.as_uuid())
        .execute(db)
        .await?;
    Ok(stored)
}

/// Stores what has changed as the next version; the caller holds the lock.
pub async fn update(db: &mut PgConnection, id: ItemId, content: &Content) -> Result<Record, Error> {
    sqlx::query_as!(
        Record,
        r#"
        update store_item
        set
          sku = $2,
          name = normalize($3),
          description = normalize($4),
          category = normalize($5),
          price = $6,
          currency = $7,
          status = $8,
          image_url = $9,
          version = version + 1,
          updated_at = now()
        where id = $1
        returning
          id as "id: ItemId", sku, name, description, category, price, currency, status as "status: ItemStatus",
          image_url, version, created_at, updated_at
        "#,
        id.as_uuid(),
        content.sku,
        content.name,
        content.description,
        content.category,
        content.price,
        content.currency,
        content.status.as_str(),
        content.image_url
    )
    .fetch_one(db)
    .await
    .map_err(taken)
}

/// Adds pieces, or takes them away when there are so many; books it, and says how many are available then. `None` when
/// there are too few. The item must be there.
pub async fn adjust(
    db: &mut PgConnection,
    id: ItemId,
    delta: i64,
    reason: &str,
    actor: UserId,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with adjusted as (
          update stock
          set initial = initial + $2, available = available + $2, updated_at = now()
          where item_id = $1 and available + $2 >= 0
          returning available
        ),
        booked as (
          insert into stock_ledger (item_id, kind, initial_delta, available_delta, actor_id, reason)
          select $1, 'ADJUST', $2, $2, $3, $4
          from adjusted
        )
        select available
        from adjusted
        "#,
        id.as_uuid(),
        delta,
        actor.as_uuid(),
        reason
    )
    .fetch_optional(db)
    .await
}

fn taken(error: sqlx::Error) -> Error {
    match error {
        sqlx::Error::Database(error) if error.constraint() == Some("store_item_sku_key") => Error::SkuTaken,
        error => Error::Database(error),
    }
}
