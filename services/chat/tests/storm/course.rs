//! What one connection brings, judged as it comes: each message directly behind the one before, each answer of a
//! bot with the three events of its turn. Pure.

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use serde_json::{Value, json};

/// The events of a turn, in the only order that there is.
pub(crate) const PARTS: [&str; 3] = ["intimacy_analysis", "vocabulary_extracted", "conversation_complete"];

/// What a client told of its place when it connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opened {
    /// Nothing: it gets what comes from now on.
    Fresh,
    /// The last message that it has.
    Behind(i64),
    /// The same, but by a frame on the open connection: until that is heard, what is new comes.
    Resuming(i64),
}

/// What is wrong with what came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wrong {
    Gap { expected: i64, got: i64 },
    Duplicate { expected: i64, got: i64 },
    Disorder { expected: i64, got: i64 },
    Ready { expected: String, got: i64 },
    Turn(String),
}

impl Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap { expected, got } => write!(f, "GAP: expected {expected}, got {got}"),
            Self::Duplicate { expected, got } => write!(f, "DUPLICATE: expected {expected}, got {got} again"),
            Self::Disorder { expected, got } => write!(f, "DISORDER: expected {expected}, got {got}"),
            Self::Ready { expected, got } => write!(f, "READY: expected {expected}, got {got}"),
            Self::Turn(what) => write!(f, "TURN: {what}"),
        }
    }
}

/// What a message is to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    New,
    /// It has that one: what came before the server had heard where to resume.
    Known,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Course {
    opened: Opened,
    /// The first message that may come.
    from: i64,
    /// The last one that came; `None` before `ready`.
    at: Option<i64>,
    /// What a jump has left out: if it comes later, that is disorder.
    missing: BTreeSet<i64>,
    /// Where the stream may begin anew, once.
    rewind: Option<i64>,
    /// Of the turn under way.
    parts: Vec<Value>,
    /// Messages whose turns came without them, because they were owed.
    pub(crate) owed: Vec<Value>,
}

impl Course {
    pub(crate) const fn new(opened: Opened) -> Self {
        let rewind = if let Opened::Resuming(after) = opened { Some(after) } else { None };
        Self {
            opened,
            from: 0,
            at: None,
            missing: BTreeSet::new(),
            rewind,
            parts: Vec::new(),
            owed: Vec::new(),
        }
    }

    pub(crate) const fn is_ready(&self) -> bool {
        self.at.is_some()
    }

    /// `place` is the last message that the client has.
    pub(crate) fn ready(&mut self, last: i64, place: &mut i64) -> Result<(), Wrong> {
        let as_expected = match self.opened {
            Opened::Behind(after) => last == after,
            Opened::Fresh | Opened::Resuming(_) => last >= *place,
        };
        if !as_expected || self.is_ready() {
            let expected = format!("{:?} with {place}, once", self.opened);
            return Err(Wrong::Ready { expected, got: last });
        }
        if self.opened == Opened::Fresh {
            *place = last;
        }
        (self.at, self.from) = (Some(last), last + 1);
        Ok(())
    }

    /// One of [`PARTS`].
    pub(crate) fn part(&mut self, name: &str, data: Value) -> Result<(), Wrong> {
        if self.parts.len() == PARTS.len() {
            self.not_followed()?;
        }
        let expected = PARTS[self.parts.len()];
        if name != expected || !self.is_ready() {
            return Err(Wrong::Turn(format!("expected {expected}, got {name}")));
        }
        self.parts.push(data);
        Ok(())
    }

    /// A message. `turns` tells whether this kind of stream has events for turns.
    pub(crate) fn message(&mut self, message: &Value, place: &mut i64, turns: bool) -> Result<Step, Wrong> {
        let got = message["sequenceNumber"].as_i64().unwrap_or_default();
        if turns {
            self.turn_before(message)?;
        }
        self.follow(got)?;
        if got == *place + 1 {
            *place = got;
            return Ok(Step::New);
        }
        Ok(Step::Known)
    }

    fn follow(&mut self, got: i64) -> Result<(), Wrong> {
        let Some(at) = self.at else {
            return Err(Wrong::Ready { expected: "ready before anything else".to_owned(), got });
        };
        let expected = at + 1;
        if got != expected && self.rewind.is_some_and(|after| got == after + 1) {
            (self.rewind, self.from) = (None, got);
        } else if got > expected {
            self.missing.extend(expected..got);
            self.at = Some(got);
            return Err(Wrong::Gap { expected, got });
        } else if got < self.from || self.missing.remove(&got) {
            return Err(Wrong::Disorder { expected, got });
        } else if got < expected {
            return Err(Wrong::Duplicate { expected, got });
        }
        self.at = Some(got);
        Ok(())
    }

    /// The three events of a reply come directly before it, and nothing of that kind before anything else.
    fn turn_before(&mut self, message: &Value) -> Result<(), Wrong> {
        let metadata = &message["metadata"];
        let is_reply = message["senderType"] == "bot" && !metadata.is_null();
        if !is_reply {
            return if self.parts.is_empty() { Ok(()) } else { self.not_followed() };
        }
        let expected = [
            metadata["userMessageAnalysis"]["intimacy"].clone(),
            metadata["botResponseAnalysis"]["vocabulary"].clone(),
            json!({ "messageId": message["id"], "content": message["content"] }),
        ];
        if self.parts == expected {
            self.parts.clear();
            return Ok(());
        }
        let got = std::mem::take(&mut self.parts);
        Err(Wrong::Turn(format!("expected {expected:?} before {message}, got {got:?}")))
    }

    /// A turn without its message is one that was owed when the stream opened.
    fn not_followed(&mut self) -> Result<(), Wrong> {
        let parts = std::mem::take(&mut self.parts);
        if parts.len() < PARTS.len() {
            return Err(Wrong::Turn(format!("no message behind {parts:?} on {:?}", self.opened)));
        }
        self.owed.push(parts[2]["messageId"].clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(seq: i64) -> Value {
        json!({ "sequenceNumber": seq, "senderType": "user", "metadata": null })
    }

    /// What each message of such a connection is, and the client's place after it.
    fn judged(opened: Opened, ready: i64, has: i64, came: &[i64]) -> (Vec<Result<Step, Wrong>>, i64) {
        let (mut course, mut place) = (Course::new(opened), has);
        course.ready(ready, &mut place).unwrap();
        let steps = came.iter().map(|seq| course.message(&message(*seq), &mut place, false)).collect();
        (steps, place)
    }

    fn wrongs(opened: Opened, ready: i64, has: i64, came: &[i64]) -> Vec<Wrong> {
        judged(opened, ready, has, came).0.into_iter().filter_map(Result::err).collect()
    }

    #[test]
    fn messages_behind_each_other_are_right() {
        assert_eq!(judged(Opened::Behind(4), 4, 4, &[5, 6, 7]), (vec![Ok(Step::New); 3], 7));
        assert_eq!(judged(Opened::Fresh, 9, 4, &[10, 11]), (vec![Ok(Step::New); 2], 11));
    }

    #[test]
    fn gaps_duplicates_and_disorder_are_told_apart() {
        let behind = Opened::Behind(4);
        assert_eq!(wrongs(behind, 4, 4, &[5, 7]), [Wrong::Gap { expected: 6, got: 7 }]);
        assert_eq!(wrongs(behind, 4, 4, &[5, 6, 6]), [Wrong::Duplicate { expected: 7, got: 6 }]);
        assert_eq!(wrongs(behind, 4, 4, &[4]), [Wrong::Disorder { expected: 5, got: 4 }]);
        assert_eq!(
            wrongs(behind, 4, 4, &[5, 7, 6]),
            [Wrong::Gap { expected: 6, got: 7 }, Wrong::Disorder { expected: 8, got: 6 }]
        );
    }

    #[test]
    fn who_resumes_by_a_frame_may_get_what_is_new_before_and_once_begins_anew() {
        let resuming = Opened::Resuming(4);
        let (known, new) = (Ok(Step::Known), Ok(Step::New));
        let expected = vec![known.clone(), known.clone(), new.clone(), new.clone(), new.clone()];
        assert_eq!(judged(resuming, 20, 4, &[21, 22, 5, 6, 7]), (expected, 7));
        // Nothing was missed, and yet what came too early comes again.
        let expected = vec![new.clone(), new.clone(), known.clone(), known, new];
        assert_eq!(judged(resuming, 4, 4, &[5, 6, 5, 6, 7]), (expected, 7));
        assert_eq!(wrongs(resuming, 4, 4, &[5, 6, 5, 5]), [Wrong::Duplicate { expected: 6, got: 5 }]);
        assert_eq!(wrongs(resuming, 20, 4, &[21, 6]), [Wrong::Disorder { expected: 22, got: 6 }]);
    }

    #[test]
    fn ready_never_goes_back() {
        for (opened, ready) in [(Opened::Behind(4), 5), (Opened::Fresh, 3), (Opened::Resuming(4), 3)] {
            assert!(Course::new(opened).ready(ready, &mut 4).is_err(), "{opened:?}");
        }
    }

    #[test]
    fn a_reply_has_its_three_events_directly_before() {
        let metadata = json!({
            "userMessageAnalysis": { "intimacy": "i" }, "botResponseAnalysis": { "vocabulary": "v" },
        });
        let reply = json!({
            "sequenceNumber": 1, "senderType": "bot", "id": "x", "content": "c", "metadata": metadata,
        });
        let parts = [json!("i"), json!("v"), json!({ "messageId": "x", "content": "c" })];
        let brought = |opened, names: &[usize], last: &Value| {
            let (mut course, mut place) = (Course::new(opened), 0);
            course.ready(0, &mut place).unwrap();
            for nth in names {
                course.part(PARTS[*nth], parts[*nth].clone())?;
            }
            course.message(last, &mut place, true).map(|_| course.owed.len())
        };
        let behind = Opened::Behind(0);
        assert_eq!(brought(behind, &[0, 1, 2], &reply), Ok(0));
        for (names, last) in [
            (&[][..], &reply),
            (&[0, 1], &reply),
            (&[1, 0, 2], &reply),
            (&[0, 1, 2, 0], &reply),
            (&[0, 1], &message(1)),
        ] {
            assert!(matches!(brought(behind, names, last), Err(Wrong::Turn(_))), "{names:?}");
        }
        // To somebody who opens a stream a turn may be owed.
        for opened in [Opened::Fresh, behind] {
            assert_eq!(brought(opened, &[0, 1, 2], &message(1)), Ok(1));
        }
        assert_eq!(brought(Opened::Fresh, &[0, 1, 2, 0, 1, 2], &reply), Ok(1));
        assert!(brought(Opened::Fresh, &[0, 1], &message(1)).is_err());
    }
}
