//! Calls one service.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::attempt::{Outgoing, Sender};
use super::call::{Call, Hedging};
use super::course::{Course, Decode};
use super::error::{CallError, Edge};
use super::target::Target;
use crate::context;

/// Calls one service. Cheap to clone.
#[derive(Clone)]
pub struct ServiceClient {
    sender: Sender,
    target: Arc<Target>,
    /// The most that a call may take; less when the request at hand has less left.
    limit: Duration,
}

impl ServiceClient {
    pub(super) fn new(sender: Sender, target: Arc<Target>, limit: Duration) -> Self {
        Self { sender, target, limit }
    }

    /// `GET path`, answered with JSON.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn get<A: DeserializeOwned>(&self, path: &str) -> Result<A, CallError> {
        self.request(Method::GET, path).send().await
    }

    /// `PUT path` with JSON, answered with JSON.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn put<A: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<A, CallError> {
        self.request(Method::PUT, path).json(body).send().await
    }

    /// `POST path` with JSON, answered with JSON.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn post<A: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<A, CallError> {
        self.request(Method::POST, path).json(body).send().await
    }

    /// `DELETE path`; an answer is not read.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn delete(&self, path: &str) -> Result<(), CallError> {
        self.request(Method::DELETE, path).send_unread().await
    }

    /// Any other call.
    pub fn request(&self, method: Method, path: &str) -> Call<'_> {
        Call::new(self, method, path)
    }

    pub const fn edge(&self) -> Edge {
        self.sender.edge
    }

    /// Bounds the call by our limit and by what the request at hand has left.
    pub(super) async fn run<A>(
        &self,
        outgoing: Outgoing,
        hedging: Hedging,
        decode: Decode<A>,
    ) -> Result<A, CallError> {
        let (edge, now) = (self.edge(), Instant::now());
        let left = match context::budget() {
            Some(budget) => budget.remaining(now).map(|left| left.min(self.limit)),
            None => Some(self.limit),
        };
        let left = left.ok_or(CallError::Timeout { edge })?;
        // Half of it for the queue, so that the other half is enough for an answer.
        let place = self.target.bulkhead.enter(left / 2).await;
        let _place = place.map_err(|_| CallError::Busy { edge })?;
        let context = context::current();
        let course = Course {
            sender: &self.sender,
            target: &self.target,
            outgoing: &outgoing,
            decode,
            limit: self.limit,
            deadline: now + left,
            trace: context.trace.trace_id.to_string().into(),
            context: &context,
            asked: Mutex::default(),
        };
        course.run(hedging).await
    }
}
