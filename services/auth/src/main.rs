//! The auth service.

use std::process::ExitCode;

use auth::Config;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    chassis::run("auth", Config::from_env, auth::build)
}
