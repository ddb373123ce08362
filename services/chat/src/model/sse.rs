//! Server-sent events, as the WHATWG has them (HTML section 9.2.6), of which only the data matters here. Pure.

use super::error::ModelError;

/// The longest event: a hundred times what a token takes.
const MAX_EVENT: usize = 64 * 1024;

/// Takes the bytes of a stream as they come, split anywhere.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// The line that has not ended yet.
    line: Vec<u8>,
    /// The data of the event that has not ended yet, lines joined by a line feed.
    data: Option<Vec<u8>>,
    /// The last byte was a carriage return, so a line feed now belongs to it.
    after_return: bool,
    /// The first line is behind us, and with it the place of a byte order mark.
    begun: bool,
}

impl Decoder {
    /// The data of the events that end in `bytes`.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, ModelError> {
        let mut events = Vec::new();
        for &byte in bytes {
            match byte {
                b'\n' if self.after_return => self.after_return = false,
                b'\n' | b'\r' => {
                    self.after_return = byte == b'\r';
                    events.extend(self.end_line());
                }
                _ => {
                    self.after_return = false;
                    self.line.push(byte);
                    if self.line.len() + self.data.as_ref().map_or(0, Vec::len) > MAX_EVENT {
                        return Err(ModelError::TooLong);
                    }
                }
            }
        }
        Ok(events)
    }

    /// What was not ended by an empty line. A careful server leaves nothing; some leave out the last line's end.
    pub(super) fn finish(mut self) -> Option<Vec<u8>> {
        let ended = self.end_line();
        ended.or(self.data)
    }

    fn end_line(&mut self) -> Option<Vec<u8>> {
        let line = std::mem::take(&mut self.line);
        let mut line = &line[..];
        if !std::mem::replace(&mut self.begun, true) {
            line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        }
        if line.is_empty() {
            return self.data.take();
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (field, value) = colon.map_or((line, &[][..]), |at| (&line[..at], &line[at + 1..]));
        // Comments have an empty field; names, ids and times to reconnect are not ours.
        if field == b"data" {
            let value = value.strip_prefix(b" ").unwrap_or(value);
            match &mut self.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => self.data = Some(value.to_vec()),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &str = "\u{feff}: hello\r\ndata: {\"a\":\"안녕\"}\r\n\r\nevent: x\rid: 1\rdata:two\rdata: lines\r\r\
                          \n: only a comment\n\nretry: 3\ndata\n\ndata: [DONE]\n\n";

    fn decode<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> (Vec<String>, Option<String>) {
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        for part in parts {
            events.extend(decoder.push(part).unwrap());
        }
        let text = |data: Vec<u8>| String::from_utf8(data).unwrap();
        (events.into_iter().map(text).collect(), decoder.finish().map(text))
    }

    #[test]
    fn lines_end_in_three_ways_and_only_data_counts() {
        let (events, rest) = decode([STREAM.as_bytes()]);
        assert_eq!(events, ["{\"a\":\"안녕\"}", "two\nlines", "", "[DONE]"]);
        assert_eq!(rest, None);
    }

    #[test]
    fn a_last_event_without_its_end_is_left_over() {
        for stream in ["data: [DONE]", "data: [DONE]\n", "data: [DONE]\r\n"] {
            assert_eq!(decode([stream.as_bytes()]), (Vec::new(), Some("[DONE]".to_owned())), "{stream:?}");
        }
        assert_eq!(decode([&b": bye"[..]]), (Vec::new(), None));
    }

    #[test]
    fn an_event_without_end_is_not_kept() {
        let mut decoder = Decoder::default();
        decoder.push(b"data: ").unwrap();
        let long = vec![b'a'; MAX_EVENT];
        assert!(matches!(decoder.push(&long), Err(ModelError::TooLong)));
        let mut decoder = Decoder::default();
        let lines = b"data: 0123456789\n".repeat(MAX_EVENT / 10);
        assert!(matches!(decoder.push(&lines), Err(ModelError::TooLong)));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_stream_is_split(mut cuts in prop::collection::vec(0..STREAM.len(), 0..20)) {
            cuts.sort_unstable();
            let mut parts = Vec::new();
            let mut from = 0;
            for cut in cuts {
                parts.push(&STREAM.as_bytes()[from..cut]);
                from = cut;
            }
            parts.push(&STREAM.as_bytes()[from..]);
            prop_assert_eq!(decode(parts), decode([STREAM.as_bytes()]));
        }

        #[test]
        fn nothing_makes_it_panic(bytes: Vec<u8>) {
            let mut decoder = Decoder::default();
            let _ = decoder.push(&bytes);
            decoder.finish();
        }
    }
}
