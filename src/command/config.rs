//! `doran config`: the resolved stack, the schema of its file, or where a value comes from.

use std::fmt::Write as _;

use schemars::Schema;
use serde::Serialize;

use crate::cli::{ConfigArgs, GlobalArgs};
use crate::context::load_stack;
use crate::error::{CliError, ExitStatus};
use crate::output::Printer;
use crate::stack::{self, Explanation, Loaded, Origin, View};

/// What `--json` prints. Below `stack` are the words of the stack file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema: &'static str,
    instance: &'a str,
    dir: &'a std::path::Path,
    port_offset: u16,
    stack: View<'a>,
}

/// What `--explain KEY --json` prints.
#[derive(Serialize)]
struct Explained {
    schema: &'static str,
    items: Vec<Explanation>,
}

pub(super) fn run(global: &GlobalArgs, args: &ConfigArgs, out: &mut Printer) -> anyhow::Result<ExitStatus> {
    if args.schema {
        let schema: Schema = stack::stack_schema();
        out.line(serde_json::to_string_pretty(&schema)?)?;
        return Ok(ExitStatus::Success);
    }
    let loaded = load_stack(global)?;
    match &args.explain {
        Some(key) => print_explanation(key, &loaded, out)?,
        None => print_stack(&loaded, out)?,
    }
    Ok(ExitStatus::Success)
}

fn print_stack(loaded: &Loaded, out: &Printer) -> anyhow::Result<()> {
    let view = View::of(&loaded.stack);
    if out.is_document() {
        return out.document(&Document {
            schema: "doran.config/1",
            instance: &loaded.stack.instance,
            dir: &loaded.stack.dir,
            port_offset: loaded.stack.port_offset,
            stack: view,
        });
    }
    let yaml = serde_saphyr::to_string(&view)?;
    out.line(yaml.trim_end())?;
    Ok(())
}

fn print_explanation(key: &str, loaded: &Loaded, out: &Printer) -> anyhow::Result<()> {
    let items = stack::explain(loaded, key).map_err(|hint| {
        let error = CliError::new(ExitStatus::Usage, format!("the stack has no key `{key}`"));
        match hint {
            Some(hint) => error.help(hint),
            None => error,
        }
    })?;
    if out.is_document() {
        return out.document(&Explained { schema: "doran.explain/1", items });
    }
    for item in &items {
        out.line(text(item, loaded.stack.port_offset).trim_end())?;
    }
    Ok(())
}

fn text(item: &Explanation, port_offset: u16) -> String {
    let mut text = format!("{} = {}\n", item.key, plain(&item.value));
    let Some(origin) = &item.origin else {
        text.push_str("  built-in default\n");
        return text;
    };
    line(&mut text, "set by", origin);
    for loser in &item.losers {
        line(&mut text, "over", loser);
    }
    if port_offset > 0 && plain(&item.value) != origin.written && item.key.ends_with("port") {
        let _ = writeln!(text, "  {:6} --port-offset {port_offset}", "plus");
    }
    text
}

fn line(text: &mut String, verb: &str, origin: &Origin) {
    let via = origin.via.as_ref().map(|key| format!(", {key}")).unwrap_or_default();
    // Writing into a String cannot fail.
    let _ = writeln!(text, "  {verb:6} {} ({}{via}): {}", origin.place, origin.layer, origin.written);
}

/// A text without quotes, anything else as JSON.
fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
