//! Follows one execution over the stream of an instance, and over that of another when the instance dies.

use std::time::Duration;

use anyhow::Context as _;
use contract::batch::Execution;
use contract::id::ExecutionId;
use futures_util::stream::{self, Stream};
use tokio::time::sleep;

use super::service::{Batch, status_of};
use crate::operator::{Event, EventStream};

/// Before the next attempt to reach somebody, also when a stream has broken off: it may do so at once, again and again.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(super) enum News {
    /// Something has changed.
    Now(Box<Execution>),
    /// It is over.
    Ended(Box<Execution>),
    /// Nobody can be asked, for this reason; it is tried again.
    Away(String),
    /// This instance can be asked.
    Back(String),
}

struct Follower<'a> {
    batch: Batch<'a>,
    id: ExecutionId,
    stream: Option<EventStream>,
    away: bool,
    /// The instance at hand has failed already: another one is wanted.
    failed: bool,
    over: bool,
}

/// Until the end of the execution. An error is the last item.
pub(super) fn follow(
    batch: Batch<'_>,
    id: ExecutionId,
) -> impl Stream<Item = anyhow::Result<News>> + use<'_> {
    let follower = Follower { batch, id, stream: None, away: false, failed: false, over: false };
    stream::unfold(follower, |mut follower| async move {
        if follower.over {
            return None;
        }
        let news = follower.next().await;
        follower.over = matches!(news, Ok(News::Ended(_)) | Err(_));
        Some((news, follower))
    })
}

impl Follower<'_> {
    async fn next(&mut self) -> anyhow::Result<News> {
        loop {
            let Some(stream) = &mut self.stream else {
                if let Some(news) = self.connect().await? {
                    return Ok(news);
                }
                continue;
            };
            if let Ok(Some(event)) = stream.next().await {
                if let Some(news) = news(&event)? {
                    return Ok(news);
                }
            } else {
                // An instance that stops ends its streams; one that dies breaks them.
                self.stream = None;
                self.failed = true;
                sleep(LOOK_AGAIN).await;
            }
        }
    }

    /// # Errors
    /// When there is no sense in waiting: nobody supervises the stack, or nobody knows the execution.
    async fn connect(&mut self) -> anyhow::Result<Option<News>> {
        match self.open().await {
            Ok(stream) => {
                self.stream = Some(stream);
                self.failed = false;
                let was_away = std::mem::take(&mut self.away);
                Ok(was_away.then(|| News::Back(self.batch.service.instance().to_owned())))
            }
            Err(error) if status_of(&error).is_some_and(|status| status.is_client_error()) => Err(error),
            Err(error) => {
                self.batch.require_stack().await?;
                self.failed = true;
                if !std::mem::replace(&mut self.away, true) {
                    return Ok(Some(News::Away(format!("{error:#}"))));
                }
                sleep(LOOK_AGAIN).await;
                Ok(None)
            }
        }
    }

    async fn open(&mut self) -> anyhow::Result<EventStream> {
        if self.failed {
            self.batch.move_on().await?;
        }
        self.batch.stream(self.id).await
    }
}

/// None for an event that says nothing to us.
fn news(event: &Event) -> anyhow::Result<Option<News>> {
    let execution = || serde_json::from_str(&event.data).context("read an event of batch");
    Ok(match event.name.as_str() {
        "progress" => Some(News::Now(execution()?)),
        "end" => Some(News::Ended(execution()?)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::batch::execution::tests::running;

    #[test]
    fn events_carry_executions_and_others_are_left_out() {
        let event = |name: &str, data: String| Event { name: name.to_owned(), data };
        let data = || serde_json::to_string(&running()).unwrap();
        assert!(matches!(news(&event("progress", data())), Ok(Some(News::Now(seen))) if *seen == running()));
        assert!(matches!(news(&event("end", data())), Ok(Some(News::Ended(_)))));
        assert!(matches!(news(&event("ping", String::new())), Ok(None)));
        assert!(news(&event("end", "{}".to_owned())).is_err());
    }
}
