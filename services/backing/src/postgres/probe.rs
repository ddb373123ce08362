//! Asks a server whether it takes connections, by the first message of the protocol and no more.
//!
//! No password is needed: a server that is starting, stopping or recovering says so before it asks for one.

use std::io;
use std::net::Ipv4Addr;

use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::setup::SUPERUSER;

/// Protocol 3.0, which every server since 7.4 speaks.
const PROTOCOL: u32 = 196_608;
/// Errors of a server before authentication are shorter than this.
const LONGEST_ANSWER: u32 = 8 * 1024;

#[derive(Debug, Error)]
pub enum NotReady {
    #[error("nothing answers on 127.0.0.1:{port}")]
    Unreachable { port: u16, source: io::Error },
    /// Starting, recovering, stopping.
    #[error("the server on port {port} takes no connections yet: {message} ({code})")]
    Refused { port: u16, code: String, message: String },
    #[error("what answers on port {port} is no PostgreSQL server")]
    OtherProtocol { port: u16 },
}

/// Whether the server on that port of this machine would accept a login now. Bounds its own time not at all: the
/// caller does.
///
/// # Errors
/// Why it would not.
pub async fn is_ready(port: u16) -> Result<(), NotReady> {
    let unreachable = |source| NotReady::Unreachable { port, source };
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.map_err(unreachable)?;
    stream.write_all(&startup()).await.map_err(unreachable)?;
    let kind = stream.read_u8().await.map_err(unreachable)?;
    let length = stream.read_u32().await.map_err(unreachable)?;
    if !(4..LONGEST_ANSWER).contains(&length) {
        return Err(NotReady::OtherProtocol { port });
    }
    // Read to its end: a connection that is closed over unread bytes is reset, and the server logs that each time.
    let mut body = vec![0; length as usize - 4];
    stream.read_exact(&mut body).await.map_err(unreachable)?;
    match kind {
        // A request for authentication.
        b'R' => Ok(()),
        b'E' => judge(port, &body),
        _ => Err(NotReady::OtherProtocol { port }),
    }
}

fn startup() -> Vec<u8> {
    let mut body = PROTOCOL.to_be_bytes().to_vec();
    for word in ["user", SUPERUSER, "database", SUPERUSER, "application_name", "doran probe", ""] {
        body.extend_from_slice(word.as_bytes());
        body.push(0);
    }
    let length = u32::try_from(body.len() + 4).expect("the message has a fixed, small size");
    [length.to_be_bytes().to_vec(), body].concat()
}

/// A server that is full, or that objects to us in person, is up: restarting it would help nobody.
fn judge(port: u16, body: &[u8]) -> Result<(), NotReady> {
    let field = |wanted: u8| {
        let mut fields = body.split(|byte| *byte == 0).filter(|field| !field.is_empty());
        fields.find(|field| field[0] == wanted).map(|field| String::from_utf8_lossy(&field[1..]).into_owned())
    };
    let (Some(code), Some(message)) = (field(b'C'), field(b'M')) else {
        return Err(NotReady::OtherProtocol { port });
    };
    // 53300 too_many_connections; class 28 invalid authorization.
    if code == "53300" || code.starts_with("28") {
        return Ok(());
    }
    Err(NotReady::Refused { port, code, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_starting_server_is_not_ready_and_says_why() {
        let error = judge(1, b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0").unwrap_err();
        assert!(matches!(&error, NotReady::Refused { code, .. } if code == "57P03"), "{error}");
    }

    #[test]
    fn a_full_server_is_ready() {
        assert!(judge(1, b"SFATAL\0C53300\0Msorry, too many clients already\0\0").is_ok());
    }

    #[test]
    fn an_error_without_a_code_is_not_from_postgres() {
        assert!(matches!(judge(7, b"hello\0"), Err(NotReady::OtherProtocol { port: 7 })));
    }
}
