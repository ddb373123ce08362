//! `doran env UNIT`: the variables a unit runs with, as a shell reads them.

use crate::cli::EnvArgs;
use crate::context::Context;
use crate::error::ExitStatus;
use crate::output::Printer;
use crate::supervisor::facts;
use crate::supervisor::plan::Plan;

/// The inherited part of a unit's environment is left out: the shell has it already.
pub(super) fn run(cx: &Context, args: &EnvArgs, out: &Printer) -> anyhow::Result<ExitStatus> {
    let facts = facts::gather(&cx.stack, &cx.layout)?;
    let plan = Plan::new(&cx.stack, &facts);
    let chosen = super::up::select(&plan, std::slice::from_ref(&args.unit))?;
    let named = plan.named(&args.unit);
    let Some(id) = chosen.into_iter().find(|id| named.contains(id)) else {
        return Ok(ExitStatus::Usage);
    };
    let own = plan.unit(id).launch.env.iter().filter(|(name, _)| !facts.base_env.contains_key(*name));
    // The listener is the supervisor's to hand over; by hand a service binds its own.
    let own = own.filter(|(name, _)| name.as_str() != contract::env::LISTENER);
    if out.is_document() {
        out.document(&own.collect::<std::collections::BTreeMap<_, _>>())?;
        return Ok(ExitStatus::Success);
    }
    for (name, value) in own {
        out.line(format_args!("export {name}={}", quoted(value)))?;
    }
    Ok(ExitStatus::Success)
}

/// Single quotes: nothing inside is special but the quote itself.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_survives_the_shell() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
