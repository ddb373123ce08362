//! Follows the messages on a connection: where each head starts and how far its body reaches.

use super::head::{Framing, MAX_HEAD, Refusal, screen};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Head,
    Body(u64),
    /// The rest of the connection is hyper's alone.
    Opaque,
    /// The rest of the connection is not HTTP's, whatever the answer to the last head will be.
    Upgrade,
}

/// Cuts the byte stream at the starts of heads and holds unfinished heads back.
#[derive(Debug)]
pub(crate) struct Framer {
    mode: Mode,
    /// Heads that passed.
    heads: u64,
    /// An unfinished head, or what came behind a head that asks for an upgrade.
    held: Vec<u8>,
    refusal: Option<Refusal>,
}

/// What to do with bytes that were just read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fed {
    /// This many of the given bytes pass; the rest is held.
    Pass(usize),
    /// These pass instead: bytes held before, completed by the given ones.
    Release(Vec<u8>),
}

impl Framer {
    pub(crate) fn new() -> Self {
        Self { mode: Mode::Head, heads: 0, held: Vec::new(), refusal: None }
    }

    /// Takes bytes in the order of their arrival.
    pub(crate) fn feed(&mut self, fresh: &[u8]) -> Fed {
        if self.refusal.is_some() {
            return Fed::Pass(0);
        }
        if self.mode == Mode::Upgrade {
            self.held.extend_from_slice(fresh);
            return Fed::Pass(0);
        }
        if self.held.is_empty() {
            let passing = self.follow(fresh);
            self.held.extend_from_slice(&fresh[passing..]);
            return Fed::Pass(passing);
        }
        // Without a new line end there is nothing to decide: a client that sends byte by byte must
        // not make us read its head again for each of them.
        if !fresh.contains(&b'\n') && self.held.len() + fresh.len() <= MAX_HEAD {
            self.held.extend_from_slice(fresh);
            return Fed::Pass(0);
        }
        let mut bytes = std::mem::take(&mut self.held);
        bytes.extend_from_slice(fresh);
        let passing = self.follow(&bytes);
        self.held = bytes.split_off(passing);
        Fed::Release(bytes)
    }

    /// Why nothing more will pass.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.refusal
    }

    /// Which head, counted from 1, asks for an upgrade, if it is the last that passed.
    pub(crate) fn upgrade(&self) -> Option<u64> {
        (self.mode == Mode::Upgrade).then_some(self.heads)
    }

    /// What has arrived and not been passed on.
    pub(crate) fn held(&self) -> &[u8] {
        &self.held
    }

    pub(crate) fn into_held(self) -> Vec<u8> {
        self.held
    }

    /// How many of `bytes` belong to complete heads and to bodies.
    fn follow(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            match self.mode {
                Mode::Opaque => return bytes.len(),
                Mode::Upgrade => return at,
                Mode::Body(left) => {
                    let here = left.min((bytes.len() - at) as u64);
                    self.mode = if left == here { Mode::Head } else { Mode::Body(left - here) };
                    at += usize::try_from(here).expect("no more than the bytes that are there");
                }
                Mode::Head => match screen(&bytes[at..]) {
                    Ok(None) => return at,
                    Ok(Some(head)) => {
                        at += head.length;
                        self.heads += 1;
                        self.mode = match head.framing {
                            Framing::Empty => Mode::Head,
                            Framing::Length(length) => Mode::Body(length),
                            Framing::Chunked => Mode::Opaque,
                            Framing::Upgrade => Mode::Upgrade,
                        };
                    }
                    Err(refusal) => {
                        self.refusal = Some(refusal);
                        return at;
                    }
                },
            }
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";

    fn passed(framer: &mut Framer, bytes: &[u8]) -> Vec<u8> {
        match framer.feed(bytes) {
            Fed::Pass(count) => bytes[..count].to_vec(),
            Fed::Release(bytes) => bytes,
        }
    }

    #[test]
    fn requests_in_one_read_pass_together() {
        let mut framer = Framer::new();
        let both = format!("{POST}{GET}");
        assert_eq!(framer.feed(both.as_bytes()), Fed::Pass(both.len()));
    }

    #[test]
    fn what_follows_a_body_is_screened_again() {
        let mut framer = Framer::new();
        let bytes = format!("{POST}GET / HTTP/1.1\r\n\r\n");
        assert_eq!(framer.feed(bytes.as_bytes()), Fed::Pass(POST.len()));
        assert!(framer.refusal().is_some());
        assert_eq!(framer.feed(GET.as_bytes()), Fed::Pass(0));
    }

    #[test]
    fn an_unfinished_head_is_held() {
        let mut framer = Framer::new();
        assert_eq!(framer.feed(b"GET / HT"), Fed::Pass(0));
        assert_eq!(framer.held(), b"GET / HT");
        assert_eq!(framer.feed(b"TP/1.1\r\nHost: a\r\n\r\nG"), Fed::Release(GET.as_bytes().to_vec()));
        assert_eq!(framer.held(), b"G");
    }

    #[test]
    fn nothing_behind_a_chunked_request_is_looked_at() {
        let mut framer = Framer::new();
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(passed(&mut framer, head.as_bytes()), head.as_bytes());
        assert_eq!(passed(&mut framer, b"0\r\n\r\nanything"), b"0\r\n\r\nanything");
    }

    const UPGRADE: &str =
        "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n";

    #[test]
    fn what_follows_a_head_that_asks_for_an_upgrade_is_held_and_never_read_as_a_head() {
        let mut framer = Framer::new();
        let bytes = format!("{GET}{UPGRADE}{GET}\x01\x02");
        assert_eq!(framer.feed(bytes.as_bytes()), Fed::Pass(GET.len() + UPGRADE.len()));
        assert_eq!((framer.upgrade(), framer.refusal()), (Some(2), None));
        assert_eq!(framer.feed(b"\r\n\r\nmore"), Fed::Pass(0));
        assert_eq!(framer.into_held(), format!("{GET}\x01\x02\r\n\r\nmore").as_bytes());
    }

    #[test]
    fn an_upgrade_head_in_crumbs_is_released_whole_and_the_rest_held() {
        let mut framer = Framer::new();
        assert_eq!(framer.feed(&UPGRADE.as_bytes()[..30]), Fed::Pass(0));
        let rest = format!("{}{GET}", &UPGRADE[30..]);
        assert_eq!(framer.feed(rest.as_bytes()), Fed::Release(UPGRADE.as_bytes().to_vec()));
        assert_eq!((framer.upgrade(), framer.held()), (Some(1), GET.as_bytes()));
    }

    proptest! {
        #[test]
        fn the_cuts_between_reads_do_not_matter(cuts in proptest::collection::vec(1_usize..40, 1..30)) {
            let stream = format!("{POST}{GET}{POST}{GET}");
            let mut rest = stream.as_bytes();
            let mut framer = Framer::new();
            let mut through = Vec::new();
            for cut in cuts.iter().cycle() {
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                through.extend(passed(&mut framer, now));
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(through, stream.as_bytes());
        }
    }
}
