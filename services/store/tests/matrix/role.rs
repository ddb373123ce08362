//! What this binary does as a process of its own.

use std::ffi::OsStr;
use std::io::BufRead as _;
use std::process::ExitCode;
use std::sync::Arc;

use jsonwebtoken::jwk::JwkSet;
use rustix::process::{Signal, getpid, kill_process};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::point::{Control, Points};

/// The variable that names the role.
pub(crate) const ROLE: &str = "MATRIX_ROLE";
/// The variable that holds the keys of access tokens, in place of an auth to ask.
pub(crate) const KEYS: &str = "MATRIX_KEYS";
/// The test below.
pub(crate) const TEST: &str = "role::a_process_of_the_matrix_plays_its_role";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Store,
    Provider,
}

impl Role {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Provider => "payment-sandbox",
        }
    }
}

/// Of no meaning where nobody gave the process a role.
#[test]
fn a_process_of_the_matrix_plays_its_role() {
    let Some(role) = std::env::var_os(ROLE) else { return };
    let control = Arc::new(Control::default());
    watch(control.clone());
    follow(control);
    let ended = if role == OsStr::new(Role::Store.name()) {
        store()
    } else {
        chassis::run("payment-sandbox", payment_sandbox::Config::from_env, payment_sandbox::build)
    };
    assert_eq!(ended, ExitCode::SUCCESS);
}

/// As its own `main` runs it, but with keys to check access tokens by.
fn store() -> ExitCode {
    let keys = std::env::var_os(KEYS).unwrap();
    let keys: JwkSet = serde_json::from_str(keys.to_str().unwrap()).unwrap();
    chassis::run("store", store::Config::from_env, move |mut config, platform| async move {
        // One of them may stand at a point.
        config.base.workers = 4;
        platform.identity().access.set_keys(&keys);
        platform.identity().access.revocations().set_loaded();
        store::build(config, platform).await
    })
}

/// In the place of the log. The chassis finds it there and leaves it.
fn watch(control: Arc<Control>) {
    let log = std::env::var_os("MATRIX_LOGS")
        .map(|_| tracing_subscriber::fmt::layer().with_ansi(false).with_writer(std::io::stderr));
    let level = if log.is_some() { LevelFilter::INFO } else { LevelFilter::OFF };
    // One filter for all: those of single layers miss events behind sqlx's questions whether one would be wanted.
    let filter = Targets::new().with_default(level).with_target("store", LevelFilter::DEBUG);
    tracing_subscriber::registry().with(filter).with(log).with(Points::new(control)).init();
}

/// Does what the parent says, and ends with it.
fn follow(control: Arc<Control>) {
    let listening = move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            control.obey(&line);
        }
        kill_process(getpid(), Signal::KILL).unwrap();
    };
    std::thread::Builder::new().name("parent".to_owned()).spawn(listening).unwrap();
}
