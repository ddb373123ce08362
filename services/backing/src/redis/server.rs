//! The server's directory and command.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::installation::Installation;
use super::probe::PROBE_USER;
use crate::directory::{self, DirectoryError, failed};
use crate::launch::environment;
use crate::secret::Secret;
use crate::{Launch, ServerUser};

const CONFIG: &str = "redis.conf";
/// May ask for `INFO`, with the password that everybody has, and nothing else.
pub const METRICS_USER: &str = "doran-metrics";

#[derive(Debug, Error)]
pub enum LaunchError {
    #[error(
        "neither the directory {} nor the password may hold control characters: Redis could not read them",
        directory.display()
    )]
    Unwritable { directory: PathBuf },
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

/// The command of a server: in the foreground, on loopback with a password, append-only, logging to standard
/// output.
///
/// Makes `directory` (0700, its parent must be reachable by the server's user) and writes the configuration there
/// (0600), which is where the password is: arguments show in the process list. May be called again at any time; a
/// running server is not disturbed.
///
/// # Errors
/// When the directory cannot be made or written.
pub fn launch(
    installation: &Installation,
    user: Option<&ServerUser>,
    port: u16,
    password: &Secret,
    directory: &Path,
) -> Result<Launch, LaunchError> {
    let unwritable = || LaunchError::Unwritable { directory: directory.to_owned() };
    let text = configuration(port, password, directory).ok_or_else(unwritable)?;
    directory::ensure_directory(directory.parent().unwrap_or(Path::new("/")), user)?;
    if !directory.is_dir() {
        directory::make_private(directory, user)?;
    }
    let config = directory.join(CONFIG);
    replace(&config, &text, user)?;
    Ok(Launch {
        program: installation.program.clone(),
        args: vec![config.display().to_string()],
        env: environment(),
        cwd: "/".into(),
        user: user.cloned(),
    })
}

fn replace(path: &Path, text: &str, user: Option<&ServerUser>) -> Result<(), DirectoryError> {
    let aside = path.with_extension("new");
    // Removed first, so that a file or link put there by somebody else is never written through.
    let _ = fs::remove_file(&aside);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(failed("write", &aside))?;
    directory::hand_over(&aside, user)?;
    fs::rename(&aside, path).map_err(failed("replace", path))
}

/// Memory is bounded because everything in it can be read again from PostgreSQL. The probe's user may do nothing
/// but ask whether the server is there, that of the metrics also how it is.
fn configuration(port: u16, password: &Secret, directory: &Path) -> Option<String> {
    let metrics = quoted(&format!(">{}", password.expose()))?;
    let (directory, password) = (quoted(directory.to_str()?)?, quoted(password.expose())?);
    Some(format!(
        "# Written anew before each start.\n\
         bind 127.0.0.1\nport {port}\nprotected-mode yes\nrequirepass {password}\n\
         user {PROBE_USER} on nopass resetkeys resetchannels -@all +ping\n\
         user {METRICS_USER} on {metrics} resetkeys resetchannels -@all +ping +info\n\
         daemonize no\nlogfile \"\"\nloglevel notice\ndir {directory}\n\
         appendonly yes\nappendfsync everysec\nsave \"\"\n\
         maxmemory 128mb\nmaxmemory-policy volatile-lru\n"
    ))
}

fn quoted(text: &str) -> Option<String> {
    let plain = !text.chars().any(char::is_control);
    plain.then(|| format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\"")))
}
