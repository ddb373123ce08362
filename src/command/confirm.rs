//! The question before something that cannot be taken back.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use crate::error::{CliError, ExitStatus};

/// Asks on the terminal; anything but yes is no.
///
/// # Errors
/// Exit code 2 without a terminal: `what` needs a yes from somebody, `--yes` in a script.
pub(super) fn confirm(question: &str, what: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        let message = format!("{what} needs a confirmation, and there is no terminal");
        return Err(CliError::new(ExitStatus::Usage, message).help("add --yes").into());
    }
    write!(anstream::stderr(), "{question} [y/N] ")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
