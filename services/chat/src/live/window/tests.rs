use contract::chat::{ContentType, Message, SenderType};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn entry_of(seq: i64, length: usize) -> Arc<Entry> {
    Arc::new(Entry::new(Arc::new(Message {
        id: Uuid::nil().into(),
        chatroom_id: Uuid::nil().into(),
        sender_type: SenderType::System,
        sender_id: None,
        content: "x".repeat(length),
        content_type: ContentType::Text,
        sequence_number: seq,
        is_edited: false,
        is_deleted: false,
        created_at: chrono::DateTime::UNIX_EPOCH,
        metadata: None,
    })))
}

fn entries(seqs: impl IntoIterator<Item = i64>) -> Vec<Arc<Entry>> {
    seqs.into_iter().map(|seq| entry_of(seq, 10)).collect()
}

/// A window that was read when the room's newest message was `head`.
fn window(head: i64) -> Window {
    let mut window = Window::new(Scale::default());
    assert!(!window.read(Vec::new(), head));
    window
}

/// Sequences; `None` for beyond.
fn ahead(window: &Window, cursor: i64) -> Option<Vec<i64>> {
    match window.ahead(cursor) {
        Ahead::Nothing => Some(Vec::new()),
        Ahead::Entries(entries) => Some(entries.iter().map(|entry| entry.seq()).collect()),
        Ahead::Beyond => None,
    }
}

#[test]
fn before_the_room_is_read_nothing_can_be_added_and_nothing_is_known() {
    let mut window = Window::new(Scale::default());
    assert_eq!(window.append(entries([5])), Appended::Gap);
    assert_eq!(ahead(&window, 0), Some(vec![]));
    assert!(!window.read(entries([4, 5]), 5));
    assert_eq!((window.head(), ahead(&window, 3)), (Some(5), Some(vec![4, 5])));
}

#[test]
fn what_is_committed_here_is_added_unless_something_lies_before_it() {
    let mut window = window(5);
    assert_eq!(window.append(entries([6, 7])), Appended::Grown);
    assert_eq!(window.append(entries([6, 7])), Appended::Known);
    assert_eq!(window.append(entries([7, 8])), Appended::Grown, "a part of it is new");
    assert_eq!(window.append(entries([10])), Appended::Gap);
    assert_eq!(window.append(entries([9, 11])), Appended::Gap, "what fits is added all the same");
    assert_eq!(ahead(&window, 5), Some(vec![6, 7, 8, 9]));
}

#[test]
fn a_stream_gets_what_follows_its_cursor_or_has_to_read_by_itself() {
    let mut window = window(5);
    let _ = window.append(entries([6, 7, 8]));
    for (cursor, expected) in
        [(4, None), (5, Some(vec![6, 7, 8])), (7, Some(vec![8])), (8, Some(vec![])), (99, Some(vec![]))]
    {
        assert_eq!(ahead(&window, cursor), expected, "behind {cursor}");
    }
}

#[test]
fn what_was_read_and_does_not_follow_begins_a_new_row() {
    let mut window = window(5);
    let _ = window.append(entries([6, 7]));
    assert!(window.read(entries([20, 21]), 30), "there is more to read");
    assert_eq!((window.head(), ahead(&window, 19), ahead(&window, 6)), (Some(21), Some(vec![20, 21]), None));
    assert!(!window.read(Vec::new(), 30), "the rest was archived");
    assert_eq!((window.head(), window.len(), ahead(&window, 21)), (Some(30), 0, None));
}

#[test]
fn what_was_committed_while_it_was_read_is_not_added_twice() {
    let mut window = window(5);
    let _ = window.append(entries([6, 7]));
    assert!(!window.read(entries([6]), 6));
    assert_eq!(ahead(&window, 5), Some(vec![6, 7]));
}

#[test]
fn what_every_stream_has_got_is_let_go_of() {
    let scale = Scale::default();
    let mut window = Window::new(scale.clone());
    let _ = window.read(entries(1..=9), 9);
    window.trim(6);
    assert_eq!((window.len(), ahead(&window, 6)), (3, Some(vec![7, 8, 9])));
    window.trim(9);
    assert_eq!((window.len(), scale.total(), window.head()), (0, 0, Some(9)));
}

#[test]
fn a_slow_stream_keeps_only_so_much_in_memory() {
    let scale = Scale::default();
    let mut window = Window::new(scale.clone());
    let _ = window.read(Vec::new(), 0);
    for seq in 1..=5000 {
        assert_eq!(window.append(entries([seq])), Appended::Grown);
        window.trim(0);
        assert!(window.len() <= MAX_ENTRIES && scale.total() <= MAX_WEIGHT);
    }
    assert_eq!(window.len(), MAX_ENTRIES);
    for seq in 5001..=5100 {
        let _ = window.append([entry_of(seq, 30_000)]);
        window.trim(0);
        assert!(scale.total() <= MAX_WEIGHT, "{}", scale.total());
    }
    let _ = window.append([entry_of(5101, 2 * MAX_WEIGHT)]);
    window.trim(0);
    assert_eq!(window.len(), 1, "one message is there however large it is");
    drop(window);
    assert_eq!(scale.total(), 0);
}

#[test]
fn when_all_windows_together_are_too_much_each_keeps_its_newest_message() {
    let scale = Scale::default();
    let mut windows: Vec<_> = std::iter::repeat_with(|| Window::new(scale.clone())).take(400).collect();
    for window in &mut windows {
        let _ = window.read((1..=10).map(|seq| entry_of(seq, 30_000)).collect(), 10);
        window.trim(0);
    }
    assert!(scale.total() < MAX_TOTAL + 400 * 31_000, "{}", scale.total());
    assert_eq!(windows.last().map(Window::len), Some(1));
}

#[test]
fn one_stream_takes_only_so_much_at_a_time() {
    let mut window = window(0);
    let _ = window.append((1..=10).map(|seq| entry_of(seq, 30_000)));
    assert_eq!(ahead(&window, 0), Some(vec![1, 2]));
    let _ = window.append([entry_of(11, 100_000)]);
    assert_eq!(ahead(&window, 10), Some(vec![11]), "one at least");
}

#[derive(Debug, Clone)]
enum Act {
    /// Commits messages and tells the window of those from the nth on.
    Commit {
        count: i64,
        told_from: i64,
    },
    /// Reads what was committed so far, at most so much.
    Read {
        limit: usize,
    },
    Take,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (1..5_i64, 0..5_i64).prop_map(|(count, told_from)| Act::Commit { count, told_from }),
        (0..70_usize).prop_map(|limit| Act::Read { limit }),
        Just(Act::Take),
    ]
}

proptest! {
    #[test]
    fn a_stream_gets_a_row_without_gap_or_repetition_whatever_the_window_is_told(
        acts in proptest::collection::vec(act(), 1..80),
    ) {
        let (mut window, mut last, mut cursor) = (Window::new(Scale::default()), 0, 0);
        for act in acts {
            match act {
                Act::Commit { count, told_from } => {
                    let _ = window.append(entries(last + 1 + told_from..=last + count));
                    last += count;
                }
                Act::Read { limit } => {
                    let from = window.head().unwrap_or(cursor);
                    let read: Vec<_> = (from + 1..=last).take(limit).collect();
                    // Nothing read although there is something: that would be the archive's doing.
                    if limit > 0 {
                        let more = window.read(entries(read.iter().copied()), last);
                        prop_assert_eq!(more, window.head().unwrap() < last);
                    }
                }
                Act::Take => match window.ahead(cursor) {
                    Ahead::Nothing => {}
                    Ahead::Entries(entries) => {
                        prop_assert!(!entries.is_empty());
                        for entry in entries {
                            prop_assert_eq!(entry.seq(), cursor + 1);
                            cursor += 1;
                        }
                        prop_assert!(cursor <= last);
                    }
                    // Reads the database.
                    Ahead::Beyond => cursor = last.min(cursor + 3),
                },
            }
            window.trim(cursor);
        }
    }
}
