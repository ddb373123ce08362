//! Asks a server for a sign of life, without its password.
//!
//! Our servers have a user for this who may only PING. Without logging in, a server that still reads its data
//! would answer like a ready one: that it wants a password. Servers that lack the user are judged by just that.

use std::io;
use std::net::Ipv4Addr;

use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(super) const PROBE_USER: &str = "doran-probe";
/// Longer than the two answers.
const LONGEST_ANSWER: usize = 1024;

#[derive(Debug, Error)]
pub enum NotReady {
    #[error("nothing answers on 127.0.0.1:{port}")]
    Unreachable { port: u16, source: io::Error },
    /// `LOADING` for instance.
    #[error("the server on port {port} answers: {answer}")]
    Refused { port: u16, answer: String },
}

/// Whether the server on that port of this machine serves. Bounds its own time not at all: the caller does.
///
/// # Errors
/// Why it does not.
pub async fn is_ready(port: u16) -> Result<(), NotReady> {
    let unreachable = |source| NotReady::Unreachable { port, source };
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.map_err(unreachable)?;
    let question = format!("AUTH {PROBE_USER} {PROBE_USER}\r\nPING\r\n");
    stream.write_all(question.as_bytes()).await.map_err(unreachable)?;
    let mut answer = Vec::new();
    while lines(&answer) < 2 && answer.len() < LONGEST_ANSWER {
        if stream.read_buf(&mut answer).await.map_err(unreachable)? == 0 {
            break;
        }
    }
    judge(&String::from_utf8_lossy(&answer)).map_err(|answer| NotReady::Refused { port, answer })
}

fn lines(answer: &[u8]) -> usize {
    answer.split(|byte| *byte == b'\n').count() - 1
}

/// Only the second answer counts: whether the login worked is not the question.
fn judge(answer: &str) -> Result<(), String> {
    let line = answer.lines().nth(1).or(answer.lines().next()).unwrap_or("nothing");
    if answer.lines().count() == 2 && (line == "+PONG" || line.starts_with("-NOAUTH")) {
        return Ok(());
    }
    Err(line.chars().filter(|letter| !letter.is_control()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loading_server_is_not_ready_although_it_answers() {
        let loading = "-LOADING Redis is loading the dataset in memory";
        assert_eq!(judge(&format!("+OK\r\n{loading}\r\n")), Err(loading.to_owned()));
    }

    #[test]
    fn servers_with_and_without_the_probes_user_are_recognised() {
        for answer in [
            "+OK\r\n+PONG\r\n",
            "-WRONGPASS invalid username-password pair or user is disabled.\r\n+PONG\r\n",
            "-WRONGPASS invalid username-password pair or user is disabled.\r\n-NOAUTH Authentication required.\r\n",
        ] {
            assert_eq!(judge(answer), Ok(()), "{answer}");
        }
        for answer in ["", "+PONG\r\n", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"] {
            assert!(judge(answer).is_err(), "{answer}");
        }
    }
}
