//! `doran events tail`: what services have published, in the order of time, and then what comes.

use std::collections::VecDeque;

use contract::event::CloudEvent;
use futures_util::future::{join_all, try_join_all};
use jiff::Timestamp;

use super::args::TailArgs;
use super::feed::Feed;
use super::filter::{self, Filter};
use super::follow::{Followed, follow};
use super::participant::{self, Participant};
use super::view::View;
use crate::command::logs::point_in_time;
use crate::context::Context;
use crate::error::ExitStatus;
use crate::output::Printer;

/// Of each service, when nobody says how many.
const LAST: usize = 20;

/// Exit code 6 when events are missing because their service is not up.
pub(super) async fn run(cx: &Context, args: &TailArgs, out: &Printer) -> anyhow::Result<ExitStatus> {
    let begun = Timestamp::now();
    let since = args.since.as_deref().map(|when| point_in_time(when, begun)).transpose()?;
    let count = args.tail.or(since.is_none().then_some(LAST));
    let participants = participant::select(cx, &args.services).await?;
    let names = participants.iter().map(|participant| participant.name.as_str());
    let mut view = View::new(Filter { kind: args.kind.clone(), since }, names, out);
    let open = participants.into_iter().map(|participant| open(cx, participant, count, &view.filter));
    let mut backlogs = Vec::new();
    let mut down = Vec::new();
    for opened in join_all(open).await {
        match opened? {
            (Participant { name, .. }, Some(feed)) => {
                backlogs.push(Backlog { name, feed, page: VecDeque::new() });
            }
            (participant, None) => down.push(participant),
        }
    }
    for missed in down.iter().filter(|participant| participant.expected) {
        let then = if args.follow { "its events follow when it is" } else { "its events are missing here" };
        out.warn(format_args!("{} is not up: {then}", missed.name));
    }
    let complete = !down.iter().any(|participant| participant.expected);
    while let Some((service, event)) = oldest(&mut backlogs, &view.filter).await? {
        view.show(service, &event)?;
    }
    view.flush()?;
    if args.follow {
        let up = backlogs.into_iter().map(|backlog| Followed::up(backlog.name, backlog.feed));
        let down = down.into_iter().map(|participant| Followed::down(participant.name));
        view.filter.since = None;
        follow(cx, up.chain(down), begun, &mut view).await?;
    }
    Ok(if complete { ExitStatus::Success } else { ExitStatus::NotRunning })
}

/// What a service has published already, a page at a time.
struct Backlog {
    name: String,
    feed: Feed,
    page: VecDeque<CloudEvent>,
}

/// Its feed, where the reading begins; none while it is down.
async fn open(
    cx: &Context,
    participant: Participant,
    count: Option<usize>,
    filter: &Filter,
) -> anyhow::Result<(Participant, Option<Feed>)> {
    let mut feed = match Feed::open(cx, &participant.name, filter.since).await {
        Ok(feed) => feed,
        Err(error) if participant::is_down(&error) => return Ok((participant, None)),
        Err(error) => return Err(error),
    };
    if let Some(count) = count {
        feed.go_to_last(count, filter).await?;
    }
    Ok((participant, Some(feed)))
}

impl Backlog {
    /// Reads on until there is an event to show, or the end.
    async fn refill(&mut self, filter: &Filter) -> anyhow::Result<()> {
        while self.page.is_empty() {
            let events = self.feed.page().await?;
            if events.is_empty() {
                break;
            }
            self.page.extend(events.into_iter().filter(|event| filter.keeps(event)));
        }
        Ok(())
    }
}

/// The oldest event that was not shown yet. Each service's events keep the order of their positions, which is
/// not quite that of time.
async fn oldest<'a>(
    backlogs: &'a mut [Backlog],
    filter: &Filter,
) -> anyhow::Result<Option<(&'a str, CloudEvent)>> {
    try_join_all(backlogs.iter_mut().map(|backlog| backlog.refill(filter))).await?;
    let next = backlogs.iter_mut().filter(|backlog| !backlog.page.is_empty());
    let oldest = next.min_by_key(|backlog| backlog.page.front().map(filter::time));
    Ok(oldest.and_then(|backlog| Some((backlog.name.as_str(), backlog.page.pop_front()?))))
}
