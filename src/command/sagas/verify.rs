//! `doran sagas verify`: orders, stock and refunds, rebuilt from what only grows.

use serde::Serialize;

use super::args::VerifyArgs;
use super::books;
use crate::audit::{self, Difference, Rebuilt};
use crate::context::Context;
use crate::error::ExitStatus;
use crate::output::Printer;

const SCHEMA: &str = "doran.sagas-verify/1";
/// People read so many; machines get all.
const SHOWN: usize = 100;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    orders: u64,
    #[serde(rename = "stockRows")]
    stock_rows: u64,
    payments: u64,
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    subject: &'static str,
    id: uuid::Uuid,
    field: &'a str,
    stored: Option<&'a str>,
    rebuilt: Option<&'a str>,
    help: String,
}

/// Exit code 8 when something differs.
pub(super) async fn run(
    cx: Option<&Context>,
    args: &VerifyArgs,
    out: &Printer,
) -> anyhow::Result<ExitStatus> {
    let mut db = books::open(cx, args.database_url_file.as_deref()).await?;
    let rebuilt = audit::rebuild(&mut db).await?;
    if out.is_document() {
        out.document(&document(&rebuilt))?;
    } else {
        out.line(text(&rebuilt))?;
    }
    let same = rebuilt.differences.is_empty();
    Ok(if same { ExitStatus::Success } else { ExitStatus::AssertionFailed })
}

fn document(rebuilt: &Rebuilt) -> Document<'_> {
    let items = rebuilt.differences.iter().map(|difference| Item {
        subject: difference.subject.word(),
        id: difference.id,
        field: &difference.field,
        stored: difference.stored.as_deref(),
        rebuilt: difference.rebuilt.as_deref(),
        help: difference.help(),
    });
    Document {
        schema: SCHEMA,
        orders: rebuilt.orders,
        stock_rows: rebuilt.items,
        payments: rebuilt.payments,
        items: items.collect(),
    }
}

fn text(rebuilt: &Rebuilt) -> String {
    let Rebuilt { orders, items, payments, differences } = rebuilt;
    let mut lines: Vec<String> = differences.iter().take(SHOWN).map(line).collect();
    if let Some(more) = differences.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        lines.push(format!("and {more} more (--json has all)"));
    }
    let scope = format!("{orders} orders, {items} rows of stock and {payments} payments");
    lines.push(match differences.len() {
        0 => format!("✔ {scope} are what their histories make of them"),
        count => format!(
            "✗ {count} differences in {scope}: a history only grows, so it is the row that is wrong \
             (docs/store.md, \"When money is stuck\")"
        ),
    });
    lines.join("\n")
}

fn line(difference: &Difference) -> String {
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
    format!(
        "{} {}: {} is {}, rebuilt {}\n  see: {}",
        difference.subject.word(),
        difference.id,
        difference.field,
        shown(&difference.stored),
        shown(&difference.rebuilt),
        difference.help()
    )
}
