//! Server-sent events as clients get them, over real sockets.

mod client;
mod course;
mod door;
mod turn;
