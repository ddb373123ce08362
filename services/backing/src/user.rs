//! The unprivileged user that the servers run as when we are root, because PostgreSQL refuses to run as root.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::{fs, io};

use thiserror::Error;

/// Preferred first: Debian's package makes `postgres`; `nobody` exists everywhere.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];
const PASSWD: &str = "/etc/passwd";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUser {
    pub uid: u32,
    pub gid: u32,
    pub name: String,
}

#[derive(Debug, Error)]
pub enum UserError {
    #[error("cannot read {PASSWD} to find a user for the servers, which refuse to run as root")]
    Read(#[source] io::Error),
    #[error(
        "the servers refuse to run as root and {PASSWD} has neither `postgres` nor `nobody`: \
         add one of them, or run as an ordinary user"
    )]
    NoCandidate,
}

impl ServerUser {
    /// Makes `command` run as this user. The standard library also drops root's supplementary groups.
    pub(crate) fn apply(&self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }
}

/// `Some` only when this process is root; everybody else runs the servers as themselves.
///
/// # Errors
/// When we are root and no unprivileged user can be found.
pub fn server_user() -> Result<Option<ServerUser>, UserError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let passwd = fs::read_to_string(Path::new(PASSWD)).map_err(UserError::Read)?;
    pick(&passwd).map(Some).ok_or(UserError::NoCandidate)
}

fn pick(passwd: &str) -> Option<ServerUser> {
    CANDIDATES.iter().find_map(|name| passwd.lines().find_map(|line| entry(line, name)))
}

fn entry(line: &str, wanted: &str) -> Option<ServerUser> {
    let mut fields = line.split(':');
    let name = fields.next().filter(|name| *name == wanted)?;
    let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
    // A `nobody` that is root in disguise would defeat the purpose.
    (uid != 0).then(|| ServerUser { uid, gid, name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &str = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/nonexistent:/sbin/nologin\n\
                        postgres:x:101:104:PostgreSQL:/var/lib/postgresql:/bin/bash\n";

    #[test]
    fn postgres_is_preferred_to_nobody() {
        let user = pick(BOTH).expect("postgres is listed");
        assert_eq!((user.name.as_str(), user.uid, user.gid), ("postgres", 101, 104));
    }

    #[test]
    fn nobody_serves_when_the_package_made_no_user() {
        let passwd: String =
            BOTH.lines().filter(|line| !line.starts_with("postgres")).collect::<Vec<_>>().join("\n");
        assert_eq!(pick(&passwd).expect("nobody is listed").uid, 65534);
    }

    #[test]
    fn root_under_another_name_and_broken_lines_are_not_taken() {
        assert_eq!(
            pick("postgres:x:0:0::/:/bin/sh\nnobody:x:notanumber:1::/:/bin/sh\npostgres2:x:5:5::/:\n"),
            None
        );
    }
}
