//! `doran sagas audit`: whether goods and money are where the books say.

use std::path::PathBuf;

use contract::id::{ItemId, OrderId, PaymentId, SagaId};
use contract::store::SagaStep;
use serde::Serialize;

use super::args::AuditArgs;
use super::books;
use crate::audit::{self, Report, Stuck, Violation};
use crate::command::cell::one_line;
use crate::context::Context;
use crate::error::ExitStatus;
use crate::output::Printer;

const SCHEMA: &str = "doran.sagas-audit/1";
/// People read so many; machines get all.
const SHOWN: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema: &'static str,
    stock_rows: u64,
    orders: u64,
    payments: u64,
    /// Payments of orders that something is on its way for.
    in_flight: u64,
    ledger_entries: u64,
    stuck: Vec<StuckItem<'a>>,
    items: Vec<Found>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StuckItem<'a> {
    saga_id: SagaId,
    order_id: OrderId,
    step: SagaStep,
    attempt: i32,
    last_error: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    kind: &'static str,
    order_id: Option<OrderId>,
    payment_id: Option<PaymentId>,
    saga_id: Option<SagaId>,
    item_id: Option<ItemId>,
    message: String,
    help: &'static str,
}

/// Exit code 8 when the books do not agree.
pub(super) async fn run(cx: Option<&Context>, args: &AuditArgs, out: &Printer) -> anyhow::Result<ExitStatus> {
    let ledger = ledger(cx, args, out);
    let mut db = books::open(cx, args.database_url_file.as_deref()).await?;
    let report = audit::run(&mut db, ledger.as_deref()).await?;
    if out.is_document() {
        out.document(&document(&report))?;
    } else {
        out.line(text(&report))?;
    }
    let agrees = report.violations.is_empty();
    Ok(if agrees { ExitStatus::Success } else { ExitStatus::AssertionFailed })
}

/// The provider of a stack that never ran has none.
fn ledger(cx: Option<&Context>, args: &AuditArgs, out: &Printer) -> Option<PathBuf> {
    if args.ledger.is_some() {
        return args.ledger.clone();
    }
    let path = cx?.layout.payment_ledger();
    if path.exists() {
        return Some(path);
    }
    out.warn(format_args!("{} is not there: the provider's books count as empty", path.display()));
    None
}

fn document(report: &Report) -> Document<'_> {
    Document {
        schema: SCHEMA,
        stock_rows: report.items,
        orders: report.orders,
        payments: report.payments,
        in_flight: report.in_flight,
        ledger_entries: report.entries,
        stuck: report.stuck.iter().map(stuck_item).collect(),
        items: report.violations.iter().map(found).collect(),
    }
}

fn stuck_item(stuck: &Stuck) -> StuckItem<'_> {
    let Stuck { saga, order, step, attempt, last_error } = stuck;
    let last_error = last_error.as_deref();
    StuckItem { saga_id: *saga, order_id: *order, step: *step, attempt: *attempt, last_error }
}

fn found(violation: &Violation) -> Found {
    Found {
        kind: violation.kind(),
        order_id: violation.order(),
        payment_id: violation.payment(),
        saga_id: violation.saga(),
        item_id: violation.item(),
        message: violation.to_string(),
        help: violation.help(),
    }
}

fn text(report: &Report) -> String {
    let Report { items, orders, payments, in_flight, entries, stuck, violations } = report;
    let wrong = violations
        .iter()
        .map(|violation| format!("{}  {violation}\n  help: {}", violation.kind(), violation.help()));
    let mut lines: Vec<String> = wrong.take(SHOWN).collect();
    let waiting = stuck.iter().map(|stuck| {
        let error = stuck.last_error.as_deref().map(one_line).unwrap_or_default();
        format!("stuck: saga {} of order {} at {} {error}", stuck.saga, stuck.order, stuck.step)
    });
    lines.extend(waiting.take(SHOWN));
    if violations.len().max(stuck.len()) > SHOWN {
        lines.push(format!(
            "{SHOWN} of {} violations and {} stuck sagas are shown (--json has all)",
            violations.len(),
            stuck.len()
        ));
    }
    let verdict = match violations.len() {
        0 => "✔ the books agree".to_owned(),
        1 => "✗ 1 violation".to_owned(),
        count => format!("✗ {count} violations"),
    };
    lines.push(format!(
        "{verdict}: {items} items, {orders} orders, {payments} payments ({in_flight} in flight), \
         {entries} entries of the provider, {} stuck",
        stuck.len()
    ));
    lines.join("\n")
}
