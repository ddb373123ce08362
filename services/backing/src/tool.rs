//! Runs a server's own tools to their end: scrubbed environment, input from memory, what they complained about.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use thiserror::Error;

use crate::ServerUser;
use crate::launch::environment;

/// How much of a tool's complaint an error repeats.
const COMPLAINT_LINES: usize = 8;

#[derive(Debug, Error)]
pub enum ToolError {
    #[error("cannot run {}", program.display())]
    Run { program: PathBuf, source: io::Error },
    #[error("{} ended with {status}: {complaint}", program.display())]
    Failed { program: PathBuf, status: ExitStatus, complaint: String },
}

/// A command with nothing inherited. Its directory is `/`, because the caller's may be closed to `user`.
pub(crate) fn command(program: &Path, user: Option<&ServerUser>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(environment()).current_dir("/").stderr(Stdio::piped());
    if let Some(user) = user {
        user.apply(&mut command);
    }
    command
}

/// Feeds `input` (which must fit a pipe, 64 KiB) and waits.
pub(crate) fn run(mut command: Command, input: &str) -> Result<Output, ToolError> {
    let program = PathBuf::from(command.get_program());
    let mut child = start(command.stdin(Stdio::piped()))?;
    let fed = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(input.as_bytes()));
    let output = finish(&program, child)?;
    // Only now: a tool that stopped reading because it failed has said why, which is the better error.
    fed.map_err(|source| ToolError::Run { program, source })?;
    Ok(output)
}

/// Waits; the standard input is the one that `command` has.
pub(crate) fn run_as_is(mut command: Command) -> Result<Output, ToolError> {
    let program = PathBuf::from(command.get_program());
    let child = start(&mut command)?;
    finish(&program, child)
}

fn start(command: &mut Command) -> Result<Child, ToolError> {
    command.spawn().map_err(|source| ToolError::Run { program: command.get_program().into(), source })
}

fn finish(program: &Path, child: Child) -> Result<Output, ToolError> {
    let program = program.to_owned();
    match child.wait_with_output() {
        Err(source) => Err(ToolError::Run { program, source }),
        Ok(output) if output.status.success() => Ok(output),
        Ok(output) => {
            let complaint = last_lines(&String::from_utf8_lossy(&output.stderr));
            Err(ToolError::Failed { program, status: output.status, complaint })
        }
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(COMPLAINT_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_tool_is_quoted_with_its_last_words() {
        let mut grumble = command(Path::new("/bin/sh"), None);
        grumble.args(["-c", "cat >&2; exit 3"]);
        let error = run(grumble, "first\n\nsecond\n").unwrap_err();
        assert!(error.to_string().ends_with("exit status: 3: first\nsecond"), "{error}");
    }

    #[test]
    fn tools_inherit_nothing_from_the_environment() {
        let mut env = command(Path::new("/usr/bin/env"), None);
        env.stdout(Stdio::piped());
        let printed = String::from_utf8(run(env, "").unwrap().stdout).unwrap();
        let mut names: Vec<_> = printed.lines().filter_map(|line| line.split('=').next()).collect();
        names.sort_unstable();
        assert_eq!(names, ["LC_ALL", "PATH", "TZ"]);
    }
}
