//! The shim's socket: several clients, none of which can hold up the keeper.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags};
use rustix::fs::Mode;

use super::protocol::{ShimCommand, ShimReport};

/// A supervisor, its successor and a curious operator, with room to spare.
const MOST_CLIENTS: usize = 16;
/// A client that leaves this much unread is stuck: a run has four reports.
const MOST_UNREAD: usize = 64 * 1024;
/// A command has some 60 bytes.
const LONGEST_COMMAND: usize = 4 * 1024;

pub(super) struct Server {
    listener: UnixListener,
    path: PathBuf,
    clients: Vec<Client>,
    /// Everything said so far, for whoever connects later: `Hello` and at most four reports.
    said: Vec<u8>,
}

struct Client {
    stream: UnixStream,
    unread: Vec<u8>,
    line: Vec<u8>,
    broken: bool,
}

impl Server {
    /// Listens on `path` with mode 0600, in place of a stale socket.
    ///
    /// # Errors
    /// Also when another shim still answers there: two runs of a unit must never live at once.
    pub(super) fn bind(path: &Path, hello: &ShimReport) -> io::Result<Self> {
        if UnixStream::connect(path).is_ok() {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "a shim of this unit still runs"));
        }
        remove(path)?;
        let before = rustix::process::umask(Mode::RWXG | Mode::RWXO);
        let bound = UnixListener::bind(path);
        rustix::process::umask(before);
        let listener = bound?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, path: path.to_owned(), clients: Vec::new(), said: encode(hello) })
    }

    pub(super) fn is_attended(&self) -> bool {
        !self.clients.is_empty()
    }

    pub(super) fn has_unread(&self) -> bool {
        self.clients.iter().any(|client| !client.unread.is_empty())
    }

    /// What to wait for; pass what came of it to [`Self::serve`] in the same order.
    pub(super) fn poll_fds(&self) -> impl Iterator<Item = PollFd<'_>> {
        let clients = self.clients.iter().map(|client| {
            let write = if client.unread.is_empty() { PollFlags::empty() } else { PollFlags::OUT };
            PollFd::new(&client.stream, PollFlags::IN | write)
        });
        std::iter::once(PollFd::new(&self.listener, PollFlags::IN)).chain(clients)
    }

    /// Does what can be done without waiting, and returns the commands that arrived.
    pub(super) fn serve(&mut self, ready: &[PollFlags]) -> Vec<ShimCommand> {
        let mut commands = Vec::new();
        for (client, flags) in self.clients.iter_mut().zip(ready.iter().skip(1)) {
            if flags.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
                client.read(&mut commands);
            }
            client.write();
        }
        self.clients.retain(|client| !client.broken);
        if ready.first().is_some_and(|flags| !flags.is_empty()) {
            self.accept();
        }
        commands
    }

    /// Tells everybody, and everybody who comes later.
    pub(super) fn say(&mut self, report: &ShimReport) {
        let line = encode(report);
        for client in &mut self.clients {
            client.unread.extend_from_slice(&line);
            client.write();
        }
        self.clients.retain(|client| !client.broken);
        self.said.extend(line);
    }

    /// Takes in who has already connected, then frees the path.
    pub(super) fn close(&mut self) {
        self.accept();
        // Left behind it would only be stale: the next shim replaces it.
        let _ = remove(&self.path);
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            if self.clients.len() >= MOST_CLIENTS
                || !is_trusted(&stream)
                || stream.set_nonblocking(true).is_err()
            {
                continue;
            }
            let mut client = Client { stream, unread: self.said.clone(), line: Vec::new(), broken: false };
            client.write();
            self.clients.push(client);
        }
    }
}

impl Client {
    fn write(&mut self) {
        while !self.unread.is_empty() {
            match self.stream.write(&self.unread) {
                Ok(taken) if taken > 0 => drop(self.unread.drain(..taken)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => {
                    self.broken = true;
                    return;
                }
            }
        }
        self.broken |= self.unread.len() > MOST_UNREAD;
    }

    fn read(&mut self, commands: &mut Vec<ShimCommand>) {
        let mut bytes = [0; 1024];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(length) if length > 0 => self.take(&bytes[..length], commands),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => self.broken = true,
            }
            if self.broken {
                return;
            }
        }
    }

    /// Whoever says something that is no command is not a supervisor.
    fn take(&mut self, bytes: &[u8], commands: &mut Vec<ShimCommand>) {
        for &byte in bytes {
            if byte != b'\n' {
                self.line.push(byte);
                continue;
            }
            match serde_json::from_slice(&self.line) {
                Ok(command) => commands.push(command),
                Err(_) => self.broken = true,
            }
            self.line.clear();
        }
        self.broken |= self.line.len() > LONGEST_COMMAND;
    }
}

/// The directory is private already; this holds also if somebody opens it.
fn is_trusted(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid();
    rustix::net::sockopt::socket_peercred(stream).is_ok_and(|peer| peer.uid == own || peer.uid.is_root())
}

fn encode(report: &ShimReport) -> Vec<u8> {
    let mut line = serde_json::to_vec(report).expect("a report is plain data");
    line.push(b'\n');
    line
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
