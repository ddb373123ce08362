//! Bytes through the connections of servers that do not count them: PostgreSQL. Asked of the kernel (`sock_diag(7)`).
//!
//! One question a second for all of them, about 0.4 ms of the kernel's time. A connection that is opened and closed
//! between two questions is not seen: services keep theirs open.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};

use super::millis;
use super::sample::Traffic;

/// The kernel answers at once.
const LIMIT: Duration = Duration::from_millis(200);
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// `NLM_F_REQUEST | NLM_F_DUMP`
const ASK_FOR_ALL: u16 = 0x301;
const AF_INET: u8 = 2;
const IPPROTO_TCP: u8 = 6;
/// The attribute with `struct tcp_info`, and the bit that asks for it.
const INET_DIAG_INFO: u16 = 2;
const WITH_INFO: u8 = 1 << (INET_DIAG_INFO - 1);
const ESTABLISHED: u32 = 1 << 1;
/// `struct nlmsghdr`, `struct inet_diag_msg`.
const HEADER: usize = 16;
const MESSAGE: usize = 72;
/// Within `struct tcp_info`: `tcpi_bytes_acked`, `tcpi_bytes_received`.
const ACKED: usize = 120;
const RECEIVED: usize = 128;

/// What has passed since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Passed {
    port: u16,
    received: u64,
    sent: u64,
}

#[derive(Default)]
pub(super) struct Sockets {
    link: Option<OwnedFd>,
    last: Option<(Instant, HashMap<u64, Passed>)>,
}

impl Sockets {
    /// What has passed the connections to these local ports since the last time; nothing the first time.
    pub(super) fn look(&mut self, ports: &[u16]) -> HashMap<u16, Traffic> {
        let now = Instant::now();
        // A kernel without sock_diag says so every time, which costs nothing.
        let Ok(connections) = self.ask(ports) else {
            (self.link, self.last) = (None, None);
            return HashMap::new();
        };
        let mut traffic = HashMap::new();
        if let Some((at, before)) = &self.last {
            let over_ms = millis(now - *at);
            traffic.extend(ports.iter().map(|port| (*port, Traffic { over_ms, ..Traffic::default() })));
            for (cookie, passed) in &connections {
                let (received, sent) =
                    before.get(cookie).map_or((0, 0), |known| (known.received, known.sent));
                if let Some(sum) = traffic.get_mut(&passed.port) {
                    sum.received += passed.received.saturating_sub(received);
                    sum.sent += passed.sent.saturating_sub(sent);
                }
            }
        }
        self.last = Some((now, connections));
        traffic
    }

    fn ask(&mut self, ports: &[u16]) -> io::Result<HashMap<u64, Passed>> {
        let (Some(lowest), Some(highest)) = (ports.iter().min(), ports.iter().max()) else {
            return Ok(HashMap::new());
        };
        let link = match &self.link {
            Some(link) => link,
            None => self.link.insert(open()?),
        };
        send(link, &question(*lowest, *highest), SendFlags::empty())?;
        let mut connections = HashMap::new();
        let mut buffer = vec![0; 32 * 1024];
        loop {
            let (_, length) = recv(link, &mut *buffer, RecvFlags::empty())?;
            if read(&buffer[..length], &mut connections)? == More::No {
                return Ok(connections);
            }
        }
    }
}

fn open() -> io::Result<OwnedFd> {
    let kind = (AddressFamily::NETLINK, SocketType::DGRAM, SocketFlags::CLOEXEC);
    let link = socket_with(kind.0, kind.1, kind.2, Some(netlink::SOCK_DIAG))?;
    set_socket_timeout(&link, Timeout::Recv, Some(LIMIT))?;
    Ok(link)
}

/// All established connections of IPv4 whose local port is in this range; the kernel sorts out the others.
fn question(lowest: u16, highest: u16) -> Vec<u8> {
    let mut body = vec![AF_INET, IPPROTO_TCP, WITH_INFO, 0];
    body.extend(ESTABLISHED.to_ne_bytes());
    body.extend([0; 48]);
    // A small program (INET_DIAG_REQ_BYTECODE) of operations with ways for yes and no: port ≥ lowest, else out;
    // port ≤ highest, else out.
    body.extend(20_u16.to_ne_bytes());
    body.extend(1_u16.to_ne_bytes());
    for (operation, way_out, port) in [(2, 20_u16, lowest), (3, 12, highest)] {
        body.extend([operation, 8]);
        body.extend(way_out.to_ne_bytes());
        body.extend([0, 0]);
        body.extend(port.to_ne_bytes());
    }
    let mut message = Vec::with_capacity(HEADER + body.len());
    message.extend(u32::try_from(HEADER + body.len()).unwrap_or_default().to_ne_bytes());
    message.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    message.extend(ASK_FOR_ALL.to_ne_bytes());
    message.extend([0; 8]);
    message.extend(body);
    message
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum More {
    Yes,
    No,
}

fn read(mut bytes: &[u8], connections: &mut HashMap<u64, Passed>) -> io::Result<More> {
    while bytes.len() >= HEADER {
        let length = number::<4>(bytes, 0).map(u32::from_ne_bytes).unwrap_or_default() as usize;
        let kind = number::<2>(bytes, 4).map(u16::from_ne_bytes);
        if length < HEADER || length > bytes.len() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        match kind {
            Some(NLMSG_DONE) => return Ok(More::No),
            Some(NLMSG_ERROR) => return Err(io::ErrorKind::Unsupported.into()),
            _ => connections.extend(connection(&bytes[HEADER..length])),
        }
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(More::Yes)
}

fn connection(message: &[u8]) -> Option<(u64, Passed)> {
    let port = u16::from_be_bytes(number(message, 4)?);
    let cookie = u64::from_ne_bytes(number(message, 44)?);
    let mut attributes = message.get(MESSAGE..)?;
    loop {
        let length = usize::from(u16::from_ne_bytes(number(attributes, 0)?));
        let kind = u16::from_ne_bytes(number(attributes, 2)?);
        if kind == INET_DIAG_INFO {
            let info = attributes.get(4..length)?;
            let sent = u64::from_ne_bytes(number(info, ACKED)?);
            let received = u64::from_ne_bytes(number(info, RECEIVED)?);
            return Some((cookie, Passed { port, received, sent }));
        }
        attributes = attributes.get(length.max(4).next_multiple_of(4)..)?;
    }
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_of_a_live_connection_are_counted_by_direction() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let mut sockets = Sockets::default();
        assert!(sockets.look(&[port]).is_empty(), "the first time there is nothing to compare with");
        if sockets.last.is_none() {
            // This kernel has no sock_diag.
            return;
        }
        client.write_all(&[7; 3000]).unwrap();
        server.read_exact(&mut [0; 3000]).unwrap();
        server.write_all(&[7; 50]).unwrap();
        client.read_exact(&mut [0; 50]).unwrap();
        // Read means received; acknowledged is what has been read on this machine.
        let traffic = sockets.look(&[port])[&port];
        assert_eq!((traffic.received, traffic.sent), (3000, 50));
        assert_eq!(sockets.look(&[port])[&port].received, 0);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(bytes: Vec<u8>) {
            let _ = read(&bytes, &mut HashMap::new());
        }
    }
}
