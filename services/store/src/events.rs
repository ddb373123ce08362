//! What store publishes, in the transaction that changes what the event tells of.

use chassis::event::{self, New};
use contract::store::{OrderSnapshot, PaymentSnapshot};
use sqlx::PgConnection;

/// Its sequence within the order is the snapshot's version.
pub async fn order(db: &mut PgConnection, kind: &str, order: &OrderSnapshot) -> Result<(), sqlx::Error> {
    let new = New {
        kind,
        aggregate_type: "order",
        aggregate_id: order.id.as_uuid(),
        sequence: order.version,
        data: order,
    };
    event::publish(db, new).await?;
    Ok(())
}

/// Its sequence within the payment is the snapshot's version.
pub async fn payment(
    db: &mut PgConnection,
    kind: &str,
    payment: &PaymentSnapshot,
) -> Result<(), sqlx::Error> {
    let new = New {
        kind,
        aggregate_type: "payment",
        aggregate_id: payment.id.as_uuid(),
        sequence: payment.version,
        data: payment,
    };
    event::publish(db, new).await?;
    Ok(())
}
