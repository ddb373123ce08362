//! The Redis server, asked for `INFO` as a user who may do nothing else.

use std::io;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use backing::redis::METRICS_USER;
use backing::secret::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::millis;
use super::sample::{Cache, Traffic};

/// After it refused us: it was started by an older `doran`, or is none of ours.
const PAUSE: Duration = Duration::from_secs(5);
/// `INFO` has about 7 KB.
const LONGEST: usize = 256 * 1024;

pub(super) struct Link {
    port: u16,
    password: Secret,
    stream: Option<TcpStream>,
    last: Option<(Instant, Info)>,
    not_before: Option<Instant>,
}

/// Counters and levels of `INFO`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Info {
    run: String,
    operations: u64,
    hits: u64,
    misses: u64,
    received: u64,
    sent: u64,
    memory: u64,
    clients: u32,
}

impl Link {
    pub(super) fn new(port: u16, password: Secret) -> Self {
        Self { port, password, stream: None, last: None, not_before: None }
    }

    /// # Errors
    /// When the server cannot be asked. The caller bounds the time; whoever gives up calls [`Self::hang_up`].
    pub(super) async fn read(&mut self) -> io::Result<Option<(Cache, Option<Traffic>)>> {
        if self.not_before.is_some_and(|at| Instant::now() < at) {
            return Ok(None);
        }
        match self.ask().await {
            Ok(text) => Ok(Some(self.note(Info::parse(&text)))),
            Err(error) => {
                self.hang_up();
                Err(error)
            }
        }
    }

    /// A connection on which an answer may still come is of no more use.
    pub(super) fn hang_up(&mut self) {
        self.stream = None;
        self.not_before = Some(Instant::now() + PAUSE);
    }

    async fn ask(&mut self) -> io::Result<String> {
        let stream = if let Some(stream) = &mut self.stream {
            stream
        } else {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
            say(&mut stream, &["AUTH", METRICS_USER, self.password.expose()]).await?;
            hear(&mut stream).await?;
            self.stream.insert(stream)
        };
        say(stream, &["INFO"]).await?;
        hear(stream).await
    }

    fn note(&mut self, info: Info) -> (Cache, Option<Traffic>) {
        let now = Instant::now();
        let mut cache = Cache { memory: info.memory, clients: info.clients, ..Cache::default() };
        let mut traffic = None;
        if let Some((at, before)) = &self.last
            && let Some((operations, hits, misses, received, sent)) = info.since(before)
        {
            let over_ms = millis(now - *at);
            cache = Cache { over_ms, operations, hits, misses, ..cache };
            traffic = Some(Traffic { over_ms, received, sent });
        }
        self.last = Some((now, info));
        (cache, traffic)
    }
}

impl Info {
    fn parse(text: &str) -> Self {
        let mut info = Self::default();
        for (name, value) in text.lines().filter_map(|line| line.trim_end().split_once(':')) {
            let number = || value.parse().unwrap_or_default();
            match name {
                "run_id" => value.clone_into(&mut info.run),
                "total_commands_processed" => info.operations = number(),
                "keyspace_hits" => info.hits = number(),
                "keyspace_misses" => info.misses = number(),
                "total_net_input_bytes" => info.received = number(),
                "total_net_output_bytes" => info.sent = number(),
                "used_memory" => info.memory = number(),
                "connected_clients" => info.clients = value.parse().unwrap_or_default(),
                _ => {}
            }
        }
        info
    }

    /// None when another process counted that, or `CONFIG RESETSTAT` was said.
    fn since(&self, before: &Self) -> Option<(u64, u64, u64, u64, u64)> {
        if self.run != before.run {
            return None;
        }
        Some((
            self.operations.checked_sub(before.operations)?,
            self.hits.checked_sub(before.hits)?,
            self.misses.checked_sub(before.misses)?,
            self.received.checked_sub(before.received)?,
            self.sent.checked_sub(before.sent)?,
        ))
    }
}

async fn say(stream: &mut TcpStream, words: &[&str]) -> io::Result<()> {
    let mut text = format!("*{}\r\n", words.len());
    for word in words {
        text.extend(["$", &word.len().to_string(), "\r\n", word, "\r\n"]);
    }
    stream.write_all(text.as_bytes()).await
}

/// A simple or a bulk string of RESP2; errors are errors.
async fn hear(stream: &mut TcpStream) -> io::Result<String> {
    let mut bytes = Vec::new();
    loop {
        if let Some(answer) = answer(&bytes)? {
            return Ok(answer);
        }
        if bytes.len() > LONGEST || stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// None while it is not complete.
fn answer(bytes: &[u8]) -> io::Result<Option<String>> {
    let Some(end) = bytes.windows(2).position(|pair| pair == b"\r\n") else { return Ok(None) };
    let line = String::from_utf8_lossy(&bytes[1..end.max(1)]).into_owned();
    match bytes.first() {
        Some(b'+') => Ok(Some(line)),
        Some(b'$') => {
            let length: usize = line.parse().map_err(|_not_a_number| io::ErrorKind::InvalidData)?;
            let body = bytes.get(end + 2..).unwrap_or_default();
            Ok((body.len() >= length.saturating_add(2))
                .then(|| String::from_utf8_lossy(&body[..length]).into_owned()))
        }
        // `-WRONGPASS …`: its words are the server's, and hold nothing of ours.
        _ => Err(io::Error::other(line)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn info(run: &str, operations: u64) -> Info {
        let text = format!(
            "# Server\r\nredis_version:7.0.15\r\nrun_id:{run}\r\n\r\n# Stats\r\n\
             total_commands_processed:{operations}\r\nkeyspace_hits:9\r\nkeyspace_misses:1\r\nused_memory:1024\r\n\
             connected_clients:3\r\ntotal_net_input_bytes:10\r\ntotal_net_output_bytes:20\r\n"
        );
        Info::parse(&text)
    }

    #[test]
    fn counters_of_one_process_have_differences_and_those_of_two_have_none() {
        let first = info("a", 10);
        assert_eq!((first.memory, first.clients, first.hits), (1024, 3, 9));
        assert_eq!(info("a", 14).since(&first), Some((4, 0, 0, 0, 0)));
        assert_eq!(info("b", 400).since(&first), None);
        assert_eq!(info("a", 2).since(&first), None);
    }

    #[test]
    fn answers_are_read_when_they_are_complete() {
        assert_eq!(answer(b"+OK\r\n").unwrap().as_deref(), Some("OK"));
        assert_eq!(answer(b"$5\r\nhel").unwrap(), None);
        assert_eq!(answer(b"$5\r\nhello\r\n").unwrap().as_deref(), Some("hello"));
        assert!(answer(b"-WRONGPASS no\r\n").is_err() && answer(b"$x\r\n").is_err());
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(bytes: Vec<u8>) {
            let _ = answer(&bytes);
        }
    }
}
