use contract::chat::{
    BotResponseAnalysis, ContentType, Feedback, Intimacy, ReplyMetadata, UserMessageAnalysis, Vocabulary,
};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const RETRY: u64 = 700;

fn message(seq: i64, sender_type: SenderType) -> Message {
    Message {
        id: Uuid::from_u128(u128::from(seq.unsigned_abs())).into(),
        chatroom_id: Uuid::nil().into(),
        sender_type,
        sender_id: None,
        content: format!("말 {seq}"),
        content_type: ContentType::Text,
        sequence_number: seq,
        is_edited: false,
        is_deleted: false,
        created_at: chrono::DateTime::UNIX_EPOCH,
        metadata: None,
    }
}

fn reply(seq: i64) -> Message {
    let intimacy = Intimacy {
        detected_level: 2,
        corrected_sentence: String::new(),
        feedback: Feedback { ko: "좋아요".to_owned(), en: "Good".to_owned() },
        corrections: String::new(),
    };
    let metadata = ReplyMetadata {
        user_message_analysis: UserMessageAnalysis { user_message_id: Uuid::nil().into(), intimacy },
        bot_response_analysis: BotResponseAnalysis { vocabulary: Vocabulary { words: Vec::new() } },
    };
    let metadata = serde_json::value::to_raw_value(&metadata).unwrap();
    Message { metadata: Some(metadata), ..message(seq, SenderType::Bot) }
}

fn messages(messages: impl IntoIterator<Item = Message>) -> Update {
    Update::Messages(messages.into_iter().map(|message| Arc::new(Entry::new(Arc::new(message)))).collect())
}

/// What happened at which millisecond, in few words.
fn brief(step: Step) -> String {
    match step {
        Step::Send(bytes) => {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            text.lines()
                .filter_map(|line| {
                    let word = line.strip_prefix("event: ").or_else(|| line.strip_prefix("id: "));
                    word.or_else(|| (!line.starts_with("data") && !line.is_empty()).then_some(line))
                        .or_else(|| line.starts_with(r#"data: {"type":"ready""#).then_some("ready"))
                })
                .collect::<Vec<_>>()
                .join(" ")
        }
        Step::Got(replies) => {
            let replies: Vec<_> = replies.iter().map(i64::to_string).collect();
            format!("got {}", replies.join(" "))
        }
        Step::Close => "close".to_owned(),
        Step::Wait(_) => unreachable!("a wait is no event"),
    }
}

/// Runs the script up to a time, waking only when it asks for it.
struct Play {
    start: Instant,
    now: Instant,
    script: Script,
    seen: Vec<(u128, String)>,
}

impl Play {
    fn new(opening: Opening) -> Self {
        let start = Instant::now();
        Self { start, now: start, script: Script::new(opening, RETRY, start), seen: Vec::new() }
    }

    fn until(mut self, milliseconds: u64) -> Self {
        let end = self.start + Duration::from_millis(milliseconds);
        loop {
            match self.script.step(self.now) {
                Step::Wait(until) => {
                    assert!(until > self.now, "time has to go on");
                    self.now = until.min(end);
                    if until > end {
                        return self;
                    }
                }
                Step::Close => {
                    self.seen.push(((self.now - self.start).as_millis(), "close".to_owned()));
                    return self;
                }
                step => self.seen.push(((self.now - self.start).as_millis(), brief(step))),
            }
        }
    }

    fn take(mut self, update: Update) -> Self {
        self.script.take(update);
        self
    }

    fn seen(self) -> Vec<(u128, String)> {
        self.seen
    }
}

fn expected(list: &[(u128, &str)]) -> Vec<(u128, String)> {
    list.iter().map(|(at, what)| (*at, (*what).to_owned())).collect()
}

const TURN: &str = "intimacy_analysis vocabulary_extracted conversation_complete";

fn turn_and_message(seq: i64) -> String {
    format!("{TURN} message_created {seq}")
}

#[test]
fn a_quiet_stream_is_ready_and_then_pings() {
    let seen = Play::new(Opening { last_sequence: 9, ..Opening::default() }).until(46_000).seen();
    assert_eq!(seen, expected(&[(0, "ready"), (15_000, ": ping"), (30_000, ": ping"), (45_000, ": ping")]));
}

#[test]
fn a_reply_comes_with_its_turn_and_is_got_two_seconds_later() {
    let seen = Play::new(Opening::default())
        .until(5_000)
        .take(messages([message(1, SenderType::User)]))
        .until(6_000)
        .take(messages([reply(2)]))
        .until(8_001)
        .seen();
    let with_turn = turn_and_message(2);
    assert_eq!(
        seen,
        expected(&[(0, "ready"), (5_000, "message_created 1"), (6_000, &with_turn), (8_000, "got 2")])
    );
}

#[test]
fn a_reply_waits_until_the_stream_has_settled_and_what_is_behind_it_waits_too() {
    let seen = Play::new(Opening::default())
        .until(100)
        .take(messages([message(1, SenderType::User), reply(2), message(3, SenderType::User)]))
        .until(1_000)
        .seen();
    let with_turn = turn_and_message(2);
    assert_eq!(
        seen,
        expected(&[(0, "ready"), (100, "message_created 1"), (300, &with_turn), (300, "message_created 3")])
    );
}

#[test]
fn owed_turns_come_when_the_stream_has_settled_before_newer_replies_and_without_their_message() {
    let opening = Opening { last_sequence: 4, owed: vec![reply(2), reply(4)], ..Opening::default() };
    let seen =
        Play::new(opening).take(messages([message(5, SenderType::User), reply(6)])).until(2_400).seen();
    let with_turn = turn_and_message(6);
    assert_eq!(
        seen,
        expected(&[
            (0, "ready"),
            (0, "message_created 5"),
            (300, TURN),
            (300, TURN),
            (300, &with_turn),
            (2_300, "got 2 4 6"),
        ])
    );
}

#[test]
fn a_new_room_greets_after_a_second_unless_its_user_speaks_first() {
    let opening = || Opening {
        last_sequence: 2,
        greetings: vec![message(1, SenderType::Bot), message(2, SenderType::System)],
        ..Opening::default()
    };
    assert_eq!(
        Play::new(opening()).until(3_000).seen(),
        expected(&[(0, "ready"), (1_000, "greeting_bot_message"), (1_000, "greeting_guide_message")])
    );
    assert_eq!(
        Play::new(opening()).until(900).take(messages([message(3, SenderType::User)])).until(3_000).seen(),
        expected(&[(0, "ready"), (900, "message_created 3")])
    );
}

#[test]
fn a_stream_that_ends_within_two_seconds_of_a_reply_has_not_got_it() {
    for (end, last) in [
        (End::Left, vec!["close"]),
        (End::Revoked, vec!["close"]),
        (End::Stopping, vec!["retry: 700", "close"]),
    ] {
        let seen = Play::new(Opening::default())
            .until(1_000)
            .take(messages([reply(2)]))
            .until(2_500)
            .take(Update::Ended(end))
            .until(60_000)
            .seen();
        let with_turn = turn_and_message(2);
        let mut all = vec![(0, "ready"), (1_000, with_turn.as_str())];
        all.extend(last.into_iter().map(|what| (2_500, what)));
        assert_eq!(seen, expected(&all), "{end:?}");
    }
}

#[test]
fn signals_are_not_sent_and_do_not_count_as_life() {
    let signal = Update::Signal(Arc::new(crate::live::Signal::Typing { sender: Uuid::nil(), typing: true }));
    let seen = Play::new(Opening::default()).until(14_000).take(signal).until(15_000).seen();
    assert_eq!(seen, expected(&[(0, "ready"), (15_000, ": ping")]));
}

#[test]
fn behind_a_reply_that_is_held_back_only_so_much_is_taken() {
    let mut script = Script::new(Opening::default(), RETRY, Instant::now());
    script.take(messages([reply(1)]));
    for seq in 2.. {
        if !script.takes_more() {
            break;
        }
        script.take(messages([message(seq, SenderType::User)]));
    }
    assert_eq!(script.waiting.len(), WAITING);
}

proptest! {
    #[test]
    fn messages_go_out_once_and_in_order_whenever_they_come(
        pauses in proptest::collection::vec((0..700_u64, any::<bool>()), 1..40),
    ) {
        let mut play = Play::new(Opening::default());
        let mut at = 0;
        for (seq, (pause, is_reply)) in (1..).zip(&pauses) {
            at += pause;
            let next = if *is_reply { reply(seq) } else { message(seq, SenderType::User) };
            play = play.until(at).take(messages([next]));
        }
        let seen = play.until(at + 3_000).seen();
        let sent: Vec<i64> = seen
            .iter()
            .filter_map(|(_, what)| what.rsplit_once("message_created ")?.1.parse().ok())
            .collect();
        prop_assert_eq!(sent, (1..=i64::try_from(pauses.len()).unwrap()).collect::<Vec<_>>());
        let early = seen.iter().any(|(at, what)| *at < 300 && what.starts_with("intimacy"));
        prop_assert!(!early, "{:?}", seen);
        let got = seen.iter().filter_map(|(_, what)| what.strip_prefix("got "));
        let got: Vec<i64> = got.flat_map(|list| list.split(' ')).map(|seq| seq.parse().unwrap()).collect();
        let replies: Vec<i64> =
            (1..).zip(&pauses).filter(|(_, (_, is_reply))| *is_reply).map(|(seq, _)| seq).collect();
        prop_assert!(replies.starts_with(&got), "{got:?} of {replies:?}");
    }
}
