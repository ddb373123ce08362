//! Orders in pieces: a million of them fit no memory, and no single statement should run that long.

use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::audit::error::AuditError;

const ORDERS: i64 = 5_000;

/// The ids of some orders that follow each other: above `after`, up to `upto`.
#[derive(Debug, Clone, Copy)]
pub(in crate::audit) struct Chunk {
    pub(in crate::audit) after: Uuid,
    pub(in crate::audit) upto: Uuid,
}

/// The pieces, one after the other.
pub(in crate::audit) struct Chunks {
    after: Uuid,
}

pub(in crate::audit) fn chunks() -> Chunks {
    Chunks { after: Uuid::nil() }
}

impl Chunks {
    pub(in crate::audit) async fn next(
        &mut self,
        db: &mut PgConnection,
    ) -> Result<Option<Chunk>, AuditError> {
        let sql = "
            select id
            from (select id from \"order\" where id > $1 order by id limit $2) as chunk
            order by id desc
            limit 1";
        let upto: Option<Uuid> = sqlx::query_scalar(sql)
            .bind(self.after)
            .bind(ORDERS)
            .fetch_optional(db)
            .await
            .map_err(AuditError::read("order"))?;
        let chunk = upto.map(|upto| Chunk { after: self.after, upto });
        self.after = upto.unwrap_or(self.after);
        Ok(chunk)
    }
}
