//! The command line as types. Nothing here acts.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::command::{batch, events, sagas, top};
use crate::stack::duration;

/// Runs the `DoranDoran` microservice system on one machine.
#[derive(Debug, Parser)]
#[command(name = "doran", version, about, propagate_version = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub global: GlobalArgs,
    #[command(subcommand)]
    pub command: Command,
}

/// Accepted after any verb.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Stack file; default: dorandoran.yaml here or in a parent directory. Repeat to merge further layers
    #[arg(long = "file", global = true, value_name = "PATH", env = "DORAN_FILE")]
    pub files: Vec<PathBuf>,
    /// Merge `dorandoran.<profile>.yaml` over the stack file
    #[arg(long, global = true, value_name = "NAME", env = "DORAN_PROFILE")]
    pub stack_profile: Option<String>,
    /// Name of this running copy of the stack; its state lives in .doran beside the stack file
    #[arg(long, global = true, value_name = "NAME", env = "DORAN_INSTANCE", default_value = "default")]
    pub instance: String,
    /// Moves every port of the stack by N; default: as the instance runs, else 0
    #[arg(long, global = true, value_name = "N", env = "DORAN_PORT_OFFSET")]
    pub port_offset: Option<u16>,
    /// The same as --output json
    #[arg(long, global = true)]
    pub json: bool,
    /// How data is printed on standard output; streams are NDJSON unless they are text
    #[arg(short, long, global = true, value_enum, default_value_t = OutputFormat::Text, value_name = "FORMAT")]
    pub output: OutputFormat,
    /// When to colour
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
    /// How progress is shown on standard error
    #[arg(long, global = true, value_enum, default_value_t = ProgressChoice::Auto)]
    pub progress: ProgressChoice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    Text,
    Json,
    Yaml,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressChoice {
    Auto,
    Tty,
    Plain,
    /// One JSON object a line
    Json,
    Quiet,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build what is missing, start everything, wait until it is ready, and follow the logs
    Up(UpArgs),
    /// Stop everything in reverse order; data stays unless --volumes
    Down(DownArgs),
    /// List the units and their state
    #[command(visible_alias = "status")]
    Ps(PsArgs),
    /// Show what every unit does: load, latency, errors, memory
    Top(top::TopArgs),
    /// Show the logs of all or some units
    Logs(LogsArgs),
    /// Start units with what they depend on
    Start(StartArgs),
    /// Stop units with what depends on them
    Stop(UnitsArgs),
    /// Stop and start units, and wait until they are ready
    Restart(StartArgs),
    /// Wait until units reach a state
    Wait(WaitArgs),
    /// Ask every unit for its health
    Health(UnitNames),
    /// Migrate the databases
    Migrate(MigrateArgs),
    /// Fill the databases with demo or load data
    Seed(SeedArgs),
    /// Run the smoke test scenarios against the running stack
    Smoke(SmokeArgs),
    /// Show what services tell each other, and help consumers that are stuck
    #[command(subcommand, after_help = events::EXAMPLES)]
    Events(events::EventsCommand),
    /// Show orders on their way, help those that are stuck, and audit goods and money
    #[command(subcommand, after_help = sagas::EXAMPLES)]
    Sagas(sagas::SagasCommand),
    /// Run jobs, follow, stop and restart them, and say when they run by themselves
    #[command(subcommand, after_help = batch::EXAMPLES)]
    Batch(batch::BatchCommand),
    /// Manage the platform's accounts
    #[command(subcommand)]
    User(UserCommand),
    /// Open psql on a database of the stack
    Psql(PsqlArgs),
    /// Print the environment a unit runs with, for a shell
    Env(EnvArgs),
    /// Print the resolved stack
    Config(ConfigArgs),
    /// Write files for Prometheus or Grafana that fit this stack
    #[command(subcommand)]
    Render(RenderCommand),
    /// Check this machine for what the stack needs
    Doctor,
    /// Print a shell completion script
    Completions { shell: clap_complete::Shell },
    /// Explain a topic, or a verb
    Help(HelpArgs),
    /// The supervisor process itself, for the resolved stack in this file
    #[command(hide = true)]
    Supervisor { stack: PathBuf },
    /// A job of the start plan
    #[command(hide = true)]
    Job(JobArgs),
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct UpArgs {
    /// Units or services to bring up, with what they depend on; default: all
    pub units: Vec<String>,
    /// Print what would be started, and start nothing
    #[arg(long)]
    pub plan: bool,
    /// Return instead of following the logs
    #[arg(short, long)]
    pub detach: bool,
    /// With --detach: return only when everything is ready
    #[arg(long, requires = "detach")]
    pub wait: bool,
    /// Give up waiting after this long
    #[arg(long, value_parser = duration::parse, default_value = "120s", value_name = "DURATION")]
    pub timeout: Duration,
    /// Print where the time went, with the critical path
    #[arg(long)]
    pub timings: bool,
    /// Build the services even if nothing changed
    #[arg(long, conflicts_with = "no_build")]
    pub build: bool,
    /// Never build
    #[arg(long)]
    pub no_build: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DownArgs {
    /// Also delete the databases' data and the generated secrets
    #[arg(long)]
    pub volumes: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Kill what has not stopped after this long; default: each unit's own grace
    #[arg(short, long, value_parser = duration::parse, value_name = "DURATION")]
    pub timeout: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct PsArgs {
    /// Units or services; default: all
    pub units: Vec<String>,
    /// Also list jobs
    #[arg(short, long)]
    pub all: bool,
    /// Names only
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// Units or services; default: all
    pub units: Vec<String>,
    /// Keep printing what comes
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last N lines of each unit
    #[arg(short = 'n', long, value_name = "N")]
    pub tail: Option<usize>,
    /// Prefix each line with its time
    #[arg(short, long)]
    pub timestamps: bool,
    /// Only lines younger than this (10m) or after this time (RFC 3339)
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// Only lines that match this regular expression
    #[arg(long, value_name = "REGEX")]
    pub grep: Option<String>,
    /// Only lines of this level or above: trace, debug, info, warn, error
    #[arg(long, value_name = "LEVEL")]
    pub level: Option<String>,
    /// Print the lines without their unit's name
    #[arg(long)]
    pub no_prefix: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UnitNames {
    /// Units or services; default: all
    pub units: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct UnitsArgs {
    /// Units or services
    #[arg(required = true)]
    pub units: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    /// Units or services
    #[arg(required = true)]
    pub units: Vec<String>,
    /// Return at once instead of waiting until they are ready
    #[arg(long)]
    pub no_wait: bool,
    /// Give up waiting after this long
    #[arg(long, value_parser = duration::parse, default_value = "60s", value_name = "DURATION")]
    pub timeout: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WaitFor {
    /// Ready, or for a job: done
    Ready,
    /// The same as ready
    Healthy,
    Stopped,
    /// A job has completed
    Done,
}

#[derive(Debug, Args)]
pub(crate) struct WaitArgs {
    /// Units or services; default: all
    pub units: Vec<String>,
    /// The state to wait for
    #[arg(long = "for", value_enum, default_value_t = WaitFor::Ready)]
    pub state: WaitFor,
    /// Give up after this long
    #[arg(long, value_parser = duration::parse, default_value = "120s", value_name = "DURATION")]
    pub timeout: Duration,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct MigrateArgs {
    #[command(subcommand)]
    pub command: Option<MigrateCommand>,
    #[command(flatten)]
    pub up: MigrateUpArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MigrateCommand {
    /// Apply pending migrations (the default)
    Up(MigrateUpArgs),
    /// Show what is applied, pending, edited or missing
    Status(MigrateStatusArgs),
    /// Write a new empty migration
    New {
        /// The database it is for
        #[arg(long)]
        db: String,
        /// What it does, in a few words
        #[arg(required = true, num_args = 1..)]
        what: Vec<String>,
    },
}

#[derive(Debug, Clone, Args)]
pub(crate) struct MigrateUpArgs {
    /// Only this database; repeat for more
    #[arg(long, value_name = "NAME")]
    pub db: Vec<String>,
    /// Show what would be applied; runs in a read-only transaction
    #[arg(long)]
    pub dry_run: bool,
    /// Exit with 10 when migrations are pending (with --dry-run)
    #[arg(long)]
    pub exit_code: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MigrateStatusArgs {
    /// Only this database; repeat for more
    #[arg(long, value_name = "NAME")]
    pub db: Vec<String>,
    /// Exit with 10 when migrations are pending
    #[arg(long)]
    pub exit_code: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SeedProfile {
    /// A few users with known passwords, the tutor bots and a catalogue
    Demo,
    /// Many users, rooms, messages, items and bookmarks
    Load,
}

#[derive(Debug, Args)]
pub(crate) struct SeedArgs {
    /// What to fill in
    #[arg(long, value_enum, default_value_t = SeedProfile::Demo)]
    pub profile: SeedProfile,
    /// Only this database; repeat for more
    #[arg(long, value_name = "NAME")]
    pub db: Vec<String>,
    /// How many users (load)
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    pub users: u32,
    /// The number that everything generated follows from
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct SmokeArgs {
    /// Scenario files; default: the built-in suite
    pub scenarios: Vec<PathBuf>,
    /// Give up after this long
    #[arg(long, value_parser = duration::parse, default_value = "60s", value_name = "DURATION")]
    pub timeout: Duration,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Create an account
    Create {
        #[arg(long)]
        email: String,
        #[arg(long, value_enum, default_value_t = RoleChoice::User)]
        role: RoleChoice,
        #[arg(long, default_value = "")]
        first_name: String,
        #[arg(long, default_value = "")]
        last_name: String,
        /// Read the password from standard input
        #[arg(long, required = true)]
        password_stdin: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleChoice {
    User,
    Admin,
}

#[derive(Debug, Args)]
pub(crate) struct PsqlArgs {
    /// The database, as the stack file names it
    pub db: String,
    /// Connect as the owner role (DDL) instead of the read-write runtime role
    #[arg(long)]
    pub owner: bool,
    /// Passed to psql
    #[arg(last = true)]
    pub args: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct EnvArgs {
    /// Unit or service
    pub unit: String,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// Print the JSON Schema of the stack file
    #[arg(long, conflicts_with = "explain")]
    pub schema: bool,
    /// Show which layer set a key, e.g. services.chat.port
    #[arg(long, value_name = "KEY")]
    pub explain: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RenderCommand {
    /// prometheus.yml with every instance, recording rules and alerts of the objectives, and alerts of the parts
    Prometheus(RenderArgs),
    /// Dashboards, and the provisioning of datasource and dashboards
    Grafana(RenderArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RenderArgs {
    /// Directory for the files; made if it is not there
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Replace files that are there and differ
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct HelpArgs {
    /// exit-codes, or a verb
    pub topic: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct JobArgs {
    /// The resolved stack
    #[arg(long)]
    pub stack: PathBuf,
    #[command(subcommand)]
    pub job: JobCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// Prepare a database's data directory
    Init { db: String },
    /// Apply a database's migrations
    Migrate { db: String },
    /// Seed a database if it is new
    Seed { db: String },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_has_no_contradictions() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_flags_are_accepted_after_any_verb() {
        let cli = Cli::try_parse_from(["doran", "ps", "--instance", "two", "--port-offset", "100", "--json"])
            .unwrap();
        assert_eq!(
            (cli.global.instance.as_str(), cli.global.port_offset, cli.global.json),
            ("two", Some(100), true)
        );
    }

    #[test]
    fn the_commands_in_the_documents_exist() {
        let documents = [
            include_str!("../README.md"),
            include_str!("../docs/smoke.md"),
            include_str!("../docs/chat.md"),
            include_str!("../docs/store.md"),
            include_str!("../docs/batch.md"),
            include_str!("../docs/prometheus.md"),
            include_str!("../docs/metrics.md"),
        ];
        let mut commands = 0;
        for line in documents.iter().flat_map(|document| console_lines(document)) {
            let command = line.strip_prefix("target/release/").unwrap_or(line);
            if command.starts_with("doran ") {
                let parsed = Cli::try_parse_from(command.split_whitespace());
                assert!(parsed.is_ok(), "`{command}`: {}", parsed.unwrap_err());
                commands += 1;
            }
        }
        assert!(commands > 6, "the documents show {commands} commands");
    }

    /// The lines of the fenced blocks that show a terminal.
    fn console_lines(document: &str) -> impl Iterator<Item = &str> {
        document
            .split("```console\n")
            .skip(1)
            .flat_map(|rest| rest.split("```").next().unwrap_or_default().lines())
    }
}
