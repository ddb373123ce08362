//! What a command works on: the resolved stack, its paths and its secrets.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::cli::GlobalArgs;
use crate::error::{CliError, ExitStatus};
use crate::layout::Layout;
use crate::secrets::Secrets;
use crate::stack::{self, Loaded, Stack};
use crate::supervisor::{client, lease, leftover};

/// Resolved once per run, passed first to every command.
pub(crate) struct Context {
    pub stack: Stack,
    pub layout: Layout,
    pub secrets: Secrets,
}

impl Context {
    /// Finds and resolves the stack file.
    ///
    /// # Errors
    /// When no stack file is found, or it is invalid: exit code 3.
    pub(crate) fn load(global: &GlobalArgs) -> anyhow::Result<Self> {
        let Loaded { stack, .. } = load_stack(global)?;
        if stack.dir.to_str().is_none() {
            let message = format!("the path {} is not UTF-8", stack.dir.display());
            return Err(CliError::new(ExitStatus::Config, message)
                .help("rename the directory: the stack's paths go into JSON files and variables")
                .into());
        }
        Ok(Self::of(stack))
    }

    pub(crate) fn of(stack: Stack) -> Self {
        let layout = Layout::new(&stack.dir, &stack.instance, &runtime_dir());
        let secrets = Secrets::new(layout.secrets());
        Self { stack, layout, secrets }
    }
}

/// Resolves the stack and keeps where each value came from. Without `--port-offset`, an instance that runs keeps
/// the ports that it runs on: no verb reaches for another instance's database.
pub(crate) fn load_stack(global: &GlobalArgs) -> anyhow::Result<Loaded> {
    let loaded = load_at(global, global.port_offset.unwrap_or(0))?;
    match (global.port_offset, running_offset(&loaded.stack)) {
        (None, Some(offset)) if offset != 0 => load_at(global, offset),
        (None | Some(_), _) => Ok(loaded),
    }
}

fn load_at(global: &GlobalArgs, port_offset: u16) -> anyhow::Result<Loaded> {
    let cwd = std::env::current_dir().context("find the current directory")?;
    let env: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Ok(stack::load(&stack::LoadRequest {
        files: global.files.clone(),
        profile: global.stack_profile.clone(),
        instance: global.instance.clone(),
        port_offset,
        cwd,
        env,
    })?)
}

/// The offset of the stack that runs right now, under a supervisor or left by one that was killed.
fn running_offset(stack: &Stack) -> Option<u16> {
    let layout = Layout::new(&stack.dir, &stack.instance, &runtime_dir());
    let running = client::recorded(&layout)?;
    let supervised = lease::holder(&layout.lease()).ok()?.is_some();
    (supervised || leftover::any_of(&layout)).then_some(running.port_offset)
}

/// `$XDG_RUNTIME_DIR`, else the system's temporary directory.
fn runtime_dir() -> PathBuf {
    std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute())
        .unwrap_or_else(std::env::temp_dir)
}
