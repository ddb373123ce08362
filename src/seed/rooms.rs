//! Rooms with their messages, as a learner and a tutor would have left them.

use std::sync::LazyLock;

use serde_json::json;
use uuid::Uuid;

use super::content::{BOTS, Bot, GUIDE, REPLIES, Reply, SENTENCES, Sentence};
use super::copy::{Rows, Value};
use super::number::{DAY, Kind, SECOND, Stream, Time, id};
use super::people::{joined, learner_id};

/// Learners talk with the four bots of the web client.
const BOTS_IN_USE: u64 = 4;
/// Greeting, guide, and at most this many questions with their answers.
const MOST_EXCHANGES: u64 = 20;
/// Numbers set aside for the messages of one room.
const IDS_PER_ROOM: u64 = 64;

/// One learner's room with one bot.
#[derive(Debug, Clone)]
pub(super) struct Room {
    pub id: Uuid,
    pub user_id: Uuid,
    pub bot: &'static Bot,
    pub level: u8,
    created_at: Time,
    number: u64,
    /// Unique in the load.
    index: u64,
    exchanges: u64,
}

/// A message of a room.
pub(super) struct Message {
    pub id: Uuid,
    pub seq: u64,
    pub at: Time,
    pub said: Said,
}

/// Who says what.
#[derive(Clone, Copy)]
pub(super) enum Said {
    Greeting,
    Guide,
    Sentence(&'static Sentence),
    Reply { to: Uuid, sentence: &'static Sentence, reply: &'static Reply },
}

/// The rooms of the `user`-th learner: two on average, each with another bot.
pub(super) fn rooms(number: u64, user: u64) -> impl Iterator<Item = Room> {
    let mut stream = Stream::of(number, Kind::Room, user * BOTS_IN_USE);
    let count = match stream.within(0..=9) {
        0..=3 => 1,
        4..=6 => 2,
        7..=8 => 3,
        _ => BOTS_IN_USE,
    };
    let first_bot = stream.within(0..=BOTS_IN_USE - 1);
    (0..count).map(move |nth| {
        let index = user * BOTS_IN_USE + nth;
        let mut stream = Stream::of(number, Kind::Message, index * IDS_PER_ROOM);
        // A room a week, each soon after those of the learners before: in order of time, the server appends
        // to its indexes instead of searching them.
        let created_at = joined(user).after(60 * SECOND + nth * 7 * DAY + stream.within(0..=600 * SECOND));
        let bot = usize::try_from((first_bot + nth) % BOTS_IN_USE).unwrap_or_default();
        // Most rooms are short, few are long.
        let most = stream.within(1..=MOST_EXCHANGES);
        Room {
            id: id(number, Kind::Room, index, created_at),
            user_id: learner_id(number, user),
            bot: &BOTS[bot],
            level: u8::try_from(stream.within(1..=3)).unwrap_or(2),
            created_at,
            number,
            index,
            exchanges: stream.within(0..=most),
        }
    })
}

impl Room {
    pub(super) fn name(&self) -> String {
        format!("{}와의 대화", self.bot.name)
    }

    /// In order, numbered without a gap.
    pub(super) fn messages(&self) -> Vec<Message> {
        let mut stream = Stream::of(self.number, Kind::Message, self.index * IDS_PER_ROOM + 1);
        let mut messages = Vec::new();
        let mut at = self.created_at.after(SECOND);
        messages.push(self.message(1, at, Said::Greeting));
        messages.push(self.message(2, at, Said::Guide));
        for exchange in 0..self.exchanges {
            at = at.after(stream.within(20 * SECOND..=3_600 * SECOND));
            let sentence = stream.pick(SENTENCES);
            let asked = self.message(3 + 2 * exchange, at, Said::Sentence(sentence));
            at = at.after(3 * SECOND);
            let said = Said::Reply { to: asked.id, sentence, reply: stream.pick(REPLIES) };
            messages.push(asked);
            messages.push(self.message(4 + 2 * exchange, at, said));
        }
        messages
    }

    fn message(&self, seq: u64, at: Time, said: Said) -> Message {
        Message { id: id(self.number, Kind::Message, self.index * IDS_PER_ROOM + 1 + seq, at), seq, at, said }
    }

    pub(super) fn row(&self, rows: &mut Rows) {
        let messages = self.messages();
        let Some(last) = messages.last() else { return };
        let last_user = messages.iter().rev().find(|message| matches!(message.said, Said::Sentence(_)));
        rows.push(&[
            Value::Uuid(self.id),
            Value::Uuid(self.user_id),
            Value::Uuid(self.bot.id()),
            Value::Text(&self.name()),
            Value::Text(self.bot.concept),
            Value::Int2(self.level.into()),
            Value::Int8(last.seq.cast_signed()),
            Value::Uuid(last.id),
            Value::Time(last.at),
            last_user.map_or(Value::Null, |message| Value::Time(message.at)),
            Value::Time(last.at),
            Value::Time(self.created_at),
            Value::Time(last.at),
        ]);
    }

    pub(super) fn message_rows(&self, rows: &mut Rows) {
        for message in self.messages() {
            let (sender, sender_id, content, content_type, metadata) = match message.said {
                Said::Greeting => ("bot", Some(self.bot.id()), self.bot.greeting, "text", None),
                Said::Guide => ("system", None, GUIDE, "system", None),
                Said::Sentence(sentence) => ("user", Some(self.user_id), sentence.written, "text", None),
                Said::Reply { to, sentence, reply } => {
                    ("bot", Some(self.bot.id()), reply.text, "text", Some(metadata(to, sentence, reply)))
                }
            };
            rows.push(&[
                Value::Uuid(self.id),
                Value::Int8(message.seq.cast_signed()),
                Value::Uuid(message.id),
                Value::Text(sender),
                sender_id.map_or(Value::Null, Value::Uuid),
                Value::Text(content),
                Value::Text(content_type),
                metadata.as_deref().map_or(Value::Null, Value::Jsonb),
                Value::Time(message.at),
            ]);
        }
    }

    pub(super) fn progress_row(&self, rows: &mut Rows) {
        let messages = self.messages();
        let Some(last) = messages.last() else { return };
        let corrected = messages
            .iter()
            .filter(|message| matches!(message.said, Said::Sentence(said) if said.written != said.corrected))
            .count();
        rows.push(&[
            Value::Uuid(self.user_id),
            Value::Uuid(self.bot.id()),
            Value::Uuid(self.id),
            Value::Int2(self.level.into()),
            Value::Int8(self.exchanges.cast_signed()),
            Value::Int8(i64::try_from(corrected).unwrap_or_default()),
            Value::Time(self.created_at),
            Value::Time(last.at),
        ]);
    }
}

/// What a bot's stored reply carries: the analysis of the message it answers, and the words of its own. Both
/// halves are the same for every room, so they are written once: there are millions of replies.
fn metadata(to: Uuid, sentence: &Sentence, reply: &Reply) -> String {
    static ANALYSES: LazyLock<Vec<String>> = LazyLock::new(|| SENTENCES.iter().map(analysis).collect());
    static WORDS: LazyLock<Vec<String>> = LazyLock::new(|| REPLIES.iter().map(vocabulary).collect());
    let intimacy = &ANALYSES[sentence.index];
    let words = &WORDS[reply.index];
    format!(
        r#"{{"userMessageAnalysis":{{"userMessageId":"{to}","intimacy":{intimacy}}},"botResponseAnalysis":{words}}}"#
    )
}

fn analysis(sentence: &Sentence) -> String {
    let corrected = sentence.written != sentence.corrected;
    json!({
        "detectedLevel": sentence.level,
        "correctedSentence": if corrected { sentence.corrected } else { "" },
        "feedback": { "ko": sentence.korean, "en": sentence.english },
        "corrections": if corrected { sentence.korean } else { "" },
    })
    .to_string()
}

fn vocabulary(reply: &Reply) -> String {
    let context = json!({ "roma": reply.roman, "ko": reply.text, "en": reply.meaning });
    let word = json!({ "word": reply.word, "difficulty": reply.difficulty, "context": context });
    json!({ "vocabulary": { "words": [word] } }).to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::people::last_activity;
    use super::*;

    #[test]
    fn a_learner_never_has_two_rooms_with_one_bot() {
        for user in 0..500 {
            let bots: Vec<_> = rooms(1, user).map(|room| room.bot.slug).collect();
            assert_eq!(bots.len(), bots.iter().collect::<BTreeSet<_>>().len(), "learner {user}");
            assert!((1..=4).contains(&bots.len()));
        }
    }

    #[test]
    fn messages_are_numbered_without_a_gap_in_time_order_and_within_the_learners_time() {
        let mut ids = BTreeSet::new();
        for user in 0..300 {
            for room in rooms(1, user) {
                let messages = room.messages();
                for (position, message) in (1..).zip(&messages) {
                    assert_eq!(message.seq, position);
                    assert!(message.at <= last_activity(user));
                    assert!(ids.insert(message.id), "an id twice");
                }
                assert!(messages.windows(2).all(|pair| pair[0].at <= pair[1].at));
            }
        }
    }

    #[test]
    fn metadata_is_json_of_the_shape_that_the_client_reads() {
        for (sentence, reply) in SENTENCES.iter().zip(REPLIES) {
            let text = metadata(Uuid::nil(), sentence, reply);
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["userMessageAnalysis"]["intimacy"]["detectedLevel"], sentence.level);
            assert_eq!(value["botResponseAnalysis"]["vocabulary"]["words"][0]["word"], reply.word);
        }
    }

    #[test]
    fn a_reply_stands_directly_behind_what_it_answers() {
        let room = rooms(1, 0).find(|room| room.exchanges > 0).or_else(|| rooms(1, 1).next()).unwrap();
        let messages = room.messages();
        for pair in messages.windows(2) {
            if let Said::Reply { to, .. } = pair[1].said {
                assert_eq!(to, pair[0].id);
            }
        }
    }
}
