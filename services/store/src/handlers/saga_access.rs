//! What administrators and the operator do with sagas, whichever way they come.

use axum::Json;
use chassis::db;
use chassis::extract::Callers;
use contract::claims::OPERATOR;
use contract::id::{SagaId, UserId};
use contract::response::MAX_PAGE_SIZE;
use contract::store::maintenance::{Resolution as Ended, ResolveSaga, SagaList};
use contract::store::{SagaState, SagaView};
use garde::Validate;
use serde::Deserialize;
use tracing::info;
use utoipa::IntoParams;

use super::keyset;
use crate::error::Error;
use crate::repository::saga_list::{self, Choice};
use crate::saga::Resolution;
use crate::state::AppState;

const PAGE_SIZE: u32 = 20;

/// The command line, on behalf of whoever has a shell.
pub struct Operator;

impl Callers for Operator {
    const ALLOWED: &'static [&'static str] = &[OPERATOR];
}

/// Who steps in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Person {
    Admin(UserId),
    Operator,
}

impl Person {
    /// As histories have it.
    pub(super) const fn actor(self) -> Option<UserId> {
        match self {
            Self::Admin(admin) => Some(admin),
            Self::Operator => None,
        }
    }
}

impl std::fmt::Display for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Admin(admin) => write!(f, "administrator {admin}"),
            Self::Operator => f.write_str("the operator"),
        }
    }
}

/// Which sagas.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// A state in any case; `stuck` also finds what has been tried ten times and more. All of them unless given.
    state: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// At most 100; 20 unless said otherwise.
    size: Option<u32>,
}

impl ListQuery {
    fn choice(&self) -> Result<Choice, Error> {
        let Some(state) = &self.state else { return Ok(Choice::All) };
        match state.to_ascii_uppercase().parse() {
            Ok(SagaState::Stuck) => Ok(Choice::InTrouble),
            Ok(state) => Ok(Choice::State(state)),
            Err(_unknown) => Err(keyset::wrong_word("state").into()),
        }
    }
}

pub(super) async fn list(state: &AppState, query: &ListQuery) -> Result<Json<SagaList>, Error> {
    let choice = query.choice()?;
    let before = query.cursor.as_deref().map(str::parse).transpose();
    let before: Option<SagaId> = before.map_err(|_not_an_id| keyset::wrong("cursor"))?;
    let size = query.size.unwrap_or(PAGE_SIZE).clamp(1, MAX_PAGE_SIZE);
    let mut tx = db::begin(&state.db).await?;
    let mut items = saga_list::page(&mut tx, choice, before, i64::from(size) + 1).await?;
    tx.commit().await?;
    let more = items.len() > size as usize;
    items.truncate(size as usize);
    let next_cursor = items.last().filter(|_| more).map(|last| last.id.to_string());
    Ok(Json(SagaList { items, next_cursor }))
}

pub(super) async fn retry(
    state: &AppState,
    id: SagaId,
    by: Person,
    reason: &str,
) -> Result<Json<SagaView>, Error> {
    state.sagas.retry(id, by.actor(), reason).await?;
    info!(saga.id = %id, "{by} has saga {id} tried again");
    view(state, id).await
}

pub(super) async fn compensate(
    state: &AppState,
    id: SagaId,
    by: Person,
    reason: &str,
) -> Result<Json<SagaView>, Error> {
    state.sagas.compensate(id, by.actor(), reason).await?;
    info!(saga.id = %id, "{by} has saga {id} undone");
    view(state, id).await
}

pub(super) async fn resolve(
    state: &AppState,
    id: SagaId,
    by: Person,
    body: &ResolveSaga,
) -> Result<Json<SagaView>, Error> {
    let how = match body.r#as {
        Ended::Completed => Resolution::Completed,
        Ended::Compensated => Resolution::Compensated,
    };
    state.sagas.resolve(id, how, by.actor(), &body.reason).await?;
    let ended = body.r#as;
    info!(saga.id = %id, "{by} resolved saga {id} as {ended}");
    view(state, id).await
}

async fn view(state: &AppState, id: SagaId) -> Result<Json<SagaView>, Error> {
    let mut tx = db::begin(&state.db).await?;
    let saga = saga_list::find(&mut tx, id).await?.ok_or(Error::SagaNotFound)?;
    tx.commit().await?;
    Ok(Json(saga))
}
