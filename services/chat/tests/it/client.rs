//! A WebSocket client that is not ours.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::stack::Instance;

/// For anything that has to come.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The sub-protocol that was answered.
    pub(crate) protocol: Option<String>,
}

/// A handshake that was refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    pub(crate) problem: Value,
}

impl Client {
    /// With a token in the usual header.
    pub(crate) async fn open(instance: &Instance, path: &str, token: &str) -> Self {
        let header = ("authorization", format!("Bearer {token}"));
        Self::try_open(instance, path, &[header]).await.expect("the handshake succeeds")
    }

    pub(crate) async fn try_open(
        instance: &Instance,
        path: &str,
        headers: &[(&'static str, String)],
    ) -> Result<Self, Refusal> {
        let url = format!("ws://{}{path}", instance.address);
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).unwrap();
            request.headers_mut().append(HeaderName::from_static(name), value);
        }
        match connect_async(request).await {
            Ok((socket, answer)) => Ok(Self { socket, protocol: header(&answer, "sec-websocket-protocol") }),
            Err(Error::Http(answer)) => Err(Refusal {
                status: answer.status(),
                content_type: header(&answer, "content-type").unwrap_or_default(),
                problem: serde_json::from_slice(answer.body().as_deref().unwrap_or_default())
                    .unwrap_or_default(),
            }),
            Err(error) => panic!("neither opened nor refused: {error}"),
        }
    }

    pub(crate) async fn send(&mut self, frame: Value) {
        self.text(&frame.to_string()).await;
    }

    pub(crate) async fn text(&mut self, text: &str) {
        self.packet(Message::text(text)).await;
    }

    pub(crate) async fn packet(&mut self, packet: Message) {
        self.socket.send(packet).await.expect("the connection is open");
    }

    /// Says something without wanting the bot's answer.
    pub(crate) async fn say(&mut self, content: &str, name: &str) {
        let frame = json!({ "type": "send", "content": content, "clientMessageId": name, "respond": false });
        self.send(frame).await;
    }

    /// The next frame of any type.
    pub(crate) async fn next(&mut self) -> Value {
        timeout(LIMIT, self.frame()).await.expect("a frame comes")
    }

    async fn frame(&mut self) -> Value {
        loop {
            match self.socket.next().await.expect("it goes on") {
                Ok(Message::Text(text)) => return serde_json::from_str(&text).expect("frames are JSON"),
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("no frame but {other:?}"),
            }
        }
    }

    /// The next frame of this type; others are skipped.
    pub(crate) async fn until(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    /// The next `count` messages' sequence numbers.
    pub(crate) async fn sequences(&mut self, count: usize) -> Vec<i64> {
        let mut sequences = Vec::new();
        while sequences.len() < count {
            let frame = self.until("message").await;
            sequences.push(frame["message"]["sequenceNumber"].as_i64().unwrap());
        }
        sequences
    }

    /// How the server closes the connection; frames before that are skipped.
    pub(crate) async fn closed(&mut self) -> Option<CloseFrame> {
        let end = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Close(frame))) => return frame,
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return None,
                }
            }
        };
        timeout(LIMIT, end).await.expect("the end comes")
    }

    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        self.closed().await.map(|frame| frame.code.into())
    }
}

fn header<T>(answer: &Response<T>, name: &str) -> Option<String> {
    Some(answer.headers().get(name)?.to_str().unwrap().to_owned())
}
