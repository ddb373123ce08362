//! How a prepared cluster's server is run.

use super::installation::Installation;
use super::spec::ClusterSpec;
use crate::launch::environment;
use crate::{Launch, ServerUser};

/// What a stack may override: small memory for five servers on one machine, and logs that tell no personal data
/// (`terse` leaves out the detail that quotes a row's key).
const DEFAULTS: [(&str, &str); 12] = [
    ("fsync", "on"),
    ("jit", "off"),
    ("log_destination", "stderr"),
    ("log_error_verbosity", "terse"),
    ("log_line_prefix", "%m [%p] %q%u@%d "),
    ("log_timezone", "UTC"),
    ("logging_collector", "off"),
    ("max_connections", "100"),
    ("max_wal_size", "256MB"),
    ("min_wal_size", "32MB"),
    ("shared_buffers", "32MB"),
    ("timezone", "UTC"),
];

/// The command of the cluster's server: in the foreground, on loopback TCP only, logging to standard error.
pub fn launch(installation: &Installation, user: Option<&ServerUser>, spec: &ClusterSpec) -> Launch {
    let mut args = vec!["-D".to_owned(), spec.data.display().to_string()];
    let cluster_name = ("cluster_name", spec.database.as_str());
    let defaults = DEFAULTS.iter().copied().chain([cluster_name]);
    let overrides = spec.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let port = spec.port.to_string();
    // Last, because the server takes the last value of a name: where it listens is not for settings to change.
    let fixed = [("port", port.as_str()), ("listen_addresses", "127.0.0.1"), ("unix_socket_directories", "")];
    for (name, value) in defaults.chain(overrides).chain(fixed) {
        args.extend(["-c".to_owned(), format!("{name}={value}")]);
    }
    Launch {
        program: installation.program("postgres"),
        args,
        env: environment(),
        cwd: "/".into(),
        user: user.cloned(),
    }
}
