//! Decides whether the head of a request has exactly one meaning, and how its body is framed.
//!
//! Stricter than RFC 9112 allows: a proxy that guesses is a proxy that can be made to disagree with
//! the server behind it. Pure, and independent of hyper's parser on purpose.

use http::Uri;
use thiserror::Error;

/// The longest head that is read, request line included.
pub(crate) const MAX_HEAD: usize = 32 * 1024;
/// The most header lines. hyper reads 100, here and in the services, and forwarding adds up to 8.
const MAX_LINES: usize = 90;
/// Longest method name; the longest registered one has 17 letters.
const MAX_METHOD: usize = 20;
/// Digits of a length that cannot overflow 64 bits.
const MAX_LENGTH_DIGITS: usize = 18;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Empty,
    Length(u64),
    /// Ends where hyper says; the connection is not used for another request.
    Chunked,
    /// No body, and the client asks to speak WebSocket from here on (RFC 6455 section 4.1).
    Upgrade,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// Bytes up to and including the empty line.
    pub(crate) length: usize,
    pub(crate) framing: Framing,
}

/// Why a head is not passed on. The text is for the developer who reads the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Refusal {
    #[error("the header block is larger than 32 KiB or has more than 90 lines")]
    TooLarge,
    #[error("only HTTP/1.0 and HTTP/1.1 are spoken here")]
    Version,
    #[error("the request took too long to arrive")]
    TooSlow,
    #[error("{0}")]
    Malformed(&'static str),
}

use Refusal::Malformed;

/// Reads the head at the start of `bytes`; `None` while its end is not there yet.
pub(crate) fn screen(bytes: &[u8]) -> Result<Option<Head>, Refusal> {
    // RFC 9112 2.2 wants an empty line before the request line ignored.
    let mut at = if bytes.starts_with(b"\r\n") { 2 } else { 0 };
    let mut facts = Facts::default();
    let mut line_number = 0;
    loop {
        let Some(line) = line_at(bytes, at)? else {
            return if bytes.len() > MAX_HEAD { Err(Refusal::TooLarge) } else { Ok(None) };
        };
        at += line.len() + 2;
        if at > MAX_HEAD || (line_number > MAX_LINES && !line.is_empty()) {
            return Err(Refusal::TooLarge);
        }
        if line_number == 0 {
            facts.request_line(line)?;
        } else if line.is_empty() {
            return Ok(Some(Head { length: at, framing: facts.framing()? }));
        } else {
            facts.header(line)?;
        }
        line_number += 1;
    }
}

/// The line that starts at `at`, without its end; `None` when the end has not arrived.
fn line_at(bytes: &[u8], at: usize) -> Result<Option<&[u8]>, Refusal> {
    let rest = bytes.get(at..).unwrap_or_default();
    let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
        return Ok(None);
    };
    match rest[..end].split_last() {
        Some((b'\r', line)) => Ok(Some(line)),
        _ => Err(Malformed("a line ends without a carriage return")),
    }
}

#[derive(Default)]
struct Facts {
    old_version: bool,
    host: bool,
    length: Option<u64>,
    chunked: bool,
    upgrade: Upgrade,
}

/// What asks for an upgrade; one without the others asks for nothing.
#[derive(Default, Clone, Copy)]
struct Upgrade {
    by_get: bool,
    named: bool,
    to_websocket: bool,
}

impl Facts {
    fn request_line(&mut self, line: &[u8]) -> Result<(), Refusal> {
        let mut parts = line.split(|byte| *byte == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Malformed("the request line is not `METHOD target version`"));
        };
        if method.is_empty() || method.len() > MAX_METHOD || !method.iter().copied().all(is_token) {
            return Err(Malformed("the method is not a token"));
        }
        self.upgrade.by_get = method == b"GET";
        match version {
            b"HTTP/1.1" => {}
            b"HTTP/1.0" => self.old_version = true,
            other if other.starts_with(b"HTTP/") => return Err(Refusal::Version),
            _ => return Err(Malformed("the request line does not end with a version")),
        }
        if target.is_empty() || !target.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#') {
            return Err(Malformed("the request target has characters that must be percent-encoded"));
        }
        let whole_server = target == b"*" && method == b"OPTIONS";
        if !(target[0] == b'/' || target.starts_with(b"http://") || whole_server) {
            return Err(Malformed("the request target is not a path"));
        }
        // hyper parses it just so, and would refuse it with an answer of its own.
        match Uri::try_from(target) {
            Ok(_) => Ok(()),
            Err(_) => Err(Malformed("the request target is not a URI")),
        }
    }

    fn header(&mut self, line: &[u8]) -> Result<(), Refusal> {
        if matches!(line[0], b' ' | b'\t') {
            return Err(Malformed("a header is folded over several lines"));
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return Err(Malformed("a header line has no colon"));
        };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.is_empty() || !name.iter().copied().all(is_token) {
            return Err(Malformed("a header name is not a token"));
        }
        if value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return Err(Malformed("a header value has control characters"));
        }
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => self.host(value),
            7 if name.eq_ignore_ascii_case(b"upgrade") => {
                self.upgrade.to_websocket |= lists(value, b"websocket");
                Ok(())
            }
            10 if name.eq_ignore_ascii_case(b"connection") => {
                self.upgrade.named |= lists(value, b"upgrade");
                Ok(())
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => self.content_length(value),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.transfer_encoding(value),
            _ => Ok(()),
        }
    }

    fn host(&mut self, value: &[u8]) -> Result<(), Refusal> {
        if std::mem::replace(&mut self.host, true) {
            return Err(Malformed("there is more than one Host"));
        }
        let allowed = |byte: &u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
        };
        if value.is_empty() || !value.iter().all(allowed) {
            return Err(Malformed("the Host is not a host name with an optional port"));
        }
        Ok(())
    }

    fn content_length(&mut self, value: &[u8]) -> Result<(), Refusal> {
        let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        if self.length.is_some() || !digits || value.len() > MAX_LENGTH_DIGITS {
            return Err(Malformed("Content-Length is not one plain number"));
        }
        self.length = Some(value.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')));
        Ok(())
    }

    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), Refusal> {
        if std::mem::replace(&mut self.chunked, true) || !value.eq_ignore_ascii_case(b"chunked") {
            return Err(Malformed("Transfer-Encoding is something else than one `chunked`"));
        }
        Ok(())
    }

    /// Upgrades of other methods, of HTTP/1.0 and to other protocols are ignored, as RFC 9110 7.8 allows.
    fn asks_for_websocket(&self) -> bool {
        let Upgrade { by_get, named, to_websocket } = self.upgrade;
        by_get && named && to_websocket && !self.old_version
    }

    fn framing(&self) -> Result<Framing, Refusal> {
        if !self.host && !self.old_version {
            return Err(Malformed("there is no Host"));
        }
        match (self.length, self.chunked) {
            (Some(_), true) => Err(Malformed("there are both Content-Length and Transfer-Encoding")),
            (None, true) if self.old_version => Err(Malformed("HTTP/1.0 has no Transfer-Encoding")),
            (None, true) => Ok(Framing::Chunked),
            (None | Some(0), false) if self.asks_for_websocket() => Ok(Framing::Upgrade),
            (None | Some(0), false) => Ok(Framing::Empty),
            (Some(length), false) => Ok(Framing::Length(length)),
        }
    }
}

/// Whether a comma-separated value has `token` among its items.
fn lists(value: &[u8], token: &[u8]) -> bool {
    value.split(|byte| *byte == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(token))
}

/// `tchar` of RFC 9110 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The value of a header in a head that may be broken: what an answer to it needs (origin, language).
pub(crate) fn find_header<'a>(bytes: &'a [u8], name: &str) -> Option<&'a [u8]> {
    bytes.split(|byte| *byte == b'\n').skip(1).take(MAX_LINES).find_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        line[..colon].eq_ignore_ascii_case(name.as_bytes()).then(|| line[colon + 1..].trim_ascii())
    })
}

#[cfg(test)]
mod tests;
