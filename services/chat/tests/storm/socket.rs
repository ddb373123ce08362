//! A WebSocket of a room.

use std::net::SocketAddr;

use contract::chat::ClientFrame;
use futures_util::{SinkExt as _, StreamExt as _};
use http::header;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};

pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
}

impl Socket {
    /// # Errors
    /// Why there is none, which is no wonder in a storm.
    pub(crate) async fn open(
        tcp: TcpStream,
        address: SocketAddr,
        path: &str,
        token: &str,
    ) -> Result<Self, String> {
        let mut request = format!("ws://{address}{path}").into_client_request().map_err(broken)?;
        request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        let (stream, _) = tokio_tungstenite::client_async(request, tcp).await.map_err(broken)?;
        Ok(Self { stream })
    }

    /// # Errors
    /// When the connection is broken.
    pub(crate) async fn send(&mut self, frame: &ClientFrame) -> Result<(), String> {
        let text = serde_json::to_string(frame).unwrap();
        self.stream.send(Message::text(text)).await.map_err(broken)
    }

    /// The next frame.
    ///
    /// # Errors
    /// Why there will be none.
    pub(crate) async fn next(&mut self) -> Result<Value, String> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    return Ok(serde_json::from_str(&text).expect("frames are JSON"));
                }
                Some(Ok(Message::Close(why))) => return Err(format!("closed: {why:?}")),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(broken(error)),
                None => return Err("ended by the server".to_owned()),
            }
        }
    }
}

fn broken(error: Error) -> String {
    match error {
        Error::Http(answer) => format!("answered {}", answer.status()),
        error => format!("broken: {error}"),
    }
}
