//! The provider's books, with as many payments as store's seed has.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use contract::id::{OrderId, PaymentId};
use contract::payment::{Booking, Entry};
use uuid::Uuid;

/// Payments 1 to `count`, authorised and captured the day before `now`.
pub(crate) fn write(path: &Path, count: u64, now: DateTime<Utc>) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    let at = (now - TimeDelta::days(1)).date_naive().and_hms_opt(12, 0, 0).unwrap().and_utc();
    for n in 1..=count {
        for (seq, booking) in [(2 * n - 1, Booking::Authorise), (2 * n, Booking::Capture)] {
            let entry = Entry {
                seq,
                at,
                payment_id: PaymentId::from(id(1, n)),
                order_id: Some(OrderId::from(id(2, n))),
                booking,
                amount: 1200,
                currency: "KRW".to_owned(),
                key: None,
                decline_code: None,
            };
            serde_json::to_writer(&mut file, &entry).unwrap();
            file.write_all(b"\n").unwrap();
        }
    }
    file.flush().unwrap();
}

/// As `lpad(to_hex(n), …)` makes it in the seed.
fn id(kind: u128, n: u64) -> Uuid {
    Uuid::from_u128(kind << 64 | u128::from(n))
}
