//! A stream of either kind, and what comes over it.

use std::net::SocketAddr;

use contract::chat::{ClientFrame, event};
use contract::id::RoomId;
use serde_json::Value;
use tokio::net::{TcpSocket, TcpStream};

use super::course::{Opened, PARTS};
use super::event_stream::{Event, EventStream};
use super::socket::Socket;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    EventStream,
    Socket,
}

/// What came.
#[derive(Debug)]
pub(crate) enum Came {
    Ready(i64),
    /// One of the three events of a turn.
    Part(String, Value),
    Message(Value),
    /// What the order of messages does not depend on.
    Aside,
}

/// Why a stream is over.
#[derive(Debug)]
pub(crate) enum End {
    /// Which is no wonder in a storm.
    Broken(String),
    /// It brought what no stream may bring.
    Wrong(String),
}

impl From<String> for End {
    fn from(why: String) -> Self {
        Self::Broken(why)
    }
}

pub(crate) enum Stream {
    EventStream(Box<EventStream>),
    Socket(Box<Socket>),
}

/// What slow readers have the system keep for them: little, so that the server is the one who waits.
pub(crate) const SMALL: u32 = 4 * 1024;

/// # Errors
/// When nobody takes the connection.
pub(crate) async fn connect(address: SocketAddr, buffer: Option<u32>) -> Result<TcpStream, String> {
    let connected = async {
        let socket = TcpSocket::new_v4()?;
        if let Some(size) = buffer {
            socket.set_recv_buffer_size(size)?;
        }
        let stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        Ok::<_, std::io::Error>(stream)
    };
    connected.await.map_err(|error| format!("not connected: {error}"))
}

impl Stream {
    /// # Errors
    /// Why there is none.
    pub(crate) async fn open(
        way: Way,
        tcp: TcpStream,
        address: SocketAddr,
        room: RoomId,
        token: &str,
        opened: Opened,
    ) -> Result<Self, String> {
        match way {
            Way::EventStream => {
                let path = format!("/api/chat/stream/{room}");
                let stream = EventStream::open(tcp, address, &path, token, opened).await?;
                Ok(Self::EventStream(Box::new(stream)))
            }
            Way::Socket => {
                let query = match opened {
                    Opened::Behind(after) => format!("?after={after}"),
                    Opened::Fresh | Opened::Resuming(_) => String::new(),
                };
                let path = format!("/ws/chat/{room}{query}");
                let mut socket = Socket::open(tcp, address, &path, token).await?;
                if let Opened::Resuming(after) = opened {
                    socket.send(&ClientFrame::Resume { after }).await?;
                }
                Ok(Self::Socket(Box::new(socket)))
            }
        }
    }

    /// # Errors
    /// Why nothing more will come.
    pub(crate) async fn next(&mut self) -> Result<Came, End> {
        match self {
            Self::EventStream(stream) => of_event(stream.next().await?),
            Self::Socket(socket) => of_frame(socket.next().await?),
        }
    }
}

fn of_event(event: Event) -> Result<Came, End> {
    let data: Value =
        serde_json::from_str(&event.data).map_err(|_| End::Wrong(format!("no JSON in {event:?}")))?;
    match event.name.as_str() {
        "" if data["type"] == "ready" => Ok(Came::Ready(number(&data["lastSequence"])?)),
        event::MESSAGE_CREATED => {
            let seq = number(&data["sequenceNumber"])?.to_string();
            if event.id.as_ref() != Some(&seq) {
                return Err(End::Wrong(format!("message {seq} with the id {:?}", event.id)));
            }
            Ok(Came::Message(data))
        }
        _ if event.id.is_some() => Err(End::Wrong(format!("only messages have ids: {event:?}"))),
        name if PARTS.contains(&name) => Ok(Came::Part(event.name, data)),
        event::GREETING_BOT_MESSAGE | event::GREETING_GUIDE_MESSAGE => Ok(Came::Aside),
        _ => Err(End::Wrong(format!("unknown event {event:?}"))),
    }
}

fn of_frame(mut frame: Value) -> Result<Came, End> {
    match frame["type"].as_str() {
        Some("ready") => Ok(Came::Ready(number(&frame["lastSequence"])?)),
        Some("message") => Ok(Came::Message(frame["message"].take())),
        Some("typing" | "presence" | "read" | "ack") => Ok(Came::Aside),
        Some("error") => Err(End::Broken(format!("refused: {frame}"))),
        _ => Err(End::Wrong(format!("unknown frame {frame}"))),
    }
}

fn number(value: &Value) -> Result<i64, End> {
    value.as_i64().ok_or_else(|| End::Wrong(format!("{value} instead of a number")))
}
