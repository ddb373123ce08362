//! Which execution is meant: by its id, by the beginning of its id, or by its job.

use contract::batch::Execution;
use contract::id::ExecutionId;

use super::service::{Batch, Wanted, helped};
use crate::error::{CliError, ExitStatus};
use crate::stack;

/// Fewer digits mean nothing: ids that were made within a minute begin alike.
const LEAST_DIGITS: usize = 8;
/// Two with the same beginning are enough to say so.
pub(super) const LOOKED_AT: u32 = 2;

/// # Errors
/// Exit code 2 when it means nothing, or more than one.
pub(super) async fn find(batch: &Batch<'_>, text: &str) -> anyhow::Result<Execution> {
    if let Ok(id) = text.parse::<ExecutionId>() {
        let found = batch.execution(id).await?;
        return found.ok_or_else(|| unknown(format!("there is no execution {id}")).into());
    }
    let jobs = batch.jobs().await?;
    if jobs.iter().any(|job| job.name == text) {
        let (newest, _) = batch.executions(Wanted { job: Some(text), ..Wanted::default() }, 1).await?;
        let never = || unknown(format!("{text} has never run")).into();
        return newest.into_iter().next().ok_or_else(never);
    }
    if is_beginning(text) {
        let (executions, _) =
            batch.executions(Wanted { id: Some(text), ..Wanted::default() }, LOOKED_AT).await?;
        if let Some(found) = one(executions, text, |execution| execution.id.to_string())? {
            return Ok(found);
        }
        return Err(unknown(format!("no execution has an id that begins with `{text}`")).into());
    }
    let names = jobs.iter().map(|job| job.name.as_str());
    let error = CliError::new(ExitStatus::Usage, format!("`{text}` is no job, and no id of an execution"));
    Err(helped(error, stack::suggestion(text, names)).into())
}

/// The beginning of an id as it is written.
pub(super) fn is_beginning(text: &str) -> bool {
    text.bytes().filter(u8::is_ascii_hexdigit).count() >= LEAST_DIGITS
        && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// The only one whose id begins so.
///
/// # Errors
/// Exit code 2 when there are several.
pub(super) fn one<T>(items: Vec<T>, beginning: &str, id: impl Fn(&T) -> String) -> anyhow::Result<Option<T>> {
    let beginning = beginning.to_ascii_lowercase();
    let mut found = items.into_iter().filter(|item| id(item).starts_with(&beginning));
    let Some(first) = found.next() else {
        return Ok(None);
    };
    match found.next() {
        None => Ok(Some(first)),
        Some(second) => {
            let message =
                format!("`{beginning}` begins more than one id: {}, {}, …", id(&first), id(&second));
            Err(CliError::new(ExitStatus::Usage, message).help("write more of it").into())
        }
    }
}

fn unknown(message: String) -> CliError {
    CliError::new(ExitStatus::Usage, message).help("`doran batch history` lists executions")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_an_id_means_one_or_nothing() {
        let ids = || vec!["0193aa-1", "0193ab-1", "0193ab-2"];
        let one = |text| one(ids(), text, |id| (*id).to_owned());
        assert_eq!(one("0193AA").unwrap(), Some("0193aa-1"));
        assert_eq!(one("0193ab-2").unwrap(), Some("0193ab-2"));
        assert_eq!(one("0194").unwrap(), None);
        let error = one("0193ab").unwrap_err().to_string();
        assert_eq!(error, "`0193ab` begins more than one id: 0193ab-1, 0193ab-2, …");
    }

    #[test]
    fn eight_digits_of_an_id_are_the_least() {
        assert!(is_beginning("01931f0e") && is_beginning("01931F0E-7"));
        assert!(!is_beginning("01931f0-") && !is_beginning("daily-report") && !is_beginning(""));
    }
}
