//! `doran help`: verbs, and topics that belong to none.

use clap::CommandFactory as _;

use crate::cli::{Cli, HelpArgs};
use crate::error::{CliError, ExitStatus};
use crate::output::Printer;

pub(super) fn run(args: &HelpArgs, out: &Printer) -> anyhow::Result<ExitStatus> {
    let mut command = Cli::command();
    command.build();
    match args.topic.as_deref() {
        None => out.line(command.render_long_help().ansi())?,
        Some("exit-codes") => {
            for (status, meaning) in ExitStatus::ALL {
                out.line(format_args!("{:>3}  {meaning}", status.code()))?;
            }
        }
        Some(verb) => match command.find_subcommand_mut(verb) {
            Some(verb) => out.line(verb.render_long_help().ansi())?,
            None => {
                return Err(CliError::new(ExitStatus::Usage, format!("there is no verb or topic `{verb}`"))
                    .help("`doran help` lists the verbs; the only other topic is `exit-codes`")
                    .into());
            }
        },
    }
    Ok(ExitStatus::Success)
}
