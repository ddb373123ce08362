//! The entries in Redis, and the three scripts that are all that ever touches them.
//!
//! A key holds `V<version> <json>`, `N` (the source has nothing), or a lease `L<begun>-<nonce>`. A reader that
//! misses gets the lease and may put only while the key still holds it; an invalidation deletes it. So a slow
//! reader cannot put back what it read before the change: not after the invalidation, not after `FLUSHALL`, and
//! not when Redis stood still for a while and then does late what it was asked.

use std::time::Duration;

use redis::{RedisResult, Script};

use crate::redis::{Link, Lost};

/// Redis answers within a millisecond, or is of no use.
const LIMIT: Duration = Duration::from_millis(25);
/// A source that takes longer is read again by the next reader.
const LEASE: Duration = Duration::from_secs(5);
/// Longer values are not kept: they would hold up everything else on the connection.
const MAX_BYTES: usize = 64 * 1024;

pub(super) struct Entries {
    look: Script,
    put: Script,
    drop: Script,
}

/// What Redis had.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Held {
    Value(String),
    /// The source said a moment ago that there is nothing.
    Nothing,
    Lease(Lease),
}

/// The right to put, for as long as Redis remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lease(String);

/// What to keep.
pub(super) enum Find<'a> {
    Value { version: i64, json: &'a str },
    Nothing,
}

impl Entries {
    pub(super) fn new() -> Self {
        Self {
            look: Script::new(include_str!("look.lua")),
            put: Script::new(include_str!("put.lua")),
            drop: Script::new(include_str!("drop.lua")),
        }
    }

    pub(super) async fn look(&self, link: &Link, key: &str, nonce: u64) -> Result<Held, Lost> {
        let mut call = self.look.key(key);
        call.arg(nonce).arg(millis(LEASE));
        let ask = async |mut connection| -> RedisResult<String> { call.invoke_async(&mut connection).await };
        Ok(parse(link.ask("EVALSHA", LIMIT, ask).await?))
    }

    /// Whether it was kept.
    pub(super) async fn put(
        &self,
        link: &Link,
        key: &str,
        lease: &Lease,
        find: &Find<'_>,
        ttl: Duration,
    ) -> Result<bool, Lost> {
        let (text, version) = match find {
            Find::Value { version, json } => (format!("V{version} {json}"), *version),
            // Older than anything that was found.
            Find::Nothing => ("N".to_owned(), i64::MIN),
        };
        if text.len() > MAX_BYTES {
            return Ok(false);
        }
        let mut call = self.put.key(key);
        call.arg(&lease.0).arg(text).arg(version).arg(millis(ttl));
        link.ask("EVALSHA", LIMIT, async |mut connection| call.invoke_async(&mut connection).await).await
    }

    /// Whether there was something older.
    pub(super) async fn drop(&self, link: &Link, key: &str, version: i64) -> Result<bool, Lost> {
        let mut call = self.drop.key(key);
        call.arg(version);
        link.ask("EVALSHA", LIMIT, async |mut connection| call.invoke_async(&mut connection).await).await
    }
}

fn parse(held: String) -> Held {
    match held.split_at_checked(1) {
        Some(("L", _)) => Held::Lease(Lease(held)),
        Some(("V", rest)) => Held::Value(rest.split_once(' ').map_or("", |(_, json)| json).to_owned()),
        // `N`, or something that is not ours: nobody else writes below our keys.
        _ => Held::Nothing,
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_holds_is_told_apart_by_its_first_letter() {
        assert_eq!(parse("V12 {\"a\": 1}".to_owned()), Held::Value("{\"a\": 1}".to_owned()));
        assert_eq!(parse("L17-99".to_owned()), Held::Lease(Lease("L17-99".to_owned())));
        for text in ["N", "", "도란"] {
            assert_eq!(parse(text.to_owned()), Held::Nothing, "{text}");
        }
    }
}
