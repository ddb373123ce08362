//! A TCP port in front of a service that can be shut, as if the service were gone.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub(crate) struct Door {
    target: SocketAddr,
    address: SocketAddr,
    /// Empty while shut.
    open: JoinSet<()>,
}

impl Door {
    /// In front of `http://address`.
    pub(crate) async fn new(url: &str) -> Self {
        let target = url.strip_prefix("http://").unwrap().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut door = Self { target, address, open: JoinSet::new() };
        door.open.spawn(pass(listener, target));
        door
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Connections end, new ones are refused.
    pub(crate) async fn shut(&mut self) {
        self.open.shutdown().await;
    }

    pub(crate) async fn open(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.open.spawn(pass(listener, self.target));
    }
}

async fn pass(listener: TcpListener, target: SocketAddr) {
    let mut connections = JoinSet::new();
    loop {
        let (mut from, _) = listener.accept().await.unwrap();
        connections.spawn(async move {
            let mut to = TcpStream::connect(target).await.unwrap();
            // Ends with an error when one side breaks off, which is what this is for.
            let _ = copy_bidirectional(&mut from, &mut to).await;
        });
    }
}
