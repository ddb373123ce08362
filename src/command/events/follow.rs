//! Follows the feeds of several services at once, across restarts of the services.

use std::time::Duration;

use contract::event::CloudEvent;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use jiff::Timestamp;
use tokio::time::sleep;

use super::feed::Feed;
use super::view::View;
use crate::context::Context;
use crate::operator::Refused;
use crate::supervisor::client::Client;

/// Between two looks for a service that is away.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// One service's feed.
pub(super) struct Followed {
    name: String,
    /// `None` until the service is up for the first time.
    feed: Option<Feed>,
    /// Since the last answer nobody could be asked.
    away: bool,
}

impl Followed {
    pub(super) fn up(name: String, feed: Feed) -> Self {
        Self { name, feed: Some(feed), away: false }
    }

    pub(super) fn down(name: String) -> Self {
        Self { name, feed: None, away: true }
    }

    /// The next events, also when there are none for a while.
    async fn poll(&mut self, cx: &Context, begun: Timestamp) -> anyhow::Result<Vec<CloudEvent>> {
        if self.away {
            sleep(LOOK_AGAIN).await;
        }
        match &mut self.feed {
            Some(feed) if self.away => {
                feed.reopen(cx, &self.name).await?;
                feed.news().await
            }
            Some(feed) => feed.news().await,
            // Everything that it has published while it was waited for.
            None => {
                let mut feed = Feed::open(cx, &self.name, Some(begun)).await?;
                let events = feed.page().await?;
                self.feed = Some(feed);
                Ok(events)
            }
        }
    }
}

/// Shows what comes until the stack is down.
///
/// # Errors
/// Exit code 6 when the stack is down.
pub(super) async fn follow(
    cx: &Context,
    services: impl Iterator<Item = Followed>,
    begun: Timestamp,
    view: &mut View<'_>,
) -> anyhow::Result<()> {
    let poll = |mut followed: Followed| async move {
        let news = followed.poll(cx, begun).await;
        (followed, news)
    };
    let mut polls: FuturesUnordered<_> = services.map(poll).collect();
    while let Some((mut followed, news)) = polls.next().await {
        match news {
            Ok(events) => {
                if followed.away {
                    view.note(format_args!("{} is up", followed.name));
                }
                followed.away = false;
                for event in &events {
                    view.show(&followed.name, event)?;
                }
                view.flush()?;
            }
            // The feed does not go on where it was read.
            Err(error) if is_refused(&error) => return Err(error),
            Err(error) => {
                Client::require(&cx.layout, &cx.stack.instance).await?;
                if !followed.away {
                    view.note(format_args!("waiting for {}: {error:#}", followed.name));
                }
                followed.away = true;
            }
        }
        polls.push(poll(followed));
    }
    Ok(())
}

fn is_refused(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Refused>().is_some_and(|refused| refused.status.is_client_error())
}
