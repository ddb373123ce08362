//! The `doran` binary: parse, run, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    doran::main()
}
