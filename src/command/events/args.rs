//! The command line of `doran events` as types. Nothing here acts.

use clap::{ArgGroup, Args, Subcommand, ValueEnum, value_parser};
use contract::event::DeadLetterState;
use uuid::Uuid;

/// Shown below `doran events --help`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  doran events lag                           how far every consumer is behind
  doran events tail user -f                  follow what user publishes
  doran events tail --type revoked --json    CloudEvents, one a line
  doran events dead                          what consumers have given up on
  doran events dead show ID                  one of them, with its error and its event
  doran events replay ID                     hand it to its consumer again
  doran events drop ID --reason 'no such user any more'
  doran events replay --service auth --consumer NAME --from 1
                                             have a consumer read everything that is kept again";

#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// Show how far every consumer is behind what it reads
    Lag,
    /// Print what services publish, oldest first
    Tail(TailArgs),
    /// List the events that a consumer has given up on, or show one
    Dead(DeadArgs),
    /// Hand dead letters to their consumers again, or have a consumer read again from a position
    Replay(ReplayArgs),
    /// Give a dead letter up for good; the events of its subject behind it go on
    Drop(DropArgs),
}

#[derive(Debug, Args)]
pub(crate) struct TailArgs {
    /// Services that publish; default: all
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
    /// Only events of this type: the whole name or words of it, like `user.created` or `revoked`
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<String>,
    /// Only events younger than this (10m) or after this time (RFC 3339)
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// Only the last N events of each service; default: 20, or with --since: all
    #[arg(short = 'n', long, value_name = "N")]
    pub tail: Option<usize>,
    /// Keep printing what comes
    #[arg(short, long)]
    pub follow: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct DeadArgs {
    #[command(subcommand)]
    pub command: Option<DeadCommand>,
    #[command(flatten)]
    pub list: DeadListArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadCommand {
    /// List dead letters (the default)
    List(DeadListArgs),
    /// Show one dead letter with its error and its event
    Show {
        #[arg(value_name = "ID", value_parser = letter_id)]
        id: Uuid,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DeadListArgs {
    /// Only those of this service's consumers; repeat for more
    #[arg(long = "service", value_name = "SERVICE")]
    pub services: Vec<String>,
    /// Only those in this state
    #[arg(long, value_enum, default_value_t = DeadChoice::Parked, value_name = "STATE")]
    pub state: DeadChoice,
    /// At most so many of each service, the first in the order of their feeds
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100, value_parser = value_parser!(u32).range(1..=1000))]
    pub limit: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeadChoice {
    /// Waiting for somebody to decide
    Parked,
    /// Handed to its consumer again
    Replayed,
    /// Given up for good
    Dropped,
    All,
}

impl DeadChoice {
    pub(super) fn state(self) -> Option<DeadLetterState> {
        match self {
            Self::Parked => Some(DeadLetterState::Parked),
            Self::Replayed => Some(DeadLetterState::Replayed),
            Self::Dropped => Some(DeadLetterState::Dropped),
            Self::All => None,
        }
    }
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["ids", "all", "consumer"]))]
pub(crate) struct ReplayArgs {
    /// Dead letters, as `doran events dead` lists them
    #[arg(value_name = "ID", value_parser = letter_id)]
    pub ids: Vec<Uuid>,
    /// Every dead letter that is parked
    #[arg(long)]
    pub all: bool,
    /// This consumer reads again what it has applied already
    #[arg(long, value_name = "NAME", requires_all = ["service", "from"])]
    pub consumer: Option<String>,
    /// The service of the consumer; with --all: only its dead letters
    #[arg(long, value_name = "SERVICE", conflicts_with = "ids")]
    pub service: Option<String>,
    /// The first position to read again; 1 is the beginning
    #[arg(long, value_name = "POSITION", requires = "consumer", conflicts_with_all = ["ids", "all"], value_parser = value_parser!(i64).range(1..))]
    pub from: Option<i64>,
    /// The service it reads, when it reads more than one
    #[arg(long, value_name = "SERVICE", requires = "consumer", conflicts_with_all = ["ids", "all"])]
    pub source: Option<String>,
    /// Do not ask; only --consumer does
    #[arg(short, long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DropArgs {
    /// The dead letter, as `doran events dead` lists it
    #[arg(value_name = "ID", value_parser = letter_id)]
    pub id: Uuid,
    /// Why nobody needs its effect; kept with it
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: String,
}

fn letter_id(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| "not the id of a dead letter: `doran events dead` lists them".to_owned())
}

fn reason(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("say why, for whoever looks at it later".to_owned()),
        reason => Ok(reason.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use crate::cli::Cli;

    const ID: &str = "01931f0e-7c5a-7000-8000-0123456789ab";

    fn is_accepted(line: &str) -> bool {
        let words = line.split_whitespace().map(|word| if word == "ID" { ID } else { word });
        Cli::try_parse_from(["doran", "events"].into_iter().chain(words)).is_ok()
    }

    #[test]
    fn what_is_replayed_is_one_thing_and_said_whole() {
        for line in [
            "replay ID ID",
            "replay --all",
            "replay --all --yes",
            "replay --all --service auth",
            "replay --consumer users --service auth --from 1 --yes",
            "replay --consumer users --service auth --source user --from 40",
        ] {
            assert!(is_accepted(line), "{line}");
        }
        for line in [
            "replay",
            "replay --all ID",
            "replay ID --service auth",
            "replay --service auth --from 1",
            "replay --consumer users --from 1",
            "replay --consumer users --service auth",
            "replay --consumer users --service auth --from 0",
            "replay --all --from 1",
            "replay ID --from 3",
            "replay 7",
        ] {
            assert!(!is_accepted(line), "{line}");
        }
    }

    #[test]
    fn dead_letters_are_listed_by_default_and_dropped_with_a_reason() {
        for line in
            ["dead", "dead list --state all", "dead --service auth", "dead show ID", "drop ID --reason r"]
        {
            assert!(is_accepted(line), "{line}");
        }
        for line in [
            "dead show",
            "dead show 7",
            "dead --state lost",
            "drop ID",
            "drop --reason r",
            "drop ID --reason=",
        ] {
            assert!(!is_accepted(line), "{line}");
        }
    }
}
