//! Clients that follow a room and come back by themselves: one of ours, and two that others wrote.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use serde_json::Value;

use super::learner::{Learner, number};
use super::stream::Stream;
use crate::fixture::LIMIT;
use crate::outside::say;

/// What a follower has got so far.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<Mutex<Got>>);

#[derive(Default)]
pub(super) struct Got {
    pub(super) messages: Vec<Value>,
    /// How often it has connected.
    pub(super) connections: usize,
}

impl Seen {
    pub(super) fn look(&self) -> MutexGuard<'_, Got> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An `EventSource` in small: comes back with the id of the last event that had one. Never ends. The gateway may have
/// met an instance at the moment of its death, which it says with a 502.
pub(super) async fn follow(learner: Learner, room: String, mut last: i64, seen: Seen) {
    loop {
        let mut stream = testkit::eventually(LIMIT, async || {
            let opened = Stream::try_open(learner.stream_of(&room).header("last-event-id", last)).await;
            opened.inspect_err(|status| assert!(status.is_server_error(), "coming back is answered {status}"))
        })
        .await;
        seen.look().connections += 1;
        let mut is_turn = false;
        while let Some(event) = stream.next().await {
            if event.is("conversation_complete") {
                is_turn = true;
            } else if event.is("message_created") {
                let message = event.data;
                let is_reply = !message["metadata"].is_null();
                assert_eq!(std::mem::take(&mut is_turn), is_reply, "a reply ends its turn: {message}");
                last = number(&message);
                seen.look().messages.push(message);
            }
        }
    }
}

/// A program that follows a room until it is ended.
pub(super) struct Outsider {
    child: Child,
    seen: Seen,
    reading: Option<JoinHandle<()>>,
    words: Option<JoinHandle<String>>,
}

impl Outsider {
    pub(super) fn start(command: &mut Command, learner: &Learner, url: &str, last: i64) -> Self {
        command.args([url, &last.to_string()]).env("TOKEN", &learner.token);
        let mut child = command.spawn().expect("start a program");
        let stdout = BufReader::new(child.stdout.take().expect("standard output"));
        let mut stderr = child.stderr.take().expect("standard error");
        let seen = Seen::default();
        let into = seen.clone();
        let reading = std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let mut line: Value = serde_json::from_str(&line).expect("JSON on every line");
                match line.get_mut("message") {
                    Some(message) => into.look().messages.push(message.take()),
                    None => into.look().connections += 1,
                }
            }
        });
        let words = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).expect("programs speak UTF-8");
            text
        });
        Self { child, seen, reading: Some(reading), words: Some(words) }
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen.clone()
    }

    /// What it has got until now, when it has not given up before.
    #[track_caller]
    pub(super) fn end(mut self) -> Seen {
        let ended = self.child.try_wait().expect("a child can be asked");
        let words = self.kill().unwrap_or_default();
        assert_eq!(ended, None, "it gave up: {words}");
        say(words.trim());
        self.seen()
    }

    fn kill(&mut self) -> Option<String> {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.reading.take()?.join().expect("what it wrote could be read");
        self.words.take()?.join().ok()
    }
}

impl Drop for Outsider {
    fn drop(&mut self) {
        if self.reading.is_some()
            && let Some(words) = self.kill()
        {
            say(words.trim());
        }
    }
}
