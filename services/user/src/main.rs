//! The user service.

use std::process::ExitCode;

use user::Config;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    chassis::run("user", Config::from_env, user::build)
}
