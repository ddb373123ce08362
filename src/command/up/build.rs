//! Builds the service binaries when `doran` runs from its own workspace and a source is newer than a binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::SystemTime;

use anyhow::Context as _;
use tokio::process::Command;

use crate::cli::UpArgs;
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::interrupt::{Interrupt, Interrupts};
use crate::output::Printer;
use crate::supervisor::facts;

/// Builds what is missing. `Some` when a signal ended the build.
///
/// # Errors
/// When the build fails; cargo has said why.
pub(super) async fn ensure(
    cx: &Context,
    args: &UpArgs,
    out: &Printer,
    interrupts: &mut Interrupts,
) -> anyhow::Result<Option<Interrupt>> {
    if args.no_build {
        return Ok(None);
    }
    let Some(workspace) = Workspace::of(&cx.stack.dir, &facts::binaries()?) else {
        return Ok(None);
    };
    let mut binaries = cx.stack.services.values().map(|service| service.binary.as_str());
    let Some(stale) = binaries.find(|binary| args.build || workspace.is_stale(binary)) else {
        return Ok(None);
    };
    out.note(format_args!("building the services ({stale} is not up to date)"));
    let mut cargo = workspace.cargo().spawn().context("start cargo; is a Rust toolchain on PATH?")?;
    let status = tokio::select! {
        status = cargo.wait() => status.context("wait for cargo")?,
        interrupt = interrupts.next() => {
            // A signal to the terminal's group has reached cargo, too; one to us alone has not.
            cargo.kill().await.context("stop cargo")?;
            return Ok(Some(interrupt));
        }
    };
    if !status.success() {
        return Err(CliError::new(ExitStatus::Failure, "the services could not be built")
            .help("cargo's messages above say why; `doran up --no-build` starts the binaries that are there")
            .into());
    }
    Ok(None)
}

/// A checkout of this project whose target directory `doran` itself runs from.
struct Workspace {
    dir: PathBuf,
    binaries: PathBuf,
    profile: String,
}

impl Workspace {
    fn of(dir: &Path, binaries: &Path) -> Option<Self> {
        let is_ours = dir.join("services/chassis/Cargo.toml").is_file();
        // Cargo writes a dependency file beside every binary; an installed doran has none.
        let built_by_cargo = binaries.join("doran.d").is_file();
        let profile = binaries.file_name()?.to_str()?.to_owned();
        (is_ours && built_by_cargo).then(|| Self {
            dir: dir.to_owned(),
            binaries: binaries.to_owned(),
            profile,
        })
    }

    fn is_stale(&self, binary: &str) -> bool {
        let path = self.binaries.join(binary);
        let Some(built) = modified(&path) else { return true };
        let Ok(dependencies) = fs::read_to_string(path.with_extension("d")) else {
            return true;
        };
        sources(&dependencies).any(|source| modified(&source).is_none_or(|changed| changed > built))
    }

    fn cargo(&self) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--workspace", "--bins", "--profile"]);
        cargo.arg(if self.profile == "debug" { "dev" } else { &self.profile });
        if let Some(target) = self.binaries.parent() {
            cargo.arg("--target-dir").arg(target);
        }
        // Standard output carries data; cargo speaks on standard error.
        cargo.current_dir(&self.dir).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        cargo
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// The prerequisites in cargo's dependency file: `target: source source …`, spaces in a path escaped.
fn sources(dependencies: &str) -> impl Iterator<Item = PathBuf> {
    let line = dependencies.lines().next().unwrap_or_default();
    let list = line.split_once(": ").map_or("", |(_, list)| list);
    let protected = list.replace("\\ ", "\0");
    protected
        .split(' ')
        .filter(|path| !path.is_empty())
        .map(|path| path.replace('\0', " ").into())
        .collect::<Vec<_>>()
        .into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_file_lists_sources_with_spaces() {
        let found: Vec<PathBuf> = sources("/t/chat: /a/lib.rs /a\\ b/main.rs\n").collect();
        assert_eq!(found, [PathBuf::from("/a/lib.rs"), PathBuf::from("/a b/main.rs")]);
    }

    #[test]
    fn a_binary_is_stale_when_missing_or_older_than_a_source() {
        let dir = tempfile::tempdir().unwrap();
        let workspace =
            Workspace { dir: dir.path().into(), binaries: dir.path().into(), profile: "debug".into() };
        assert!(workspace.is_stale("chat"), "missing");
        let source = dir.path().join("main.rs");
        fs::write(&source, "").unwrap();
        fs::write(dir.path().join("chat"), "").unwrap();
        fs::write(dir.path().join("chat.d"), format!("chat: {}\n", source.display())).unwrap();
        let set = |path: &Path, seconds| {
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
        };
        set(&source, 10);
        set(&dir.path().join("chat"), 20);
        assert!(!workspace.is_stale("chat"), "newer than its source");
        set(&source, 30);
        assert!(workspace.is_stale("chat"), "older than its source");
    }
}
