//! Many streams, each a task over a bare socket.
//!
//! An event is looked for line by line, the lengths of HTTP's chunks included, which look like no field of an event;
//! the server sends every event in one chunk.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::stage::Room;

/// A source address has this many streams: each needs a port of its own.
const PER_ADDRESS: usize = 8000;
/// After a refusal, so many milliseconds at least, and at most as many more.
const AGAIN: u64 = 100;

/// What all streams found.
pub(crate) struct Found {
    pub(crate) address: SocketAddr,
    began: Instant,
    /// Streams that got `ready` since they were opened.
    pub(crate) ready: AtomicUsize,
    pub(crate) refused: AtomicUsize,
    /// From the sending of marked messages to their arrival.
    pub(crate) latencies: Mutex<Vec<Duration>>,
}

impl Found {
    pub(crate) fn new(address: SocketAddr) -> Arc<Self> {
        Arc::new(Self {
            address,
            began: Instant::now(),
            ready: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            latencies: Mutex::default(),
        })
    }

    /// The content of a message that is sent now.
    pub(crate) fn mark(&self) -> String {
        format!("sent at {} us", self.began.elapsed().as_micros())
    }

    pub(crate) fn ready(&self) -> usize {
        self.ready.load(Ordering::Relaxed)
    }

    pub(crate) fn arrived(&self) -> usize {
        self.latencies.lock().unwrap().len()
    }

    fn line(&self, line: &[u8], last: &mut String) {
        let Ok(line) = std::str::from_utf8(line) else { return };
        if let Some(id) = line.strip_prefix("id: ") {
            id.clone_into(last);
        } else if line.starts_with("data: ")
            && let Some((_, rest)) = line.split_once(r#""content":"sent at "#)
            && let Some((micros, _)) = rest.split_once(' ')
            && let Ok(micros) = micros.parse()
        {
            let latency = self.began.elapsed().saturating_sub(Duration::from_micros(micros));
            self.latencies.lock().unwrap().push(latency);
        }
    }
}

/// One stream, which is opened again whenever it ends.
struct Reader {
    nth: usize,
    request: String,
    last: String,
    found: Arc<Found>,
}

/// Opens so many streams in each room, at most so many at once, and keeps them open.
pub(crate) fn open<'a>(
    rooms: impl IntoIterator<Item = &'a Room>,
    each: usize,
    at_once: usize,
    found: &Arc<Found>,
) -> JoinSet<()> {
    let mut readers = JoinSet::new();
    let gate = Arc::new(Semaphore::new(at_once));
    for room in rooms {
        for _ in 0..each {
            let request = format!(
                "GET /api/chat/stream/{} HTTP/1.1\r\nhost: figures\r\nauthorization: Bearer {}\r\n",
                room.id, room.token
            );
            let nth = readers.len();
            let reader = Reader { nth, request, last: "0".to_owned(), found: found.clone() };
            readers.spawn(reader.run(gate.clone()));
        }
    }
    readers
}

impl Reader {
    async fn run(mut self, gate: Arc<Semaphore>) {
        let mut gate = Some(gate);
        loop {
            let mut ready = false;
            let permit = match gate.take() {
                Some(gate) => Some(gate.acquire_owned().await.unwrap()),
                None => None,
            };
            // However a stream ends, it is opened again.
            let _ = self.follow(&mut ready, permit).await;
            if ready {
                self.found.ready.fetch_sub(1, Ordering::Relaxed);
            } else {
                self.found.refused.fetch_add(1, Ordering::Relaxed);
                let spread = self.nth as u64 * 7919 % AGAIN;
                tokio::time::sleep(Duration::from_millis(AGAIN + spread)).await;
            }
        }
    }

    async fn follow(&mut self, ready: &mut bool, permit: Option<OwnedSemaphorePermit>) -> io::Result<()> {
        // Until it is open.
        let mut permit = permit;
        let mut stream = self.connect().await?;
        let request = format!("{}last-event-id: {}\r\n\r\n", self.request, self.last);
        stream.write_all(request.as_bytes()).await?;
        drop(request);
        let mut rest = Vec::new();
        loop {
            stream.readable().await?;
            if self.read(&stream, &mut rest, ready)? == 0 {
                return Ok(());
            }
            if *ready {
                drop(permit.take());
            }
        }
    }

    /// What is there, without waiting: an idle stream has no buffer. Answered by its length, 0 at the end.
    fn read(&mut self, stream: &TcpStream, rest: &mut Vec<u8>, ready: &mut bool) -> io::Result<usize> {
        let mut buffer = [0; 8192];
        let length = match stream.try_read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(1),
            other => other?,
        };
        for piece in buffer[..length].split_inclusive(|byte| *byte == b'\n') {
            rest.extend_from_slice(piece);
            if !piece.ends_with(b"\n") {
                continue;
            }
            if !*ready && rest.starts_with(br#"data: {"type":"ready""#) {
                *ready = true;
                self.found.ready.fetch_add(1, Ordering::Relaxed);
            }
            if rest.starts_with(b"HTTP/1.1 ") && !rest.starts_with(b"HTTP/1.1 200") {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            self.found.line(rest.trim_ascii_end(), &mut self.last);
            rest.clear();
        }
        rest.shrink_to_fit();
        Ok(length)
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        let third = u8::try_from(self.nth / PER_ADDRESS).unwrap_or_default();
        socket.bind((Ipv4Addr::new(127, 0, third, 2), 0).into())?;
        socket.connect(self.found.address).await
    }
}
