//! Hearing what others publish, on a connection of its own that is made anew for as long as the service runs.
//!
//! Redis keeps nothing for those who are away, so whoever listens is told when something may have been missed, and
//! finds out by other means what it was.

use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use redis::aio::PubSubSink;
use redis::{Client, Msg, RedisResult};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::link::{COOL_DOWN, HEARTBEAT, Lost, chain};

/// For one attempt to connect and to subscribe.
const CONNECT_LIMIT: Duration = Duration::from_millis(500);
/// A server that does not give a sign of life for so long counts as away.
const PING_LIMIT: Duration = Duration::from_millis(500);
/// Messages that wait for whoever listens. What comes on top is dropped, and told as a gap.
const WAITING: usize = 1024;

/// What a subscription brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Messages published before may have been missed: at the start, after every reconnection, and when there were
    /// more than the listener took.
    Gap,
    Message {
        channel: String,
        payload: Vec<u8>,
    },
}

/// The listening end. The connection ends with it.
pub struct Subscription {
    heard: mpsc::Receiver<Heard>,
    up: watch::Receiver<bool>,
}

impl Subscription {
    /// The next thing heard. Safe to drop while it waits; pending for ever once the service stops.
    pub async fn next(&mut self) -> Heard {
        match self.heard.recv().await {
            Some(heard) => heard,
            None => std::future::pending().await,
        }
    }

    /// Whether what is published now will be heard, or told as a gap at once: false while there is no connection.
    pub fn is_up(&self) -> bool {
        *self.up.borrow()
    }

    /// Tells of every change of [`Self::is_up`].
    pub fn up(&self) -> watch::Receiver<bool> {
        self.up.clone()
    }
}

pub(super) struct Subscriber {
    client: Client,
    channels: Vec<String>,
    heard: mpsc::Sender<Heard>,
    up: watch::Sender<bool>,
    /// Something may have been missed, and nobody was told so far.
    gap: bool,
}

impl Subscriber {
    pub(super) fn new(client: Client, channels: &[&str]) -> (Self, Subscription) {
        let (heard, listening) = mpsc::channel(WAITING);
        let (up, is_up) = watch::channel(false);
        let channels = channels.iter().map(|&channel| channel.to_owned()).collect();
        let subscriber = Self { client, channels, heard, up, gap: true };
        (subscriber, Subscription { heard: listening, up: is_up })
    }

    /// Connects, and again a while after every loss, until nobody listens.
    pub(super) async fn keep(mut self) {
        let mut told = false;
        while !self.heard.is_closed() {
            match self.connect().await {
                Ok((sink, messages)) => {
                    told = false;
                    info!("listening to redis");
                    self.gap = true;
                    self.up.send_replace(true);
                    self.listen(sink, messages).await;
                    self.up.send_replace(false);
                    warn!("not hearing redis any longer, trying again");
                }
                Err(lost) if !told => {
                    told = true;
                    warn!("not hearing redis: {}", chain(&lost));
                }
                Err(_) => {}
            }
            sleep(COOL_DOWN).await;
        }
    }

    async fn connect(&self) -> Result<(PubSubSink, impl Stream<Item = Msg> + Unpin + use<>), Lost> {
        let connecting = async {
            let (mut sink, messages) = self.client.get_async_pubsub().await?.split();
            sink.subscribe(&self.channels).await?;
            RedisResult::Ok((sink, messages))
        };
        timeout(CONNECT_LIMIT, connecting)
            .await
            .map_err(|_elapsed| Lost::Slow { limit: CONNECT_LIMIT })?
            .map_err(Lost::Failed)
    }

    /// Until the connection is lost or nobody listens.
    async fn listen(&mut self, sink: PubSubSink, mut messages: impl Stream<Item = Msg> + Unpin) {
        let mut silence = std::pin::pin!(until_silent(sink));
        let heard = self.heard.clone();
        loop {
            tokio::select! {
                // The gap first: it concerns what lies before the next message.
                biased;
                place = heard.reserve(), if self.gap => match place {
                    Ok(place) => {
                        place.send(Heard::Gap);
                        self.gap = false;
                    }
                    Err(_closed) => return,
                },
                message = messages.next() => match message {
                    Some(message) => self.hand_on(&message),
                    None => return,
                },
                () = &mut silence => return,
                () = heard.closed() => return,
            }
        }
    }

    /// Never waits: the driver of the connection would gather what comes meanwhile, without a bound.
    fn hand_on(&mut self, message: &Msg) {
        let channel = message.get_channel_name().to_owned();
        let heard = Heard::Message { channel, payload: message.get_payload_bytes().to_vec() };
        // What was dropped, this one included, lies before the gap.
        self.gap = self.gap || self.heard.try_send(heard).is_err();
    }
}

/// Ends when the server gives no sign of life: a connection can die in silence.
async fn until_silent(mut sink: PubSubSink) {
    loop {
        sleep(HEARTBEAT).await;
        if !matches!(timeout(PING_LIMIT, sink.ping::<redis::Value>()).await, Ok(Ok(_))) {
            return;
        }
    }
}
