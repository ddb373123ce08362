//! `doran smoke`: runs scenarios against the running stack and says which hold.

use std::fs;
use std::path::Path;
use std::time::Duration;

use contract::claims::OPERATOR;
use tokio::time::Instant;

use crate::cli::SmokeArgs;
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::output::Printer;
use crate::smoke::{
    Document, Limits, ScenarioError, ScenarioFile, Targets, built_in, parse, plan, render_scenario,
    render_summary,
};
use crate::supervisor::client::Client;

/// Every route of the gateway ends within 10 s; this is the web client's patience.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);
/// Enough to overlap waiting; more would only meet the gateway's limit per address.
const PARALLEL: usize = 4;

/// Exit code 8 when a scenario failed, 5 when the time was over before all were through.
pub(crate) async fn run(cx: &Context, args: &SmokeArgs, out: &mut Printer) -> anyhow::Result<ExitStatus> {
    let files = scenario_files(args)?;
    let targets = Targets::of(&cx.stack)
        .ok_or_else(|| CliError::new(ExitStatus::Config, "the stack has no service `gateway` to ask"))?;
    let plan = plan(&files, &targets).map_err(invalid)?;
    Client::require(&cx.layout, &cx.stack.instance).await?;
    let begun = Instant::now();
    let limits = Limits { total: args.timeout, answer: ANSWER_LIMIT, parallel: PARALLEL };
    let operator_key = cx.secrets.service_key_file(OPERATOR);
    let reports = crate::smoke::run(plan, limits, &operator_key, |report| {
        if !out.is_document() {
            out.line(render_scenario(report))?;
        }
        Ok(())
    })
    .await?;
    let document = Document::new(reports, begun.elapsed());
    if out.is_document() {
        out.document(&document)?;
    } else {
        out.line(render_summary(&document.summary))?;
    }
    Ok(document.summary.exit_status())
}

fn scenario_files(args: &SmokeArgs) -> anyhow::Result<Vec<ScenarioFile>> {
    if args.scenarios.is_empty() {
        return Ok(built_in().map_err(invalid)?);
    }
    args.scenarios.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> anyhow::Result<ScenarioFile> {
    let text = fs::read_to_string(path).map_err(|error| {
        let message = format!("cannot read the scenarios in {}: {error}", path.display());
        CliError::new(ExitStatus::Config, message)
    })?;
    Ok(parse(&path.display().to_string(), &text).map_err(invalid)?)
}

fn invalid(error: ScenarioError) -> CliError {
    let known = CliError::new(ExitStatus::Config, error.to_string());
    match error.help {
        Some(help) => known.help(help),
        None => known,
    }
}
