//! `doran batch run`: begins an execution.

use std::collections::BTreeMap;

use contract::batch::{Execution, Job, JobParameter, ParameterType, TriggerJob, path};
use serde_json::Value;

use super::args::{RunArgs, WaitArgs};
use super::execution;
use super::service::{Batch, classified, helped, status_of};
use super::wait;
use crate::error::{CliError, ExitStatus};
use crate::interrupt::Interrupts;
use crate::operator::Refused;
use crate::output::Printer;
use crate::stack;

pub(super) async fn run(batch: Batch<'_>, args: &RunArgs, out: &Printer) -> anyhow::Result<ExitStatus> {
    let job = batch.job(&args.job).await?;
    let trigger = TriggerJob { parameters: parameters(&job, &args.parameters)?, dry_run: args.dry_run };
    let interrupts = args.wait.interrupts()?;
    let begun: Execution = batch
        .service
        .post(&path::trigger(&job.name), &trigger)
        .await
        .map_err(|error| refused(error, &job.name))?;
    begin(batch, &begun, &args.wait, interrupts, out).await
}

/// Waits for what was begun, or says what its id is.
pub(super) async fn begin(
    batch: Batch<'_>,
    begun: &Execution,
    args: &WaitArgs,
    interrupts: Option<Interrupts>,
    out: &Printer,
) -> anyhow::Result<ExitStatus> {
    if let Some(mut interrupts) = interrupts {
        out.note(format_args!("{} begins as {}", begun.job, begun.id));
        return wait::to_the_end(batch, begun, args, &mut interrupts, out).await;
    }
    if out.is_document() {
        execution::show(begun, out)?;
    } else {
        out.line(begun.id)?;
        out.note(format_args!("{} has begun; `doran batch status {}` shows it", begun.job, begun.id));
    }
    Ok(ExitStatus::Success)
}

/// With the types that the job declares; what does not fit its type is left for batch to refuse.
fn parameters(job: &Job, given: &[(String, String)]) -> anyhow::Result<BTreeMap<String, Value>> {
    let mut values = BTreeMap::new();
    for (name, text) in given {
        let Some(parameter) = job.parameters.iter().find(|parameter| parameter.name == *name) else {
            return Err(unknown(job, name).into());
        };
        if values.insert(name.clone(), value(parameter, text)).is_some() {
            let message = format!("the parameter `{name}` is set twice");
            return Err(CliError::new(ExitStatus::Usage, message).into());
        }
    }
    Ok(values)
}

fn value(parameter: &JobParameter, text: &str) -> Value {
    let typed = match parameter.kind {
        ParameterType::Long => text.parse::<i64>().ok().map(Value::from),
        ParameterType::Double => text.parse::<f64>().ok().map(Value::from),
        ParameterType::Boolean => text.parse::<bool>().ok().map(Value::from),
        ParameterType::String | ParameterType::Date => None,
    };
    typed.unwrap_or_else(|| Value::from(text))
}

fn unknown(job: &Job, name: &str) -> CliError {
    let error = CliError::new(ExitStatus::Usage, format!("{} has no parameter `{name}`", job.name));
    if job.parameters.is_empty() {
        return error.help("it has none at all");
    }
    let known = job.parameters.iter().map(|parameter| parameter.name.as_str());
    helped(error, stack::suggestion(name, known))
}

/// An answer that was lost may have been a yes.
fn refused(error: anyhow::Error, job: &str) -> anyhow::Error {
    if error.downcast_ref::<CliError>().is_some() {
        return error;
    }
    match status_of(&error) {
        Some(reqwest::StatusCode::CONFLICT) => {
            let help = format!("`doran batch history {job}` has the execution; without -p it is a new run");
            conflict(&error).help(help).into()
        }
        Some(status) if status.is_client_error() => classified(error),
        Some(_) | None => {
            error.context(format!("it may have begun all the same, see `doran batch status {job}`"))
        }
    }
}

fn conflict(error: &anyhow::Error) -> CliError {
    let message = error.downcast_ref::<Refused>().map(ToString::to_string).unwrap_or_default();
    CliError::new(ExitStatus::Conflict, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::batch::list::tests::archiving;

    fn given(pairs: &[(&str, &str)]) -> anyhow::Result<BTreeMap<String, Value>> {
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        parameters(&archiving(), &pairs)
    }

    #[test]
    fn values_have_the_types_that_the_job_declares() {
        let values = given(&[("month", "2026"), ("delete", "false")]).unwrap();
        assert_eq!(values["month"], "2026");
        assert_eq!(values["delete"], false);
        assert_eq!(
            given(&[("delete", "maybe")]).unwrap()["delete"],
            "maybe",
            "batch says what is wrong with it"
        );
    }

    #[test]
    fn a_misspelt_parameter_is_recognised() {
        let error = given(&[("mnoth", "2026-01")]).unwrap_err();
        let error = error.downcast_ref::<CliError>().unwrap();
        assert_eq!(error.message, "message-archiving has no parameter `mnoth`");
        assert_eq!((error.help.as_deref(), error.status), (Some("did you mean `month`?"), ExitStatus::Usage));
        assert!(given(&[("month", "1"), ("month", "2")]).unwrap_err().to_string().contains("twice"));
    }
}
