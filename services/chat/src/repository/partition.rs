//! The months of messages: which there are, what is in one, making and dropping them.

use chrono::{DateTime, NaiveDate, Utc};
use contract::chat::maintenance::ArchivedMessage;
use contract::chat::{ContentType, SenderType};
use contract::id::{MessageId, RoomId};
use futures_util::TryStreamExt as _;
use futures_util::stream::BoxStream;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::retention::Month;

/// One partition.
#[derive(Debug, Clone)]
pub struct Partition {
    /// `YYYY-MM`.
    pub month: String,
    pub rows: Option<i64>,
    pub bytes: i64,
}

/// A place between messages, in the order of rooms and sequences.
pub type Place = (RoomId, i64);

/// What lies before all messages.
pub const BEGINNING: Place = (RoomId::from_uuid(Uuid::nil()), 0);

struct Row {
    room_id: RoomId,
    seq: i64,
    id: MessageId,
    sender_type: SenderType,
    sender_id: Option<Uuid>,
    content: String,
    content_type: ContentType,
    metadata: Option<Json<Box<RawValue>>>,
    edited_at: Option<DateTime<Utc>>,
    deleted_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl From<Row> for ArchivedMessage {
    fn from(row: Row) -> Self {
        Self {
            room_id: row.room_id,
            seq: row.seq,
            id: row.id,
            sender_type: row.sender_type,
            sender_id: row.sender_id,
            content: row.content,
            content_type: row.content_type,
            metadata: row.metadata.map(|json| json.0),
            edited_at: row.edited_at,
            deleted_at: row.deleted_at,
            created_at: row.created_at,
        }
    }
}

/// All of them, oldest first.
pub async fn list(db: &mut PgConnection) -> Result<Vec<Partition>, sqlx::Error> {
    sqlx::query_as!(
        Partition,
        r#"
        select
          replace(substring(child.relname from 9), '_', '-') as "month!",
          -- Negative until the table is first analysed.
          case when child.reltuples >= 0 then child.reltuples::bigint end as rows,
          pg_total_relation_size(child.oid) as "bytes!"
        from pg_inherits
        join pg_class child on child.oid = pg_inherits.inhrelid
        where pg_inherits.inhparent = 'message'::regclass
          and child.relname ~ '^message_[0-9]{4}_[0-9]{2}$'
        order by child.relname
        "#
    )
    .fetch_all(db)
    .await
}

/// Messages of a month behind a place, in order, as they come from the database: a month does not fit into memory.
pub fn messages(
    db: &mut PgConnection,
    month: Month,
    after: Place,
    limit: Option<i64>,
) -> BoxStream<'_, Result<ArchivedMessage, sqlx::Error>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select
          room_id as "room_id: RoomId",
          seq,
          id as "id: MessageId",
          sender_type as "sender_type: SenderType",
          sender_id,
          content,
          content_type as "content_type: ContentType",
          metadata as "metadata: Json<Box<RawValue>>",
          edited_at,
          deleted_at,
          created_at
        from message
        where created_at >= $1 and created_at < $2 and (room_id, seq) > ($3, $4)
        order by room_id, seq
        limit $5
        "#,
        month.begins(),
        month.ends(),
        after.0.as_uuid(),
        after.1,
        limit
    );
    Box::pin(rows.fetch(db).map_ok(ArchivedMessage::from))
}

/// Makes a month's partition and says whether it was missing.
pub async fn create(db: &mut PgConnection, month: Month) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select create_message_partition($1) as "made!""#, month.first_day())
        .fetch_one(db)
        .await
}

/// Lets one drop at a time through, until the transaction ends: a second one finds out that nothing is left.
pub async fn queue_for_dropping(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('chat-message-drop', 0))")
        .execute(db)
        .await?;
    Ok(())
}

/// Drops a month's partition and says whether it was there.
pub async fn drop(db: &mut PgConnection, month: Month) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select drop_message_partition($1) as "dropped!""#, month.first_day())
        .fetch_one(db)
        .await
}

/// Days whose month had no partition when they were written; one for each month.
pub async fn homeless(db: &mut PgConnection) -> Result<Vec<NaiveDate>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select distinct date_trunc('month', created_at at time zone 'UTC')::date as "day!"
        from message_default
        "#
    )
    .fetch_all(db)
    .await
}
