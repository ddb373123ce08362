//! `doran up --plan`: what would start, in which order, and why.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::cli::UpArgs;
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::output::Printer;
use crate::stack::Condition;
use crate::supervisor::facts;
use crate::supervisor::plan::Plan;
use crate::supervisor::state::UnitId;
use crate::supervisor::unit::Kind;

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    items: Vec<Item>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    wave: usize,
    name: String,
    kind: Kind,
    port: Option<u16>,
    depends_on: Vec<Dependency>,
}

#[derive(Serialize)]
struct Dependency {
    on: String,
    condition: Condition,
}

pub(super) fn run(cx: &Context, args: &UpArgs, out: &Printer) -> anyhow::Result<ExitStatus> {
    let plan = Plan::new(&cx.stack, &facts::gather(&cx.stack, &cx.layout)?);
    let chosen = select(&plan, &args.units)?;
    let items = items(&plan, &chosen);
    if out.is_document() {
        out.document(&Document { schema: "doran.plan/1", items })?;
        return Ok(ExitStatus::Success);
    }
    let mut wave = None;
    for item in &items {
        if wave != Some(item.wave) {
            out.line(format_args!("wave {}: starts as soon as what it waits for is there", item.wave + 1))?;
            wave = Some(item.wave);
        }
        let port = item.port.map(|port| format!(" on port {port}")).unwrap_or_default();
        let waits: Vec<String> =
            item.depends_on.iter().map(|on| format!("{} {}", on.on, word(on.condition))).collect();
        let waits = if waits.is_empty() { String::new() } else { format!(" after {}", waits.join(", ")) };
        out.line(format_args!("  {:<9} {}{port}{waits}", item.kind.as_str(), item.name))?;
    }
    Ok(ExitStatus::Success)
}

/// The named units, or all, with what they depend on.
pub(crate) fn select(plan: &Plan, names: &[String]) -> anyhow::Result<BTreeSet<UnitId>> {
    let mut chosen: Vec<UnitId> = Vec::new();
    for name in names {
        let found = plan.named(name);
        if found.is_empty() {
            return Err(unknown(plan, name).into());
        }
        chosen.extend(found);
    }
    if names.is_empty() {
        chosen.extend((0..plan.units.len()).map(UnitId));
    }
    Ok(plan.graph.with_dependencies(chosen))
}

fn unknown(plan: &Plan, name: &str) -> CliError {
    let names = plan.units.iter().flat_map(|unit| [unit.name.as_str(), unit.service.as_str()]);
    let near = names.min_by_key(|known| strsim::damerau_levenshtein(known, name)).unwrap_or_default();
    CliError::new(ExitStatus::Usage, format!("there is no unit `{name}` in the stack"))
        .help(format!("did you mean `{near}`? `doran up --plan` lists all units"))
}

fn items(plan: &Plan, chosen: &BTreeSet<UnitId>) -> Vec<Item> {
    let mut items = Vec::new();
    for (wave, ids) in plan.graph.waves().into_iter().enumerate() {
        for id in ids.into_iter().filter(|id| chosen.contains(id)) {
            let unit = plan.unit(id);
            let on = plan.graph.dependencies(id).iter();
            let depends_on = on
                .map(|(on, condition)| Dependency { on: plan.unit(*on).name.clone(), condition: *condition })
                .collect();
            items.push(Item { wave, name: unit.name.clone(), kind: unit.kind, port: unit.port, depends_on });
        }
    }
    items
}

fn word(condition: Condition) -> &'static str {
    match condition {
        Condition::Started => "started",
        Condition::Healthy => "is healthy",
        Condition::Completed => "completed",
    }
}
