//! The `payment-sandbox` service.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    chassis::run("payment-sandbox", payment_sandbox::Config::from_env, payment_sandbox::build)
}
