//! Who is asked for what happened.

use std::str::FromStr;

use chassis::client::ServiceClient;
use chrono::NaiveDate;
use contract::{auth, chat, store, user};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;

use crate::engine::Fault;
use crate::jobs::Means;

/// A part of the report: what one service tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Auth,
    User,
    Chat,
    Store,
}

/// A cursor that this version has not written.
#[derive(Debug, Error)]
#[error("there is no section {0:?}")]
pub(super) struct UnknownSection(String);

impl Section {
    pub(super) const FIRST: Self = Self::Auth;

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::User => "user",
            Self::Chat => "chat",
            Self::Store => "store",
        }
    }

    pub(super) const fn next(self) -> Option<Self> {
        match self {
            Self::Auth => Some(Self::User),
            Self::User => Some(Self::Chat),
            Self::Chat => Some(Self::Store),
            Self::Store => None,
        }
    }

    /// The service's statistics of the day, all of them: a number that it has not sent is an error.
    ///
    /// # Errors
    /// When the service does not answer, or means another day.
    pub(super) async fn ask(self, means: &Means, day: NaiveDate) -> Result<Value, Fault> {
        let answer = match self {
            Self::Auth => {
                let path = auth::maintenance::STATISTICS;
                ask::<auth::maintenance::DayStatistics>(&means.auth, path, day).await
            }
            Self::User => {
                let path = user::maintenance::STATISTICS;
                ask::<user::maintenance::DayStatistics>(&means.user, path, day).await
            }
            Self::Chat => {
                let path = chat::maintenance::path::STATISTICS;
                ask::<chat::maintenance::DayStatistics>(&means.chat, path, day).await
            }
            Self::Store => {
                let path = store::maintenance::path::STATISTICS;
                ask::<store::maintenance::DayStatistics>(&means.store, path, day).await
            }
        }?;
        if answer["day"] != day.to_string() {
            return Err(Fault::fatal(anyhow::anyhow!(
                "{} told of {} instead of {day}",
                self.as_str(),
                answer["day"]
            )));
        }
        Ok(answer)
    }
}

impl FromStr for Section {
    type Err = UnknownSection;

    fn from_str(text: &str) -> Result<Self, UnknownSection> {
        let mut sections = std::iter::successors(Some(Self::FIRST), |section| section.next());
        sections.find(|section| section.as_str() == text).ok_or_else(|| UnknownSection(text.to_owned()))
    }
}

async fn ask<A: DeserializeOwned + Serialize>(
    client: &ServiceClient,
    path: &str,
    day: NaiveDate,
) -> Result<Value, Fault> {
    let answer: A = client.get(&format!("{path}?day={day}")).await?;
    serde_json::to_value(answer).map_err(Fault::fatal)
}
