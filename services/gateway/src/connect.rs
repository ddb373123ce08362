//! New connections to instances.

use std::io;

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tracing::debug;

use crate::body::RequestBody;
use crate::core::Core;
use crate::endpoint::Address;

pub(crate) type Sender = SendRequest<RequestBody>;

/// Opens a connection that this core drives until it is dropped or closed.
pub(crate) async fn connect(core: &Core, address: &Address) -> io::Result<Sender> {
    let stream = match address {
        Address::Socket(socket) => TcpStream::connect(socket).await?,
        Address::Name(name) => TcpStream::connect(name.as_str()).await?,
    };
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    core.drive(async move {
        // Only a request that asks for it can be answered with an upgrade; for others this changes nothing.
        if let Err(error) = connection.with_upgrades().await {
            debug!(%error, "a connection to a service broke");
        }
    });
    Ok(sender)
}
