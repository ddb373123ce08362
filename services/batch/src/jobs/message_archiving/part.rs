//! One part of an archive: as many whole lines as fit, which depends on nothing but the messages.

use contract::chat::maintenance::ArchivedMessage;

/// A part is held in memory, twice while it is read back.
const PART_BYTES: usize = 8 * 1024 * 1024;

/// A part that is being filled.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) bytes: Vec<u8>,
    pub(super) messages: u32,
    /// Where the next part begins, seen from the messages.
    pub(super) last: Option<String>,
}

impl Part {
    /// Takes a message, unless the part is full. A message that is longer than any part is a part by itself.
    pub(super) fn take(&mut self, message: &ArchivedMessage, most: u32) -> bool {
        let line = message.line();
        let is_full = self.messages >= most || self.bytes.len() + line.len() > PART_BYTES;
        if is_full && self.messages > 0 {
            return false;
        }
        self.bytes.extend_from_slice(line.as_bytes());
        self.messages += 1;
        self.last = Some(message.place());
        true
    }
}

/// What the part behind so many others is called.
pub(super) fn object(others: u64) -> String {
    format!("part-{:06}.ndjson", others + 1)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use contract::chat::{ContentType, SenderType};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn message(seq: i64, length: usize) -> ArchivedMessage {
        ArchivedMessage {
            room_id: Uuid::nil().into(),
            seq,
            id: Uuid::nil().into(),
            sender_type: SenderType::User,
            sender_id: None,
            content: "x".repeat(length),
            content_type: ContentType::Text,
            metadata: None,
            edited_at: None,
            deleted_at: None,
            created_at: DateTime::UNIX_EPOCH,
        }
    }

    /// The parts that these messages make.
    fn parts(messages: &[ArchivedMessage], most: u32) -> Vec<Part> {
        let mut parts = vec![Part::default()];
        for message in messages {
            if !parts.last_mut().unwrap().take(message, most) {
                parts.push(Part::default());
                assert!(parts.last_mut().unwrap().take(message, most), "an empty part takes anything");
            }
        }
        parts
    }

    #[test]
    fn a_part_ends_at_its_last_message_or_its_last_byte() {
        let short: Vec<_> = (1..=7).map(|seq| message(seq, 1)).collect();
        let counts: Vec<_> = parts(&short, 3).iter().map(|part| part.messages).collect();
        assert_eq!(counts, [3, 3, 1]);
        let long: Vec<_> = (1..=3).map(|seq| message(seq, PART_BYTES / 2 - 400)).collect();
        let counts: Vec<_> = parts(&long, 100).iter().map(|part| part.messages).collect();
        assert_eq!(counts, [2, 1]);
        let giant = [message(1, 1), message(2, PART_BYTES + 1), message(3, 1)];
        let counts: Vec<_> = parts(&giant, 100).iter().map(|part| part.messages).collect();
        assert_eq!(counts, [1, 1, 1]);
        assert_eq!(object(0), "part-000001.ndjson");
    }

    proptest! {
        #[test]
        fn parts_in_order_are_the_messages_in_order(lengths in prop::collection::vec(0_usize..100, 0..60), most in 1_u32..20) {
            let messages: Vec<_> =
                (1..).zip(&lengths).map(|(seq, length)| message(seq, *length)).collect();
            let parts = parts(&messages, most);
            let all: Vec<u8> = parts.iter().flat_map(|part| part.bytes.clone()).collect();
            let lines: String = messages.iter().map(ArchivedMessage::line).collect();
            prop_assert_eq!(all, lines.into_bytes());
            prop_assert!(parts.iter().all(|part| part.messages <= most));
        }
    }
}
