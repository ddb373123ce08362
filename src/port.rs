//! Who holds a TCP port: asked before anything starts, so that nobody has to guess.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::TcpListener;

use procfs::process::FDTarget;

use crate::supervisor::leftover::mark_of;

/// A process that listens on a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    pub pid: i32,
    pub command: String,
    pub cwd: Option<String>,
    /// Set when it belongs to a unit of some instance: `<state directory>#<unit>#<run>`.
    pub mark: Option<String>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {} ({}", self.pid, self.command)?;
        if let Some(cwd) = &self.cwd {
            write!(f, ", in {cwd}")?;
        }
        f.write_str(")")
    }
}

/// Whether the port can be bound on loopback right now.
pub(crate) fn is_free(port: u16) -> bool {
    match TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => true,
        Err(error) => error.kind() != io::ErrorKind::AddrInUse,
    }
}

/// The listeners of these ports that can be seen: another user's may hide.
pub(crate) fn holders(ports: &[u16]) -> HashMap<u16, Holder> {
    let inodes: HashMap<u64, u16> = procfs::net::tcp()
        .into_iter()
        .chain(procfs::net::tcp6())
        .flatten()
        .filter(|entry| {
            entry.state == procfs::net::TcpState::Listen && ports.contains(&entry.local_address.port())
        })
        .map(|entry| (entry.inode, entry.local_address.port()))
        .collect();
    let mut found = HashMap::new();
    for process in procfs::process::all_processes().into_iter().flatten().filter_map(Result::ok) {
        let Ok(descriptors) = process.fd() else { continue };
        for descriptor in descriptors.filter_map(Result::ok) {
            if let FDTarget::Socket(inode) = descriptor.target
                && let Some(port) = inodes.get(&inode)
            {
                found.entry(*port).or_insert_with(|| describe(&process));
            }
        }
    }
    found
}

fn describe(process: &procfs::process::Process) -> Holder {
    let name = || process.stat().map(|stat| stat.comm).unwrap_or_default();
    let command =
        process.cmdline().ok().filter(|args| !args.is_empty()).map_or_else(name, |args| args.join(" "));
    Holder {
        pid: process.pid,
        command,
        cwd: process.cwd().ok().map(|cwd| cwd.display().to_string()),
        mark: mark_of(process.pid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_of_a_port_is_named() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(!is_free(port));
        let holder = &holders(&[port])[&port];
        assert_eq!(holder.pid, i32::try_from(std::process::id()).unwrap());
        assert!(holder.command.contains("doran"), "{holder}");
        drop(listener);
        assert!(is_free(port));
    }
}
