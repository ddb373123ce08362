//! `doran down`: everything stops, data stays unless `--volumes` says otherwise.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::cli::DownArgs;
use crate::command::confirm::confirm;
use crate::command::stopping::{self, Stopped};
use crate::context::Context;
use crate::error::ExitStatus;
use crate::interrupt::Interrupts;
use crate::output::Printer;
use crate::supervisor::facts;

pub(super) async fn run(cx: &Context, args: &DownArgs, out: &mut Printer) -> anyhow::Result<ExitStatus> {
    let volumes = if args.volumes { volumes(cx)? } else { Vec::new() };
    if !volumes.is_empty() && !args.yes && !is_confirmed(&volumes)? {
        out.note("nothing was stopped or deleted");
        return Ok(ExitStatus::Failure);
    }
    let mut interrupts = Interrupts::listen()?;
    let stopped = stopping::bring_down(cx, out, &mut interrupts, args.timeout).await?;
    out.note(match stopped {
        Stopped::NothingRan => "nothing was running",
        Stopped::Everything | Stopped::Forced(_) => "everything is down",
    });
    if let Stopped::Forced(interrupt) = stopped {
        return Ok(interrupt.exit_status());
    }
    for path in volumes {
        fs::remove_dir_all(&path).with_context(|| format!("delete {}", path.display()))?;
        out.note(format_args!("deleted {}", path.display()));
    }
    if args.volumes {
        // Chosen anew by the next start; it may never have been written.
        let _ = fs::remove_file(cx.layout.data_home());
    }
    Ok(ExitStatus::Success)
}

/// The directories with the databases' and the cache's data, and the secrets that open them.
fn volumes(cx: &Context) -> anyhow::Result<Vec<PathBuf>> {
    if !cx.layout.root().is_dir() {
        return Ok(Vec::new());
    }
    let user = backing::server_user()?;
    let data = facts::data_home(&cx.layout, user.as_ref())?;
    let dirs = [data, cx.layout.data(), cx.layout.secrets()];
    let mut existing: Vec<PathBuf> = dirs.into_iter().filter(|dir| dir.is_dir()).collect();
    existing.dedup();
    Ok(existing)
}

fn is_confirmed(volumes: &[PathBuf]) -> anyhow::Result<bool> {
    let paths: Vec<String> = volumes.iter().map(|path| format!("  {}\n", path.display())).collect();
    confirm(&format!("{}Delete all data of this instance?", paths.concat()), "deleting data")
}
