//! A service's feed of events, read from a position on.

use std::time::Duration;

use contract::event::{CloudEvent, Head, MAX_BATCH, path};
use jiff::Timestamp;
use serde::Serialize;

use super::filter::Filter;
use crate::context::Context;
use crate::operator::{LIMIT, Service};

/// How long the service may wait for news before it answers that there are none.
const WAIT: Duration = Duration::from_secs(20);

/// Positions of one feed have no gaps.
pub(super) struct Feed {
    service: Service,
    /// What the feed holds when it is opened.
    head: Head,
    /// The last position read, or the one before the oldest event.
    after: i64,
    /// Lets the service skip what is older; only while nothing is read.
    since: Option<Timestamp>,
}

#[derive(Serialize)]
struct Query {
    after: i64,
    limit: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    wait: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
}

impl Feed {
    /// Finds a ready instance of the service, and what its feed holds.
    ///
    /// # Errors
    /// Exit code 6 when the service is not up.
    pub(super) async fn open(cx: &Context, name: &str, since: Option<Timestamp>) -> anyhow::Result<Self> {
        let service = Service::find(cx, name).await?;
        let head = head(&service).await?;
        let after = head.oldest_position.map_or(head.last_position, |oldest| oldest - 1);
        Ok(Self { service, head, after, since })
    }

    /// Goes on where the reading ended, on whichever instance is ready now.
    pub(super) async fn reopen(&mut self, cx: &Context, name: &str) -> anyhow::Result<()> {
        self.service = Service::find(cx, name).await?;
        Ok(())
    }

    /// Goes to where the last `count` events that the filter keeps begin.
    pub(super) async fn go_to_last(&mut self, count: usize, filter: &Filter) -> anyhow::Result<()> {
        let floor = self.after;
        let mut begin = self.head.last_position;
        let mut upper = begin;
        let mut missing = count;
        while missing > 0 && upper > floor {
            // Of all kinds so many suffice; of some kinds nobody knows.
            let step = if filter.keeps_every_kind() { missing } else { usize::MAX };
            let limit = i64::try_from(step).unwrap_or(i64::MAX).min(i64::from(MAX_BATCH)).min(upper - floor);
            let lower = upper - limit;
            let events = self.ask(&Query { after: lower, limit, wait: None, since: None }).await?;
            let last = last_kept(&events, missing, filter);
            begin = last.first().copied().map_or(begin, |first| first - 1);
            missing -= last.len();
            if !events.iter().any(|event| filter.is_young(event)) {
                break;
            }
            upper = lower;
        }
        (self.after, self.since) = (begin, None);
        Ok(())
    }

    /// The next events of those that were there when the feed was opened; none at their end.
    pub(super) async fn page(&mut self) -> anyhow::Result<Vec<CloudEvent>> {
        if self.after >= self.head.last_position {
            return Ok(Vec::new());
        }
        let limit = i64::from(MAX_BATCH);
        let query = Query { after: self.after, limit, wait: None, since: self.since };
        let events = self.ask(&query).await?;
        self.after = events.last().map_or(self.head.last_position, |last| last.position);
        self.since = None;
        Ok(events)
    }

    /// What comes behind everything read so far; none when nothing came for a while.
    pub(super) async fn news(&mut self) -> anyhow::Result<Vec<CloudEvent>> {
        let wait = Some(WAIT.as_secs());
        let query = Query { after: self.after, limit: i64::from(MAX_BATCH), wait, since: None };
        let events = self.ask(&query).await?;
        self.after = events.last().map_or(self.after, |last| last.position);
        Ok(events)
    }

    async fn ask(&self, query: &Query) -> anyhow::Result<Vec<CloudEvent>> {
        let wait = query.wait.map(Duration::from_secs).unwrap_or_default();
        self.service.get(path::FEED, query, LIMIT + wait).await
    }
}

pub(super) async fn head(service: &Service) -> anyhow::Result<Head> {
    service.get(path::HEAD, &(), LIMIT).await
}

/// The first event behind a position.
pub(super) async fn first_after(service: &Service, position: i64) -> anyhow::Result<Option<CloudEvent>> {
    let query = Query { after: position, limit: 1, wait: None, since: None };
    let mut events: Vec<CloudEvent> = service.get(path::FEED, &query, LIMIT).await?;
    Ok(events.pop())
}

/// The positions of the last events that the filter keeps, at most `count`, oldest first.
fn last_kept(events: &[CloudEvent], count: usize, filter: &Filter) -> Vec<i64> {
    let kept = events.iter().rev().filter(|event| filter.keeps(event));
    let mut positions: Vec<i64> = kept.take(count).map(|event| event.position).collect();
    positions.reverse();
    positions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::events::filter::tests::event;

    #[test]
    fn the_last_events_are_counted_after_the_filter() {
        let kinds = ["created", "updated", "created", "updated", "updated"];
        let events: Vec<CloudEvent> = (10..)
            .zip(kinds)
            .map(|(position, kind)| {
                event(&format!("com.dorandoran.user.{kind}.v1"), "2026-11-22T03:04:05Z", position)
            })
            .collect();
        let created = Filter { kind: Some("created".to_owned()), since: None };
        assert_eq!(last_kept(&events, 1, &created), [12]);
        assert_eq!(last_kept(&events, 5, &created), [10, 12]);
        assert_eq!(last_kept(&events, 2, &Filter::default()), [13, 14]);
        assert!(last_kept(&events, 0, &Filter::default()).is_empty());
    }
}
