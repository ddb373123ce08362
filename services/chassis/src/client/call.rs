//! One call, as the call site puts it together.

use axum::body::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::attempt::Outgoing;
use super::error::CallError;
use super::service::ServiceClient;

/// A call that is sent by [`Call::send`].
#[must_use = "a call does nothing until it is sent"]
pub struct Call<'a> {
    client: &'a ServiceClient,
    outgoing: Result<Outgoing, CallError>,
    hedging: Hedging,
}

/// Whether a second instance is asked when the first takes longer than usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hedging {
    Off,
    On,
}

impl<'a> Call<'a> {
    pub(super) fn new(client: &'a ServiceClient, method: Method, path: &str) -> Self {
        let headers = HeaderMap::new();
        let outgoing = Outgoing { method, path: path.to_owned(), body: None, key: None, headers };
        Self { client, outgoing: Ok(outgoing), hedging: Hedging::Off }
    }

    /// The body.
    pub fn json(self, body: &impl Serialize) -> Self {
        let edge = self.client.edge();
        self.change(|outgoing| match serde_json::to_vec(body) {
            Ok(body) => Ok(Outgoing { body: Some(Bytes::from(body)), ..outgoing }),
            Err(source) => Err(CallError::Request { edge, source: source.into() }),
        })
    }

    /// Makes the call repeatable: the callee promises to do what carries the same key only once.
    pub fn key(self, key: &str) -> Self {
        let edge = self.client.edge();
        self.change(|outgoing| match HeaderValue::from_str(key) {
            Ok(key) => Ok(Outgoing { key: Some(key), ..outgoing }),
            Err(source) => Err(CallError::Request { edge, source: source.into() }),
        })
    }

    /// A header that this callee wants, beside those that every call has.
    pub fn header(self, name: HeaderName, value: &str) -> Self {
        let edge = self.client.edge();
        self.change(|mut outgoing| match HeaderValue::from_str(value) {
            Ok(value) => {
                outgoing.headers.insert(name, value);
                Ok(outgoing)
            }
            Err(source) => Err(CallError::Request { edge, source: source.into() }),
        })
    }

    /// Asks a second instance when the first takes longer than it usually does, and takes the answer that comes
    /// first. For reads that somebody waits for; has no effect on calls that may not be repeated.
    pub fn hedged(mut self) -> Self {
        self.hedging = Hedging::On;
        self
    }

    /// The answer, read as JSON; an empty one reads as `null`.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn send<A: DeserializeOwned>(self) -> Result<A, CallError> {
        self.client.run(self.outgoing?, self.hedging, json).await
    }

    /// Sends it without reading the answer's body.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn send_unread(self) -> Result<(), CallError> {
        self.client.run(self.outgoing?, self.hedging, |_| Ok(())).await
    }

    fn change(mut self, change: impl FnOnce(Outgoing) -> Result<Outgoing, CallError>) -> Self {
        self.outgoing = self.outgoing.and_then(change);
        self
    }
}

/// An empty answer reads as `null`.
fn json<A: DeserializeOwned>(body: &[u8]) -> Result<A, serde_json::Error> {
    serde_json::from_slice(if body.is_empty() { b"null" } else { body })
}
