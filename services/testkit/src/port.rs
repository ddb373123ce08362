//! Ports for servers that must be told one.

use std::net::{Ipv4Addr, TcpListener};

/// A port of loopback that nobody uses now. Somebody may take it before you do: bind port 0 and pass the listener
/// wherever the server can.
///
/// # Panics
/// When the machine has no free port.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}
