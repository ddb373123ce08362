//! A ready instance of batch, and what the verbs ask of it.

use std::time::Duration;

use anyhow::Context as _;
use contract::batch::{
    Archive, ArchiveList, Execution, ExecutionList, ExecutionStatus, Job, Report, ReportList, path,
};
use contract::id::ExecutionId;
use reqwest::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::sleep;

use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::operator::{EventStream, LIMIT, Refused, Service};
use crate::stack;
use crate::supervisor::client::Client;

/// What a page has at most.
const PAGE: u32 = 100;
/// Before somebody else is asked to stop an execution.
const ASK_AGAIN: Duration = Duration::from_millis(250);

#[derive(Clone)]
pub(super) struct Batch<'a> {
    cx: &'a Context,
    pub(super) service: Service,
}

/// What a list is asked for.
#[derive(Clone, Copy, Default, Serialize)]
pub(super) struct Wanted<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) job: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<ExecutionStatus>,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) running: bool,
    /// The beginning of its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[derive(Serialize)]
struct Query<'a> {
    #[serde(flatten)]
    wanted: Wanted<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<&'a str>,
    size: u32,
}

/// A page of a list, and where it goes on.
pub(super) trait Page: DeserializeOwned {
    type Item;
    fn split(self) -> (Vec<Self::Item>, Option<String>);
}

macro_rules! pages {
    ($($list:ident of $item:ident,)+) => {$(
        impl Page for $list {
            type Item = $item;

            fn split(self) -> (Vec<$item>, Option<String>) {
                (self.content, self.next_cursor)
            }
        }
    )+};
}

pages! {
    ExecutionList of Execution,
    ReportList of Report,
    ArchiveList of Archive,
}

impl<'a> Batch<'a> {
    /// # Errors
    /// Exit code 6 when the stack or batch is not running.
    pub(super) async fn find(cx: &'a Context) -> anyhow::Result<Self> {
        Ok(Self { cx, service: Service::find(cx, "batch").await? })
    }

    /// Goes on with another instance if there is one, after this one did not answer.
    ///
    /// # Errors
    /// When no instance is ready.
    pub(super) async fn move_on(&mut self) -> anyhow::Result<()> {
        self.service = self.service.another(self.cx).await?;
        Ok(())
    }

    /// # Errors
    /// Exit code 6 when nobody supervises the stack any more: its services will not come back.
    pub(super) async fn require_stack(&self) -> anyhow::Result<()> {
        Client::require(&self.cx.layout, &self.cx.stack.instance).await.map(drop)
    }

    pub(super) async fn jobs(&self) -> anyhow::Result<Vec<Job>> {
        self.service.get(path::JOBS, &(), LIMIT).await
    }

    /// # Errors
    /// Exit code 2 when there is none of this name.
    pub(super) async fn job(&self, name: &str) -> anyhow::Result<Job> {
        let jobs = self.jobs().await?;
        let names: Vec<String> = jobs.iter().map(|job| job.name.clone()).collect();
        jobs.into_iter().find(|job| job.name == name).ok_or_else(|| {
            let error = CliError::new(ExitStatus::Usage, format!("there is no job `{name}`"));
            helped(error, stack::suggestion(name, names.iter().map(String::as_str))).into()
        })
    }

    /// None when there is none with this id.
    pub(super) async fn execution(&self, id: ExecutionId) -> anyhow::Result<Option<Execution>> {
        match self.service.get(&path::execution(id), &(), LIMIT).await {
            Ok(execution) => Ok(Some(execution)),
            Err(error) if status_of(&error) == Some(StatusCode::NOT_FOUND) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn executions(
        &self,
        wanted: Wanted<'_>,
        limit: u32,
    ) -> anyhow::Result<(Vec<Execution>, More)> {
        self.list::<ExecutionList>(path::EXECUTIONS, wanted, limit).await
    }

    /// The first `limit` of a list.
    pub(super) async fn list<P: Page>(
        &self,
        path: &str,
        wanted: Wanted<'_>,
        limit: u32,
    ) -> anyhow::Result<(Vec<P::Item>, More)> {
        let limit = usize::try_from(limit)?;
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let left = u32::try_from(limit - items.len())?;
            let query = Query { wanted, cursor: cursor.as_deref(), size: left.min(PAGE) };
            let (content, next) = self.service.get::<P>(path, &query, LIMIT).await?.split();
            items.extend(content);
            items.truncate(limit);
            cursor = next;
            if cursor.is_none() {
                return Ok((items, More::No));
            }
            if items.len() == limit {
                return Ok((items, More::Yes));
            }
        }
    }

    /// A wish about one execution.
    ///
    /// # Errors
    /// Exit code 7 when its state does not allow it.
    pub(super) async fn wish(&self, path: &str) -> anyhow::Result<Execution> {
        self.service.post(path, &serde_json::json!({})).await.map_err(classified)
    }

    /// Asks whichever instance is ready now to stop it. That it is over already is as good.
    ///
    /// # Errors
    /// When nobody could be asked: it runs on.
    pub(super) async fn stop_now(&self, id: ExecutionId) -> anyhow::Result<()> {
        let batch = Self::find(self.cx).await.context("it runs on")?;
        match batch.service.post::<Execution>(&path::stop(id), &serde_json::json!({})).await {
            Ok(_) => Ok(()),
            Err(error) if status_of(&error) == Some(StatusCode::CONFLICT) => Ok(()),
            Err(error) => Err(error.context("it runs on")),
        }
    }

    /// The same until somebody could be asked.
    ///
    /// # Errors
    /// When it is refused for good.
    pub(super) async fn stop_by_somebody(&self, id: ExecutionId) -> anyhow::Result<()> {
        loop {
            match self.stop_now(id).await {
                Err(error) if !status_of(&error).is_some_and(|status| status.is_client_error()) => {
                    sleep(ASK_AGAIN).await;
                }
                asked => return asked,
            }
        }
    }

    pub(super) async fn stream(&self, id: ExecutionId) -> anyhow::Result<EventStream> {
        self.service.stream(&path::stream(id)).await
    }
}

/// Whether a list goes on behind what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum More {
    Yes,
    No,
}

/// A refusal with the exit code that its status stands for.
pub(super) fn classified(error: anyhow::Error) -> anyhow::Error {
    let status = match status_of(&error) {
        Some(StatusCode::CONFLICT) => ExitStatus::Conflict,
        Some(StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY) => ExitStatus::Usage,
        Some(_) | None => return error,
    };
    CliError::new(status, error.to_string()).into()
}

pub(super) fn status_of(error: &anyhow::Error) -> Option<StatusCode> {
    error.downcast_ref::<Refused>().map(|refused| refused.status)
}

pub(super) fn helped(error: CliError, help: Option<String>) -> CliError {
    match help {
        Some(help) => error.help(help),
        None => error,
    }
}
