//! A stream's body: takes what its subscription brings, and sends what its script says.

use std::convert::Infallible;
use std::pin::Pin;

use axum::body::Body;
use bytes::Bytes;
use contract::id::RoomId;
use futures_util::stream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::script::{Script, Step};
use crate::live::handle::Live;
use crate::live::meters::Open;
use crate::live::subscription::Subscription;

/// A stream under way. Nothing happens while its client takes nothing.
struct Sending {
    live: Live,
    room: RoomId,
    subscription: Subscription,
    script: Script,
    alarm: Pin<Box<Sleep>>,
    _open: Open,
}

/// The body of a stream on `room`. Dropping it ends the stream.
pub fn body(live: Live, room: RoomId, subscription: Subscription, script: Script) -> Body {
    let alarm = Box::pin(sleep_until(Instant::now()));
    let sending = Sending { live, room, subscription, script, alarm, _open: Open::new("sse") };
    Body::from_stream(stream::unfold(sending, |mut sending| async {
        let bytes = sending.next().await?;
        Some((Ok::<_, Infallible>(bytes), sending))
    }))
}

impl Sending {
    /// `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            match self.script.step(Instant::now()) {
                Step::Send(bytes) => return Some(bytes),
                Step::Got(replies) => self.live.delivered(self.room, replies),
                Step::Close => return None,
                Step::Wait(until) => {
                    self.alarm.as_mut().reset(until);
                    tokio::select! {
                        update = self.subscription.next(), if self.script.takes_more() => self.script.take(update),
                        () = &mut self.alarm => {}
                    }
                }
            }
        }
    }
}
