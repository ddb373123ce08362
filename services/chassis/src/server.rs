//! Binding, serving, and draining: what is in flight when the stop begins may finish within the limit.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd as _;

use anyhow::Context as _;
use axum::Router;
use axum::serve::ListenerExt as _;
use tracing::warn;

use crate::config::Listen;
use crate::platform::Service;
use crate::shutdown::Drain;
use crate::traffic::Counted;

/// Connections that may wait to be accepted. The kernel's own limit (`somaxconn`) may be lower.
const BACKLOG: u32 = 1024;

/// The listening socket, non-blocking. A bound one is exclusive: a second process gets an error.
pub(crate) fn listen(listen: Listen) -> anyhow::Result<TcpListener> {
    match listen {
        Listen::Bind(address) => bind(address).with_context(|| format!("failed to bind {address}")),
        Listen::Stdin => inherit().context("failed to use standard input as the listening socket"),
    }
}

fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
        SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
    };
    // Lets a restart bind while connections of the previous run linger; two listeners still exclude each other.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

fn inherit() -> std::io::Result<TcpListener> {
    let listener = TcpListener::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    // Fails unless it is a socket, which is the check.
    listener.local_addr()?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves until the drain has begun and nothing is in flight, or the drain's limit has passed.
///
/// # Errors
/// When serving fails; running into the limit is no error.
pub async fn serve(listener: TcpListener, service: Service, drain: Drain) -> anyhow::Result<()> {
    let serving = async {
        match service {
            Service::Router(router) => serve_router(listener, router, drain.clone()).await?,
            Service::Custom(server) => server(listener, drain.clone()).await?,
        }
        drain.released().await;
        Ok(())
    };
    let limit = async {
        drain.begun().await;
        tokio::select! {
            () = tokio::time::sleep(drain.limit()) => {}
            () = drain.over() => {}
        }
    };
    tokio::select! {
        served = serving => served,
        () = limit => {
            warn!("requests in flight were dropped: the drain's limit has passed");
            Ok(())
        }
    }
}

async fn serve_router(listener: TcpListener, router: Router, drain: Drain) -> anyhow::Result<()> {
    let listener = Counted(tokio::net::TcpListener::from_std(listener)?).tap_io(|connection| {
        if let Err(error) = connection.0.set_nodelay(true) {
            warn!(%error, "failed to switch off Nagle's algorithm");
        }
    });
    axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async move { drain.begun().await })
        .await?;
    Ok(())
}
