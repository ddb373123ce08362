//! The hidden verb that is the supervisor process.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context as _;

use crate::context::Context;
use crate::error::ExitStatus;
use crate::stack::Stack;
use crate::supervisor;

/// Supervises the resolved stack in this file.
pub(super) async fn run(path: &Path) -> anyhow::Result<ExitStatus> {
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_target(false)
        // It would say so on standard error, the very file that refuses, and panic: a full disk ends nobody.
        .log_internal_errors(false)
        .init();
    let cx = context(path)?;
    supervisor::run(cx.stack, cx.layout).await
}

/// The context of a process that was started by the supervisor or is it: the stack is resolved already.
pub(super) fn context(path: &Path) -> anyhow::Result<Context> {
    let text = fs::read(path).with_context(|| format!("read {}", path.display()))?;
    let stack: Stack =
        serde_json::from_slice(&text).with_context(|| format!("understand {}", path.display()))?;
    Ok(Context::of(stack))
}
