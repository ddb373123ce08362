//! The command line of `doran sagas` as types. Nothing here acts.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, value_parser};
use contract::id::SagaId;
use contract::store::SagaState;
use contract::store::maintenance::Resolution;

/// Shown below `doran sagas --help`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  doran sagas list --state stuck             orders that wait for a person
  doran sagas show ID                        one of them, with its order, its payment and what happened
  doran sagas retry ID                       ask the provider again, now
  doran sagas compensate ID                  undo it: the order fails, its money goes back
  doran sagas resolve ID --as completed --reason 'captured at the provider, ticket 4711'
  doran sagas audit                          hold store's books against the provider's
  doran sagas verify                         rebuild orders and stock from their histories and compare";

#[derive(Debug, Subcommand)]
pub(crate) enum SagasCommand {
    /// List sagas, those that changed last first
    List(ListArgs),
    /// Show one saga with its order, its payments and the order's history
    Show {
        #[arg(value_name = "ID", value_parser = saga_id)]
        id: SagaId,
    },
    /// Make the next attempt now
    Retry(RetryArgs),
    /// Undo what a saga has done: the order fails or is cancelled, and its money goes back
    Compensate(CompensateArgs),
    /// Book how a stuck saga ended at the provider, without asking it
    Resolve(ResolveArgs),
    /// Rebuild orders, stock and refunds from what only grows, and compare; exit code 8 when they differ
    Verify(VerifyArgs),
    /// Check that goods and money are where the books say, store's and the provider's; exit code 8 when not
    Audit(AuditArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only those in this state; default: all
    #[arg(long, value_enum, value_name = "STATE")]
    pub state: Option<StateChoice>,
    /// At most so many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100, value_parser = value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StateChoice {
    /// Waits for a person, or was tried ten times and more
    Stuck,
    Running,
    /// On its way back
    Compensating,
    Completed,
    Compensated,
    /// Ended by a person
    Resolved,
}

impl StateChoice {
    pub(super) fn state(self) -> SagaState {
        match self {
            Self::Stuck => SagaState::Stuck,
            Self::Running => SagaState::Running,
            Self::Compensating => SagaState::Compensating,
            Self::Completed => SagaState::Completed,
            Self::Compensated => SagaState::Compensated,
            Self::Resolved => SagaState::Resolved,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    /// The saga, as `doran sagas list` shows it
    #[arg(value_name = "ID", value_parser = saga_id)]
    pub id: SagaId,
    /// Why; kept in the order's history
    #[arg(long, value_name = "TEXT", value_parser = reason, default_value = "retried by the operator")]
    pub reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct CompensateArgs {
    /// The saga, as `doran sagas list` shows it
    #[arg(value_name = "ID", value_parser = saga_id)]
    pub id: SagaId,
    /// Why; kept in the order's history
    #[arg(long, value_name = "TEXT", value_parser = reason, default_value = "undone by the operator")]
    pub reason: String,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ResolveArgs {
    /// The saga, as `doran sagas list` shows it
    #[arg(value_name = "ID", value_parser = saga_id)]
    pub id: SagaId,
    /// How it ended at the provider
    #[arg(long = "as", value_enum, value_name = "END")]
    pub end: EndChoice,
    /// How you know; kept with it
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: String,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EndChoice {
    /// What it was begun for has happened
    Completed,
    /// It has not happened, and nothing of it is left at the provider
    Compensated,
}

impl EndChoice {
    pub(super) fn resolution(self) -> Resolution {
        match self {
            Self::Completed => Resolution::Completed,
            Self::Compensated => Resolution::Compensated,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// A file that holds the URL of store's database; default: that of the stack, which need not be complete
    #[arg(long, value_name = "FILE")]
    pub database_url_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// The ledger of the sandbox payment provider; default: that of the stack
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// A file that holds the URL of store's database; default: that of the stack, which need not be complete
    #[arg(long, value_name = "FILE", requires = "ledger")]
    pub database_url_file: Option<PathBuf>,
}

impl SagasCommand {
    /// Everything it works on is named: it needs no stack file.
    pub(crate) fn is_apart(&self) -> bool {
        match self {
            Self::Verify(args) => args.database_url_file.is_some(),
            Self::Audit(args) => args.database_url_file.is_some(),
            Self::List(_) | Self::Show { .. } | Self::Retry(_) | Self::Compensate(_) | Self::Resolve(_) => {
                false
            }
        }
    }
}

fn saga_id(text: &str) -> Result<SagaId, String> {
    text.parse().map_err(|_| "not the id of a saga: `doran sagas list` shows them".to_owned())
}

fn reason(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("say why, for whoever looks at it later".to_owned()),
        reason if reason.chars().count() > 500 => Err("at most 500 characters".to_owned()),
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
        Cli::try_parse_from(["doran", "sagas"].into_iter().chain(words)).is_ok()
    }

    #[test]
    fn a_saga_is_resolved_with_its_end_and_a_reason() {
        for line in [
            "list",
            "list --state stuck -n 5",
            "show ID",
            "retry ID",
            "retry ID --reason r",
            "compensate ID --yes",
            "resolve ID --as completed --reason r",
            "resolve ID --as compensated --reason r -y",
        ] {
            assert!(is_accepted(line), "{line}");
        }
        for line in [
            "",
            "list --state lost",
            "list -n 0",
            "show",
            "show 7",
            "retry ID --reason=",
            "resolve ID --as completed",
            "resolve ID --reason r",
            "resolve ID --as stuck --reason r",
        ] {
            assert!(!is_accepted(line), "{line}");
        }
    }

    #[test]
    fn books_that_are_no_stacks_are_named_both() {
        for line in ["audit", "audit --ledger l", "audit --ledger l --database-url-file u", "verify"] {
            assert!(is_accepted(line), "{line}");
        }
        assert!(!is_accepted("audit --database-url-file u"));
    }
}
