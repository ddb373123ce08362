//! Programs of tests/outside, which read what we send with libraries that others wrote.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

/// Names the interpreter that has tests/outside/requirements.txt installed.
const PYTHON: &str = "DORAN_TEST_PYTHON";

pub(crate) struct Python(OsString);

impl Python {
    /// The interpreter, if this machine has one. Where it has none that is said, and in CI it fails.
    pub(crate) fn find() -> Option<Self> {
        let python = std::env::var_os(PYTHON).map(Self);
        if python.is_none() {
            testkit::skip(format_args!("{PYTHON} is not set; .ci/run prepares it"));
        }
        python
    }

    pub(crate) fn program(&self, name: &str) -> Command {
        let mut command = Command::new(&self.0);
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outside").join(name));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// Past the test runner, which keeps what a passing test prints to itself.
pub(crate) fn say(text: &str) {
    writeln!(io::stderr(), "{text}").expect("write to standard error");
}
