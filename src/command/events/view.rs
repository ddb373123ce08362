//! Prints events: lines for people, or CloudEvents as they are, one a line.

use std::io::Write as _;

use contract::event::CloudEvent;

use super::filter::Filter;
use super::line::Lines;
use crate::output::Printer;

/// Text is written when this much has gathered.
const BUFFER: usize = 64 * 1024;

pub(super) struct View<'a> {
    pub(super) filter: Filter,
    /// None for machines.
    lines: Option<Lines>,
    out: &'a Printer,
    /// Rendered and not yet printed.
    text: String,
}

impl<'a> View<'a> {
    pub(super) fn new<'s>(filter: Filter, services: impl Iterator<Item = &'s str>, out: &'a Printer) -> Self {
        let lines = (!out.is_document()).then(|| Lines::new(services));
        Self { filter, lines, out, text: String::new() }
    }

    /// Nothing, when the filter does not keep the event.
    pub(super) fn show(&mut self, service: &str, event: &CloudEvent) -> anyhow::Result<()> {
        if !self.filter.keeps(event) {
            return Ok(());
        }
        match &self.lines {
            Some(lines) => self.text.push_str(&lines.render(service, event)),
            None => self.text.push_str(&serde_json::to_string(event)?),
        }
        self.text.push('\n');
        if self.text.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        self.out.out().write_all(self.text.as_bytes())?;
        self.text.clear();
        Ok(())
    }

    pub(super) fn note(&self, text: impl std::fmt::Display) {
        self.out.note(text);
    }
}
