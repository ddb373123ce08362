//! `doran render`: files for Prometheus and Grafana out of the stack.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;

use crate::cli::{RenderArgs, RenderCommand};
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::output::Printer;
use crate::render::{self, Rendered};

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Document<'a> {
    schema: &'static str,
    out: &'a Path,
    items: &'a [Item],
}

#[derive(Debug, Serialize)]
struct Item {
    path: String,
    state: State,
}

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Written,
    Replaced,
    Unchanged,
}

pub(super) fn run(cx: &Context, command: &RenderCommand, out: &Printer) -> anyhow::Result<ExitStatus> {
    let (args, next) = match command {
        RenderCommand::Prometheus(args) => (args, "prometheus --config.file="),
        RenderCommand::Grafana(args) => (args, "GF_PATHS_PROVISIONING="),
    };
    let dir = std::path::absolute(&args.out).context("find the current directory")?;
    let (files, named) = match command {
        RenderCommand::Prometheus(_) => (render::prometheus(&cx.stack), dir.join("prometheus.yml")),
        RenderCommand::Grafana(_) => (render::grafana(&cx.stack, &dir), dir.join("provisioning")),
    };
    let items = write(&dir, &files, args)?;
    if out.is_document() {
        out.document(&Document { schema: "doran.render/1", out: &dir, items: &items })?;
        return Ok(ExitStatus::Success);
    }
    for Item { path, state } in &items {
        let state = match state {
            State::Written => "written",
            State::Replaced => "replaced",
            State::Unchanged => "unchanged",
        };
        out.line(format_args!("{state:9}  {}", args.out.join(path).display()))?;
    }
    out.note(format_args!("next: {next}{}", named.display()));
    Ok(ExitStatus::Success)
}

/// All files, or none when one of them is somebody's work.
fn write(dir: &Path, files: &[Rendered], args: &RenderArgs) -> anyhow::Result<Vec<Item>> {
    let states =
        files.iter().map(|file| state(&dir.join(&file.path), file)).collect::<Result<Vec<_>, _>>()?;
    let differs = files.iter().zip(&states).find(|(_, state)| **state == State::Replaced);
    if let (Some((file, _)), false) = (differs, args.force) {
        let message =
            format!("{} is there and differs: nothing was written", args.out.join(&file.path).display());
        return Err(CliError::new(ExitStatus::Failure, message).help("give --force to replace it").into());
    }
    for (file, state) in files.iter().zip(&states) {
        if *state != State::Unchanged {
            put(&dir.join(&file.path), &file.text)?;
        }
    }
    Ok(files.iter().zip(states).map(|(file, state)| Item { path: file.path.clone(), state }).collect())
}

fn state(path: &Path, file: &Rendered) -> anyhow::Result<State> {
    match fs::read(path) {
        Ok(text) if text == file.text.as_bytes() => Ok(State::Unchanged),
        Ok(_) => Ok(State::Replaced),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(State::Written),
        Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
    }
}

fn put(path: &PathBuf, text: &str) -> anyhow::Result<()> {
    let parent = path.parent().context("a file lies in a directory")?;
    fs::create_dir_all(parent).with_context(|| format!("make the directory {}", parent.display()))?;
    fs::write(path, text).with_context(|| format!("write {}", path.display()))
}
