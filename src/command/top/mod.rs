//! `doran top`: what every unit does, as the supervisor knows it.

mod cell;
mod line;
mod live;
mod run;
#[cfg(test)]
mod tests;

use clap::Args;

pub(super) use run::run;

pub(crate) const EXAMPLES: &str = "\
Figures are of the last 10 seconds; – is what nobody knows, e.g. a percentile of fewer than 20 requests.
P50, P95 and P99 are milliseconds of all requests of all replicas, CPU% is of one core, IN and OUT bytes a second.
RPS counts requests, for databases transactions and for Redis commands. docs/metrics.md says where each comes from.

Examples:
  doran top                        redrawn every second on a terminal, else one table
  doran top --once gateway chat    one table of two services
  doran top --json                 one document (doran.top/1)
  doran top --json --watch         one a second (NDJSON)";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TopArgs {
    /// Services, databases or units; default: all
    pub names: Vec<String>,
    /// Print one table and return, also on a terminal
    #[arg(long, conflicts_with = "watch")]
    pub once: bool,
    /// Go on every second, also where nothing can be redrawn
    #[arg(long)]
    pub watch: bool,
}
