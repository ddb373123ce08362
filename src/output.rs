//! The only place that prints: data to standard output, everything else to standard error.

use std::io::{self, IsTerminal as _, Write as _};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::cli::{ColorChoice, GlobalArgs, OutputFormat, ProgressChoice};
use crate::error::{CliError, ExitStatus};

/// The objects of `--progress json`.
pub(crate) const PROGRESS: &str = "doran.progress/1";

/// Where a command writes, and how much it may decorate.
pub(crate) struct Printer {
    format: OutputFormat,
    progress: ProgressChoice,
    color: ColorChoice,
}

impl Printer {
    pub(crate) fn new(global: &GlobalArgs) -> Self {
        Self {
            format: if global.json { OutputFormat::Json } else { global.output },
            progress: resolve_progress(global.progress),
            color: global.color,
        }
    }

    /// A machine reads: standard output carries one document or NDJSON, nothing else.
    pub(crate) fn is_document(&self) -> bool {
        match self.format {
            OutputFormat::Text => false,
            OutputFormat::Json | OutputFormat::Yaml => true,
        }
    }

    /// Whether live progress (bars, rewritten lines) may be drawn on standard error.
    pub(crate) fn is_live(&self) -> bool {
        self.progress == ProgressChoice::Tty
    }

    /// Standard output; colour codes written to it are stripped when nobody wants them.
    pub(crate) fn out(&self) -> anstream::AutoStream<io::Stdout> {
        anstream::AutoStream::new(io::stdout(), self.choice(&io::stdout()))
    }

    /// Data, as text.
    ///
    /// # Errors
    /// When standard output fails; a closed pipe is told apart by [`is_broken_pipe`].
    pub(crate) fn line(&self, text: impl std::fmt::Display) -> io::Result<()> {
        writeln!(self.out(), "{text}")
    }

    /// Data, as one document: JSON on one line, or YAML.
    pub(crate) fn document<T: Serialize>(&self, value: &T) -> anyhow::Result<()> {
        let text = match self.format {
            OutputFormat::Text | OutputFormat::Json => serde_json::to_string(value)?,
            OutputFormat::Yaml => serde_yaml::to_string(value)?,
        };
        writeln!(self.out(), "{}", text.trim_end())?;
        Ok(())
    }

    /// Progress and remarks, on standard error; silent with `--progress quiet`.
    pub(crate) fn note(&self, text: impl std::fmt::Display) {
        if self.progress != ProgressChoice::Quiet {
            self.say("note", &text, &text);
        }
    }

    /// A unit that changed: `line` for people, `change` for machines.
    pub(crate) fn progress<T: Serialize>(&self, line: &str, change: &T) {
        match self.progress {
            ProgressChoice::Json => self.complain(&serde_json::to_string(change).unwrap_or_default()),
            ProgressChoice::Auto | ProgressChoice::Tty | ProgressChoice::Plain | ProgressChoice::Quiet => {
                self.note(line);
            }
        }
    }

    /// Something that the reader should know and that is no failure, on standard error.
    pub(crate) fn warn(&self, text: impl std::fmt::Display) {
        let style = AnsiColor::Yellow.on_default().bold();
        self.say("warning", &text, &format_args!("{style}warning{style:#}: {text}"));
    }

    /// Renders a failed run, once, and says which exit code it has.
    pub(crate) fn report(&self, error: &anyhow::Error) -> ExitStatus {
        if is_broken_pipe(error) {
            return ExitStatus::Success;
        }
        let style: Style = AnsiColor::Red.on_default().bold();
        let chain = format!("{error:#}");
        self.say("error", &chain, &format_args!("{style}error{style:#}: {chain}"));
        let Some(known) = error.chain().find_map(|cause| cause.downcast_ref::<CliError>()) else {
            return ExitStatus::Failure;
        };
        if let Some(help) = &known.help {
            self.say("help", help, &format_args!("help: {help}"));
        }
        known.status
    }

    /// As an object of the progress stream, or as text.
    fn say(&self, kind: &str, text: &dyn std::fmt::Display, decorated: &dyn std::fmt::Display) {
        if self.progress == ProgressChoice::Json {
            let object = serde_json::json!({ "schema": PROGRESS, kind: text.to_string() });
            return self.complain(&object);
        }
        self.complain(decorated);
    }

    fn complain(&self, text: &dyn std::fmt::Display) {
        let mut stderr = anstream::AutoStream::new(io::stderr(), self.choice(&io::stderr()));
        // Nothing is left to tell anybody when standard error itself is gone.
        let _ = writeln!(stderr, "{text}");
    }

    fn choice(&self, stream: &impl anstream::stream::RawStream) -> anstream::ColorChoice {
        match self.color {
            ColorChoice::Auto => anstream::AutoStream::choice(stream),
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
        }
    }
}

/// The reader of our output went away, which is its right.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

fn resolve_progress(choice: ProgressChoice) -> ProgressChoice {
    match choice {
        ProgressChoice::Auto if std::env::var_os("CI").is_some_and(|ci| !ci.is_empty()) => {
            ProgressChoice::Plain
        }
        ProgressChoice::Auto if io::stderr().is_terminal() => ProgressChoice::Tty,
        ProgressChoice::Auto => ProgressChoice::Plain,
        chosen @ (ProgressChoice::Tty
        | ProgressChoice::Plain
        | ProgressChoice::Json
        | ProgressChoice::Quiet) => chosen,
    }
}
