//! Ports for servers that must be told one.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Mutex;

/// Above what Linux gives to outgoing connections (32768–60999), below which any client could take a port
/// between our look and the server's bind.
const RANGE: std::ops::Range<u16> = 61_000..65_500;
/// Ports that belong to the caller together with the one it gets: room for a small offset.
const WIDTH: u16 = 10;

/// Locks of this process's ports, kept until it ends: a server may come and go on its port.
static HELD: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// A port of loopback that nobody uses now, and that no other test of this machine is given while this process
/// lives; the nine ports after it, too.
///
/// # Panics
/// When every port is taken.
pub fn free_port() -> u16 {
    let locks = std::env::temp_dir().join("doran-test-ports");
    fs::create_dir_all(&locks).expect("make a directory for locks");
    let (port, lock) = RANGE
        .step_by(usize::from(WIDTH))
        .find_map(|port| {
            let lock = File::create(locks.join(port.to_string())).expect("open a lock");
            lock.try_lock().ok()?;
            let free =
                (port..port + WIDTH).all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok());
            free.then_some((port, lock))
        })
        .expect("some port is free");
    HELD.lock().expect("nobody panics while holding it").push(lock);
    port
}
