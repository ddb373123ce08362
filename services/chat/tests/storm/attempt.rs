//! One attempt to have a message stored.

use std::net::SocketAddr;
use std::time::Duration;

use contract::chat::ClientFrame;
use contract::id::RoomId;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::socket::Socket;
use super::stream::connect;

/// An answer that takes longer is none.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// What is to be stored.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) key: String,
    pub(crate) content: String,
    pub(crate) respond: bool,
}

/// What became of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    Stored(Value),
    /// Nobody knows: it is sent again.
    Unanswered,
    /// The token is of a login that has ended.
    LoggedOut,
    /// An answer that may not be.
    Wrong(String),
}

pub(crate) async fn by_http(
    http: &reqwest::Client,
    address: SocketAddr,
    room: RoomId,
    token: &str,
    draft: &Draft,
) -> Outcome {
    let url = format!("http://{address}/api/chat/chatrooms/{room}/messages");
    let Draft { key, content, respond } = draft;
    let body = json!({ "content": content, "clientMessageId": key, "respond": respond });
    let Ok(answer) = http.post(url).bearer_auth(token).json(&body).send().await else {
        return Outcome::Unanswered;
    };
    match answer.status() {
        StatusCode::OK => match answer.json().await {
            Ok(message) => Outcome::Stored(message),
            Err(_) => Outcome::Unanswered,
        },
        StatusCode::UNAUTHORIZED => Outcome::LoggedOut,
        status if status.is_server_error() => Outcome::Unanswered,
        status => Outcome::Wrong(format!("{status} {}", answer.text().await.unwrap_or_default())),
    }
}

/// A socket that is kept from one message to the next.
#[derive(Default)]
pub(crate) struct Line {
    socket: Option<Socket>,
}

impl Line {
    pub(crate) async fn send(
        &mut self,
        address: SocketAddr,
        room: RoomId,
        token: &str,
        draft: &Draft,
    ) -> Outcome {
        let sent = async {
            let mut socket = if let Some(socket) = self.socket.take() {
                socket
            } else {
                let tcp = connect(address, None).await?;
                Socket::open(tcp, address, &format!("/ws/chat/{room}"), token).await?
            };
            let outcome = exchange(&mut socket, draft).await?;
            Ok::<_, String>((socket, outcome))
        };
        match timeout(PATIENCE, sent).await {
            Ok(Ok((socket, outcome))) => {
                self.socket = matches!(outcome, Outcome::Stored(_)).then_some(socket);
                outcome
            }
            Ok(Err(_)) | Err(_) => Outcome::Unanswered,
        }
    }
}

async fn exchange(socket: &mut Socket, draft: &Draft) -> Result<Outcome, String> {
    let frame = ClientFrame::Send {
        content: draft.content.clone(),
        content_type: None,
        client_message_id: Some(draft.key.clone()),
        respond: Some(draft.respond),
    };
    socket.send(&frame).await?;
    loop {
        let mut frame = socket.next().await?;
        let ours = frame["clientMessageId"] == *draft.key;
        match frame["type"].as_str() {
            Some("ack") if ours => return Ok(Outcome::Stored(frame["message"].take())),
            Some("ack" | "error") if !ours => {
                return Ok(Outcome::Wrong(format!("an answer to something else: {frame}")));
            }
            Some("error") => return Ok(refused(&frame)),
            _ => {}
        }
    }
}

/// Codes that say that something is away, or that there is too much.
const PASSING: [&str; 4] = ["G001", "G002", "G003", "E001"];

fn refused(frame: &Value) -> Outcome {
    match frame["errorCode"].as_str() {
        Some(code) if PASSING.contains(&code) => Outcome::Unanswered,
        _ => Outcome::Wrong(frame.to_string()),
    }
}
