//! What the program is asked for.

use crate::job::{JOBS, Job};

const ROWS: u64 = 1_000_000;

pub(crate) struct Ask {
    pub(crate) jobs: Vec<&'static Job>,
    pub(crate) takeover: bool,
    pub(crate) rows: u64,
}

impl Ask {
    /// `[NAME] [--rows N]`; or why that is not what was said.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut name, mut rows) = (None, ROWS);
        while let Some(argument) = arguments.next() {
            if argument == "--rows" {
                let said = arguments.next().ok_or("--rows has no number")?;
                rows = match said.replace(['_', ','], "").parse() {
                    Ok(rows) if rows > 0 => rows,
                    _ => return Err(format!("--rows {said}: no number of rows")),
                };
            } else if argument.starts_with('-') || name.is_some() {
                return Err(format!("{argument}: nothing that is known here"));
            } else {
                name = Some(argument);
            }
        }
        let name = name.unwrap_or_else(|| "all".to_owned());
        let is_wanted = |one: &str| name == "all" || name == one;
        let ask = Self {
            jobs: JOBS.iter().filter(|job| is_wanted(job.name)).collect(),
            takeover: is_wanted("takeover"),
            rows,
        };
        if ask.jobs.is_empty() && !ask.takeover {
            let jobs = JOBS.iter().map(|job| job.name).collect::<Vec<_>>().join(", ");
            return Err(format!("{name}: neither a job ({jobs}) nor takeover nor all"));
        }
        Ok(ask)
    }
}
