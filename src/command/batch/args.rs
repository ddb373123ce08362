//! The command line of `doran batch` as types. Nothing here acts.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum, value_parser};
use contract::batch::{Concurrency, ExecutionStatus, Misfire};

use crate::interrupt::Interrupts;
use crate::stack::duration;

/// Shown below `doran batch --help`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  doran batch list                           the jobs, when they run next and how they ended last
  doran batch run order-expiry               run one now, and see how far it is
  doran batch run daily-report -p day=2026-11-22 --dry-run
  doran batch run message-archiving -d       return at once, with the id
  doran batch status                         what runs now
  doran batch logs order-expiry -f           what its newest execution says
  doran batch stop ID                        after the chunk at hand; nothing that is done is lost
  doran batch restart ID                     go on where it failed or was stopped
  doran batch schedule daily-report --cron '0 9 * * *' --zone Asia/Seoul

An execution is named by its id, by the beginning of its id, or by its job, which means the newest.

Exit codes of `run` and `restart`: 0 the execution is complete, also with skipped items; 8 it is complete and what it
compares differs; 1 it failed or was stopped; 5 --timeout passed; 7 the same parameters run or are complete already;
130 Ctrl-C.";

#[derive(Debug, Subcommand)]
pub(crate) enum BatchCommand {
    /// List the jobs with their schedules and last executions
    List,
    /// Show a job: what it does, its parameters, its schedule and its last executions
    Show {
        #[arg(value_name = "JOB")]
        job: String,
    },
    /// Run a job now, and wait for its end
    Run(RunArgs),
    /// Show an execution with its steps, or everything that runs now
    Status {
        /// The execution; default: all that run now
        #[arg(value_name = "ID|JOB")]
        execution: Option<String>,
    },
    /// Show what an execution says
    Logs(LogsArgs),
    /// Stop an execution after the chunk at hand; it can be restarted
    Stop(StopArgs),
    /// Go on with a failed or stopped execution at its last committed chunk, and wait for the end
    Restart(RestartArgs),
    /// Give a failed or stopped execution up for good: its parameters never run again
    Abandon(AbandonArgs),
    /// List executions, the newest first
    History(HistoryArgs),
    /// Show when a job runs by itself, or change it
    Schedule(ScheduleArgs),
    /// List reports, the newest first
    Reports(ListArgs),
    /// Print a report
    Report(ReportArgs),
    /// List archives, the newest first
    Archives {
        /// At most so many
        #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// List the items that an execution could not process and went on without
    Skipped {
        #[arg(value_name = "ID|JOB")]
        execution: String,
    },
    /// Try the skipped items of an execution once more
    Redrive {
        #[arg(value_name = "ID|JOB")]
        execution: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The job, as `doran batch list` shows it
    #[arg(value_name = "JOB")]
    pub job: String,
    /// Set a parameter; repeat for more. Without any, this is a new run whatever ran before
    #[arg(short, long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    pub parameters: Vec<(String, String)>,
    /// Change nothing: the report lists what would be done
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub wait: WaitArgs,
}

#[derive(Debug, Args)]
pub(crate) struct WaitArgs {
    /// Wait for the end, with a terminal or without (the default)
    #[arg(long, overrides_with = "detach")]
    pub wait: bool,
    /// Return as soon as the execution is there, and print its id
    #[arg(short, long, overrides_with = "wait", conflicts_with_all = ["timeout", "stop_on_interrupt"])]
    pub detach: bool,
    /// Wait no longer than this; the execution goes on
    #[arg(long, value_parser = duration::parse, value_name = "DURATION")]
    pub timeout: Option<Duration>,
    /// Ctrl-C stops the execution and waits for its end, instead of leaving it to run on
    #[arg(long)]
    pub stop_on_interrupt: bool,
}

impl WaitArgs {
    pub(super) fn waits(&self) -> bool {
        self.wait || !self.detach
    }

    /// Whoever waits answers Ctrl-C from here on: what was asked for is never left without a word about it.
    pub(super) fn interrupts(&self) -> anyhow::Result<Option<Interrupts>> {
        self.waits().then(Interrupts::listen).transpose()
    }
}

#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    #[arg(value_name = "ID|JOB")]
    pub execution: String,
    /// Keep printing what comes, until the execution ends
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last N lines
    #[arg(short = 'n', long, value_name = "N")]
    pub tail: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    #[arg(value_name = "ID|JOB")]
    pub execution: String,
    /// Return when it has stopped
    #[arg(long)]
    pub wait: bool,
    /// With --wait: wait no longer than this
    #[arg(long, requires = "wait", value_parser = duration::parse, default_value = "60s", value_name = "DURATION")]
    pub timeout: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct RestartArgs {
    #[arg(value_name = "ID|JOB")]
    pub execution: String,
    #[command(flatten)]
    pub wait: WaitArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AbandonArgs {
    #[arg(value_name = "ID|JOB")]
    pub execution: String,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    #[command(flatten)]
    pub list: ListArgs,
    /// Only those in this state
    #[arg(long, value_enum, value_name = "STATUS")]
    pub status: Option<StatusChoice>,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only those of this job; default: all
    #[arg(value_name = "JOB")]
    pub job: Option<String>,
    /// At most so many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The report, as `doran batch reports` shows it, the beginning of its id, or a job, which means the one about the latest time
    #[arg(value_name = "ID|JOB")]
    pub report: String,
    /// As CSV, byte for byte as it is kept
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ScheduleArgs {
    #[arg(value_name = "JOB")]
    pub job: String,
    /// When: five fields (minute hour day month weekday), or six with seconds first
    #[arg(long, value_name = "CRON")]
    pub cron: Option<String>,
    /// Whose clock: a name of the IANA time zone database, e.g. Asia/Seoul
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<String>,
    /// Run it by itself again
    #[arg(long, conflicts_with = "disable")]
    pub enable: bool,
    /// Never run it by itself
    #[arg(long)]
    pub disable: bool,
    /// What becomes of times that passed while nobody could run it
    #[arg(long, value_enum, value_name = "POLICY")]
    pub misfire: Option<MisfireChoice>,
    /// What becomes of a time while an execution of the job still runs
    #[arg(long, value_enum, value_name = "POLICY")]
    pub concurrency: Option<ConcurrencyChoice>,
}

macro_rules! choice {
    ($name:ident => $word:ident { $($(#[$doc:meta])* $variant:ident,)+ }) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
        pub(crate) enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            pub(super) fn word(self) -> $word {
                match self { $(Self::$variant => $word::$variant,)+ }
            }
        }
    };
}

choice! {
    StatusChoice => ExecutionStatus {
        Starting, Started, Stopping, Stopped, Completed, Failed, Abandoned, Unknown,
    }
}

choice! {
    MisfireChoice => Misfire {
        /// Forget them
        Skip,
        /// Run once, for the newest
        RunOnce,
        /// Run for every one
        RunAll,
    }
}

choice! {
    ConcurrencyChoice => Concurrency {
        /// Forget it
        Forbid,
        /// Stop what runs
        Replace,
        /// Run both
        Allow,
    }
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) | None => Err("write NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parse(line: &str) -> Result<BatchCommand, clap::Error> {
        let cli = Cli::try_parse_from(["doran", "batch"].into_iter().chain(line.split_whitespace()))?;
        let Command::Batch(command) = cli.command else { unreachable!("a verb of batch") };
        Ok(command)
    }

    #[track_caller]
    fn run(line: &str) -> RunArgs {
        let BatchCommand::Run(args) = parse(line).unwrap() else { panic!("{line} is no run") };
        args
    }

    #[test]
    fn lines_with_all_that_a_verb_needs_are_accepted() {
        for line in [
            "list",
            "show daily-report",
            "run order-expiry",
            "run order-expiry --dry-run --timeout 5m --stop-on-interrupt",
            "run order-expiry -d",
            "status",
            "status 0193",
            "logs order-expiry -f -n 5",
            "stop 0193 --wait --timeout 5s",
            "restart 0193 --detach",
            "abandon 0193 -y",
            "history",
            "history daily-report --status failed -n 3",
            "schedule daily-report",
            "schedule daily-report --zone Asia/Seoul --enable --misfire run-once --concurrency replace",
            "schedule daily-report --disable",
            "reports daily-report -n 1",
            "report daily-report --csv",
            "archives",
            "skipped 01931f0e",
            "redrive 01931f0e",
        ] {
            assert!(parse(line).is_ok(), "{line}: {}", parse(line).unwrap_err());
        }
    }

    #[test]
    fn lines_that_contradict_themselves_are_refused() {
        for line in [
            "",
            "show",
            "run",
            "run order-expiry -p limit",
            "run order-expiry -p =3",
            "run order-expiry -d --timeout 5s",
            "run order-expiry -d --stop-on-interrupt",
            "run order-expiry --timeout 5",
            "logs",
            "stop 0193 --timeout 5s",
            "history --status lost",
            "history -n 0",
            "schedule",
            "schedule daily-report --enable --disable",
            "schedule daily-report --misfire never",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_parameter_ends_its_name_at_the_first_equals_sign() {
        let args = run("run message-archiving -p where=a=b --param month= -p x=1");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(args.parameters, [pair("where", "a=b"), pair("month", ""), pair("x", "1")]);
    }

    #[test]
    fn it_waits_unless_it_is_told_last_to_detach() {
        for (line, waits) in
            [("", true), ("--wait", true), ("-d", false), ("-d --wait", true), ("--wait -d", false)]
        {
            assert_eq!(run(&format!("run order-expiry {line}")).wait.waits(), waits, "{line}");
        }
    }
}
