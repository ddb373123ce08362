//! Where the frames of a WebSocket begin and end (RFC 6455 section 5.2). Payloads are not looked at.

/// Two bytes, a length of up to eight, and a mask of four, which a service never sends.
const MAX_HEAD: usize = 14;
const MASKED: u8 = 0x80;
const OPCODE: u8 = 0x0f;
const CLOSE: u8 = 0x08;

/// Follows one direction of a WebSocket.
#[derive(Debug, Default)]
pub(super) struct Boundary {
    head: [u8; MAX_HEAD],
    /// Bytes of the head that are there.
    have: usize,
    /// Bytes of the payload that are not, once the head is complete.
    left: Option<u64>,
    said_goodbye: bool,
}

impl Boundary {
    /// Whether the next byte begins a frame.
    pub(super) fn is_between_frames(&self) -> bool {
        self.have == 0
    }

    /// Whether there has been a frame that closes the WebSocket. Nothing may follow it.
    pub(super) fn said_goodbye(&self) -> bool {
        self.said_goodbye
    }

    pub(super) fn follow(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = &bytes[self.finish_frame(bytes)..];
        }
    }

    /// Follows `bytes` up to the end of the frame that is in progress, or to their end.
    pub(super) fn finish_frame(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while self.left.is_none() {
            let Some(byte) = bytes.get(at) else {
                return at;
            };
            self.head[self.have] = *byte;
            self.have += 1;
            at += 1;
            self.left = payload_length(&self.head[..self.have]);
        }
        let left = self.left.unwrap_or_default();
        let here = left.min((bytes.len() - at) as u64);
        self.left = Some(left - here);
        if left == here {
            self.said_goodbye |= self.head[0] & OPCODE == CLOSE;
            (self.have, self.left) = (0, None);
        }
        at + usize::try_from(here).expect("no more than the bytes that are there")
    }
}

/// What a head says, once it is complete.
fn payload_length(head: &[u8]) -> Option<u64> {
    let [_, second, extended @ ..] = head else {
        return None;
    };
    let mask = if second & MASKED == 0 { 0 } else { 4 };
    let bytes = match second & !MASKED {
        126 => 2,
        127 => 8,
        length => return (extended.len() == mask).then_some(u64::from(length)),
    };
    (extended.len() == bytes + mask)
        .then(|| extended[..bytes].iter().fold(0, |length, byte| length << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(opcode: u8, length: usize) -> Vec<u8> {
        let mut bytes = vec![0x80 | opcode];
        match length {
            0..=125 => bytes.push(u8::try_from(length).unwrap()),
            126..=0xffff => {
                bytes.push(126);
                bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            _ => {
                bytes.push(127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        bytes.resize(bytes.len() + length, 0x88);
        bytes
    }

    #[test]
    fn a_frame_of_any_length_ends_where_it_ends() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 100_000] {
            let mut boundary = Boundary::default();
            let bytes = frame(1, length);
            boundary.follow(&bytes[..bytes.len() - 1]);
            assert!(!boundary.is_between_frames(), "{length}");
            boundary.follow(&bytes[bytes.len() - 1..]);
            assert!(boundary.is_between_frames() && !boundary.said_goodbye(), "{length}");
        }
    }

    #[test]
    fn a_masked_frame_has_its_mask_between_head_and_payload() {
        let mut boundary = Boundary::default();
        boundary.follow(&[0x82, 0x82, 1, 2, 3, 4, 9]);
        assert!(!boundary.is_between_frames());
        boundary.follow(&[9]);
        assert!(boundary.is_between_frames());
    }

    #[test]
    fn a_close_frame_is_noticed_when_it_is_whole() {
        let mut boundary = Boundary::default();
        let bytes = frame(8, 2);
        boundary.follow(&bytes[..3]);
        assert!(!boundary.said_goodbye());
        boundary.follow(&bytes[3..]);
        assert!(boundary.said_goodbye());
    }

    proptest! {
        #[test]
        fn the_cuts_between_reads_do_not_matter(
            lengths in proptest::collection::vec(prop_oneof![0_usize..200, 65_530..65_540_usize], 1..8),
            cuts in proptest::collection::vec(1_usize..5000, 1..20),
        ) {
            let stream: Vec<u8> = lengths.iter().flat_map(|length| frame(2, *length)).collect();
            let (mut at, mut ends, mut boundary) = (0, Vec::new(), Boundary::default());
            for cut in cuts.iter().cycle() {
                let upto = (at + cut).min(stream.len());
                while at < upto {
                    at += boundary.finish_frame(&stream[at..upto]);
                    if boundary.is_between_frames() {
                        ends.push(at);
                    }
                }
                if at == stream.len() {
                    break;
                }
            }
            let expected = lengths.iter().scan(0, |end, length| {
                *end += frame(2, *length).len();
                Some(*end)
            });
            prop_assert_eq!(ends, expected.collect::<Vec<_>>());
        }
    }
}
