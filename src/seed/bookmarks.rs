//! Messages that learners kept.

use serde_json::json;

use super::copy::{Rows, Value};
use super::number::{Kind, SECOND, Stream, id};
use super::rooms::{Message, Room, Said, rooms};

/// Bookmarks that one learner can have.
const MOST: u64 = 3;

/// Up to three of the bots' answers in the learner's first room.
pub(super) fn bookmarks(number: u64, user: u64, rows: &mut Rows) {
    let Some(room) = rooms(number, user).next() else {
        return;
    };
    let mut stream = Stream::of(number, Kind::Bookmark, user * MOST);
    let wanted = stream.within(0..=MOST);
    let replies = room.messages().into_iter().filter(|message| matches!(message.said, Said::Reply { .. }));
    for (nth, message) in (0..wanted).zip(replies) {
        row(number, user * MOST + nth, &room, &message, rows);
    }
}

fn row(number: u64, index: u64, room: &Room, message: &Message, rows: &mut Rows) {
    let Said::Reply { sentence, reply, .. } = message.said else {
        return;
    };
    let at = message.at.after(30 * SECOND);
    let answer = json!({
        "intimacyLevel": room.level,
        "description": sentence.english,
        "translation": { "english": reply.english },
        "vocabulary": [{
            "word": reply.word,
            "pronunciation": reply.roman,
            "explanation": reply.meaning,
            "korExplanation": reply.text
        }],
        "corrections": [sentence.korean]
    });
    rows.push(&[
        Value::Uuid(id(number, Kind::Bookmark, index, at)),
        Value::Uuid(room.user_id),
        Value::Uuid(message.id),
        Value::Uuid(room.id),
        Value::Text(&room.name()),
        Value::Uuid(room.bot.id()),
        Value::Text(room.bot.slug),
        Value::Text(reply.text),
        Value::Text(sentence.corrected),
        Value::Json(&answer.to_string()),
        Value::Time(at),
    ]);
}
