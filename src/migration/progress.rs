//! Progress of several databases at once: a live line each on a terminal, one line per step elsewhere.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Printer;

/// All databases of one run.
pub(crate) struct Board<'p> {
    printer: &'p Printer,
    live: Option<MultiProgress>,
}

impl<'p> Board<'p> {
    pub(crate) fn new(printer: &'p Printer) -> Self {
        let live = printer
            .is_live()
            .then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(15)));
        Self { printer, live }
    }

    /// The line of one database.
    pub(crate) fn line(&self, database: &str) -> Line<'p> {
        let bar = self.live.as_ref().map(|board| {
            let bar = board.add(ProgressBar::new_spinner());
            bar.set_style(style("{spinner} {prefix:10} {msg}"));
            bar.set_prefix(database.to_owned());
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Line { printer: self.printer, database: database.to_owned(), bar }
    }
}

/// One database's line.
pub(crate) struct Line<'p> {
    printer: &'p Printer,
    database: String,
    bar: Option<ProgressBar>,
}

impl Line<'_> {
    /// What is going on now; only worth showing live.
    pub(crate) fn doing(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.to_owned());
        }
    }

    /// A step that is over, or that somebody should know of.
    pub(crate) fn step(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(text.to_owned()),
            None => self.printer.note(format_args!("{}: {text}", self.database)),
        }
    }

    /// Turns the line into a bar of `total`.
    pub(crate) fn expect(&self, total: u64) {
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_style(style("{spinner} {prefix:10} {bar:24} {human_pos}/{human_len}  {msg}"));
        }
    }

    pub(crate) fn advance(&self, by: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(by);
        }
    }

    /// The last word on this database.
    pub(crate) fn finish(&self, text: &str) {
        match &self.bar {
            Some(bar) => {
                bar.set_style(style("{prefix:12} {msg}"));
                bar.finish_with_message(text.to_owned());
            }
            None => self.printer.note(format_args!("{}: {text}", self.database)),
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are literals and a test draws them")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_parses() {
        for template in [
            "{spinner} {prefix:10} {msg}",
            "{spinner} {prefix:10} {bar:24} {human_pos}/{human_len}  {msg}",
            "{prefix:12} {msg}",
        ] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
