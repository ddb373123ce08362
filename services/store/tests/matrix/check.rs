//! What has to be so when all is over: by the auditor, and by what was promised to the buyers.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use contract::store::OrderStatus;

use super::buyer::{Receipt, Then};
use super::world::World;

/// Everything that is wrong.
pub(crate) async fn wrongs(world: &World, receipts: &[Receipt]) -> Vec<String> {
    let mut wrongs = Vec::from_iter(audit(world));
    for receipt in receipts {
        wrongs.extend(broken(world, receipt).await.map(|why| format!("{why}: {receipt:?}")));
    }
    wrongs
}

/// `doran sagas audit`: the invariants, from the database and the provider's ledger.
fn audit(world: &World) -> Option<String> {
    let url = world.path("database-url");
    fs::write(&url, &world.database_url).unwrap();
    let output = Command::new(doran())
        .args(["sagas", "audit", "--database-url-file"])
        .arg(url)
        .arg("--ledger")
        .arg(&world.ledger)
        .output()
        .unwrap();
    let [told, complaints] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    (!output.status.success())
        .then(|| format!("the auditor ends with {}:\n{told}{complaints}", output.status))
}

/// Built with this test.
fn doran() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let doran = test.parent().unwrap().parent().unwrap().join("doran");
    assert!(doran.exists(), "no {}: cargo build --bin doran", doran.display());
    doran
}

/// A promise that was not kept.
async fn broken(world: &World, receipt: &Receipt) -> Option<String> {
    let select = "select id, status, total_amount from \"order\" where user_id = $1";
    let orders: Vec<(uuid::Uuid, String, i64)> =
        sqlx::query_as(select).bind(receipt.user.as_uuid()).fetch_all(&world.db).await.unwrap();
    let [(id, status, total)] = &orders[..] else {
        return Some(format!("one key has made {} orders", orders.len()));
    };
    if *id != receipt.order.as_uuid() {
        return Some(format!("the order is {id}"));
    }
    if *status != receipt.status.as_str() {
        return Some(format!("the order is {status}"));
    }
    if *total != receipt.wish.total() {
        return Some(format!("the order costs {total}"));
    }
    (!is_fair(receipt)).then(|| "this is not what was asked for".to_owned())
}

/// Whether the last answer fits what was wanted.
fn is_fair(receipt: &Receipt) -> bool {
    use OrderStatus::{Cancelled, Confirmed, Failed, Refunded};
    let Receipt { wish, status, .. } = receipt;
    let ends: &[OrderStatus] = match (wish.token, wish.then) {
        ("tok_decline", Then::CancelAtOnce) => &[Failed, Cancelled],
        ("tok_decline", _) => &[Failed],
        (_, Then::Keep) => &[Confirmed],
        (_, Then::Cancel | Then::CancelAtOnce) => &[Cancelled],
        (_, Then::Refund(Some(amount))) if amount < wish.total() => &[Confirmed],
        (_, Then::Refund(_)) => &[Refunded],
    };
    // The provider may have been away for longer than an order waits.
    ends.contains(status) || *status == Failed
}
