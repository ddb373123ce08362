//! Server-sent events over a connection of their own, read by a parser of our own.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::course::Opened;

/// One event as the HTML standard dispatches it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Empty for an event without a name.
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    pub(crate) data: String,
}

pub(crate) struct EventStream {
    body: Incoming,
    parser: Parser,
    events: std::collections::VecDeque<Event>,
    /// Ends with this.
    _connection: JoinSet<()>,
}

impl EventStream {
    /// # Errors
    /// Why there is no such stream, which is no wonder in a storm.
    pub(crate) async fn open(
        tcp: TcpStream,
        address: SocketAddr,
        path: &str,
        token: &str,
        opened: Opened,
    ) -> Result<Self, String> {
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(tcp)).await.map_err(|error| broken(&error))?;
        let mut running = JoinSet::new();
        running.spawn(async move {
            // How it ends is seen by whoever reads.
            let _ = connection.await;
        });
        let mut request = Request::get(path)
            .header(header::HOST, address.to_string())
            .header(header::ACCEPT, "text/event-stream")
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        if let Opened::Behind(after) | Opened::Resuming(after) = opened {
            request = request.header("last-event-id", after);
        }
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let answer = sender.send_request(request).await.map_err(|error| broken(&error))?;
        if answer.status() != StatusCode::OK {
            return Err(format!("answered {}", answer.status()));
        }
        let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if kind.is_none_or(|kind| !kind.starts_with("text/event-stream")) {
            return Err(format!("a stream of {kind:?}"));
        }
        let body = answer.into_body();
        Ok(Self { body, parser: Parser::default(), events: [].into(), _connection: running })
    }

    /// # Errors
    /// Why there will be none.
    pub(crate) async fn next(&mut self) -> Result<Event, String> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            let Some(frame) = self.body.frame().await else {
                return Err("ended by the server".to_owned());
            };
            if let Ok(data) = frame.map_err(|error| broken(&error))?.into_data() {
                self.events.extend(self.parser.feed(&data));
            }
        }
    }
}

fn broken(error: &hyper::Error) -> String {
    format!("broken: {error}")
}

/// As the HTML standard says (section 9.2.6), for UTF-8 with `\n`.
#[derive(Debug, Default)]
struct Parser {
    line: Vec<u8>,
    event: Event,
}

impl Parser {
    fn feed(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                let line = String::from_utf8(line).expect("streams are UTF-8");
                events.extend(self.line(line.trim_end_matches('\n')));
            }
        }
        events
    }

    fn line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return (!event.data.is_empty()).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "id" => self.event.id = Some(value.to_owned()),
            "data" if self.event.data.is_empty() => value.clone_into(&mut self.event.data),
            "data" => self.event.data.extend(["\n", value]),
            // Comments, `retry`, and whatever is not known.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_same_however_the_bytes_are_cut() {
        let text = ": ping\n\nretry: 1000\n\ndata: {}\n\nevent: a\nid: 7\ndata: 안\ndata:녕\nother: x\n\n";
        let event = |name: &str, id: Option<&str>, data: &str| Event {
            name: name.to_owned(),
            id: id.map(str::to_owned),
            data: data.to_owned(),
        };
        let expected = [event("", None, "{}"), event("a", Some("7"), "안\n녕")];
        for size in 1..text.len() {
            let mut parser = Parser::default();
            let events: Vec<_> = text.as_bytes().chunks(size).flat_map(|piece| parser.feed(piece)).collect();
            assert_eq!(events, expected, "in pieces of {size}");
        }
    }
}
