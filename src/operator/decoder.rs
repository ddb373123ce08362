//! Server-sent events, as the WHATWG has them (HTML section 9.2.6), without ids and times to reconnect. Pure.

use thiserror::Error;

/// An execution with a hundred parts takes a twentieth of it.
const MAX_EVENT: usize = 1024 * 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Empty for an event without a name.
    pub(crate) name: String,
    /// Its lines, joined by a line feed.
    pub(crate) data: String,
}

#[derive(Debug, Error)]
#[error("an event is longer than {MAX_EVENT} bytes")]
pub(super) struct TooLong;

/// Takes the bytes of a stream as they come, split anywhere.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// The line that has not ended yet.
    line: Vec<u8>,
    /// The event that has not ended yet.
    name: String,
    data: Option<String>,
    /// The last byte was a carriage return, so a line feed now belongs to it.
    after_return: bool,
    /// The first line is behind us, and with it the place of a byte order mark.
    begun: bool,
}

impl Decoder {
    /// The events that end in `bytes`.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, TooLong> {
        let mut events = Vec::new();
        for &byte in bytes {
            let after_return = std::mem::replace(&mut self.after_return, byte == b'\r');
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => events.extend(self.end_line()),
                _ => {
                    self.line.push(byte);
                    if self.line.len() + self.data.as_ref().map_or(0, String::len) > MAX_EVENT {
                        return Err(TooLong);
                    }
                }
            }
        }
        Ok(events)
    }

    fn end_line(&mut self) -> Option<Event> {
        let bytes = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&bytes);
        let mut line = &*text;
        if !std::mem::replace(&mut self.begun, true) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            return self.data.take().map(|data| Event { name, data });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => match &mut self.data {
                Some(data) => data.extend(["\n", value]),
                None => self.data = Some(value.to_owned()),
            },
            // Comments have an empty field; the rest is not ours.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &str = "\u{feff}: hello\r\nevent: progress\r\ndata: {\"a\":\"안녕\"}\r\n\r\nid: 1\revent:end\r\
                          data:two\rdata: lines\r\r\n: only a comment\n\nevent: nothing\n\nretry: 3\ndata\n\n";

    fn decode<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
        let mut decoder = Decoder::default();
        parts.into_iter().flat_map(|part| decoder.push(part).unwrap()).collect()
    }

    #[test]
    fn lines_end_in_three_ways_and_an_event_has_a_name_and_data() {
        let event = |name: &str, data: &str| Event { name: name.to_owned(), data: data.to_owned() };
        assert_eq!(
            decode([STREAM.as_bytes()]),
            [event("progress", "{\"a\":\"안녕\"}"), event("end", "two\nlines"), event("", "")]
        );
        assert_eq!(decode([&b"event: end\ndata: {}\n"[..]]), []);
    }

    #[test]
    fn it_does_not_matter_at_which_byte_the_stream_is_cut() {
        let whole = decode([STREAM.as_bytes()]);
        for at in 0..=STREAM.len() {
            let (before, behind) = STREAM.as_bytes().split_at(at);
            assert_eq!(decode([before, behind]), whole, "cut at {at}");
        }
        assert_eq!(decode(STREAM.as_bytes().chunks(1)), whole);
    }

    #[test]
    fn an_event_without_end_is_not_kept() {
        let mut decoder = Decoder::default();
        decoder.push(b"data: ").unwrap();
        assert!(decoder.push(&vec![b'a'; MAX_EVENT]).is_err());
        assert!(Decoder::default().push(&b"data: 0123456789\n".repeat(MAX_EVENT / 10)).is_err());
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(bytes: Vec<u8>) {
            let _ = Decoder::default().push(&bytes);
        }
    }
}
