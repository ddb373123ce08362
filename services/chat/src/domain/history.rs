//! Which numbers a page of messages has. A room's numbers have no gap, so nothing is counted and nothing skipped.

/// What a reader asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// From the newest on, 0 first; in order inside.
    Page {
        page: u32,
        size: u32,
    },
    After {
        after: i64,
        limit: u32,
    },
}

/// The numbers `from..=to`; none when `to` is smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub from: i64,
    pub to: i64,
    /// Of the page.
    pub number: u32,
    pub size: u32,
    /// Nothing lies beyond in the direction of reading.
    pub last: bool,
}

/// Where the answer lies in a room whose newest message has the number `newest`.
pub fn span(wanted: Wanted, newest: i64) -> Span {
    match wanted {
        Wanted::Page { page, size } => {
            let to = newest - i64::from(page) * i64::from(size);
            let from = to - i64::from(size) + 1;
            Span { from: from.max(1), to, number: page, size, last: from <= 1 }
        }
        Wanted::After { after, limit } => {
            let from = after.max(0).saturating_add(1);
            let to = from.saturating_add(i64::from(limit) - 1).min(newest);
            Span { from, to, number: 0, size: limit, last: to >= newest || from > newest }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(span: Span) -> Vec<i64> {
        (span.from..=span.to).collect()
    }

    #[test]
    fn page_0_has_the_newest_messages_in_order() {
        let page = |page, newest| span(Wanted::Page { page, size: 3 }, newest);
        assert_eq!(numbers(page(0, 7)), [5, 6, 7]);
        assert_eq!(numbers(page(1, 7)), [2, 3, 4]);
        assert_eq!(numbers(page(2, 7)), [1]);
        assert!(numbers(page(3, 7)).is_empty() && numbers(page(0, 0)).is_empty());
        assert_eq!([0, 1, 2, 3].map(|n| page(n, 7).last), [false, false, true, true]);
        assert!(page(1, 6).last, "a full page may be the last one");
    }

    #[test]
    fn behind_a_number_comes_the_next_one() {
        let after = |after, newest| span(Wanted::After { after, limit: 2 }, newest);
        assert_eq!(numbers(after(0, 3)), [1, 2]);
        assert_eq!(numbers(after(-5, 3)), [1, 2]);
        assert_eq!(numbers(after(2, 3)), [3]);
        assert!(numbers(after(3, 3)).is_empty() && numbers(after(i64::MAX, 3)).is_empty());
        assert_eq!([0, 1, 2, 3, 9].map(|n| after(n, 3).last), [false, true, true, true, true]);
    }

    proptest! {
        #[test]
        fn all_pages_together_have_every_number_once(newest in 0_i64..400, size in 1_u32..50) {
            let mut seen = Vec::new();
            for page in 0.. {
                let span = span(Wanted::Page { page, size }, newest);
                seen.splice(0..0, numbers(span));
                if span.last { break; }
            }
            prop_assert_eq!(seen, (1..=newest).collect::<Vec<_>>());
        }
    }
}
