//! Reading bookmarks: as arrays, and by pages.

use axum::Json;
use axum::extract::State;
use chassis::db;
use chassis::extract::{ApiPath, ApiQuery, CurrentUser};
use contract::id::{BookmarkId, RoomId};
use contract::problem::Problem;
use contract::response::{MAX_PAGE_SIZE, Page, Sort};
use contract::store::Bookmark;
use futures_util::TryStreamExt as _;
use futures_util::stream::BoxStream;
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;

use super::claim::claimed;
use crate::domain;
use crate::domain::violation::Violation;
use crate::error::Error;
use crate::repository::bookmark::{self, Place, Row};
use crate::state::AppState;

/// The longest array. Who has more reads pages.
const MOST: i64 = 1000;
/// An array ends early behind so many bytes of content: a thousand bookmarks can be 140 MB.
const MOST_BYTES: usize = 8 * 1024 * 1024;
/// Bookmarks in a page, unless said otherwise.
const DEFAULT_SIZE: u32 = 20;

/// Whose. What else the web client may send is ignored.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
pub struct RoomQuery {
    /// Must be the caller.
    user_id: Option<String>,
}

/// The caller's bookmarks of a room, whether or not chat knows it.
#[utoipa::path(
    get,
    path = "/api/store/bookmarks/chatroom/{chatroomId}",
    tag = "bookmarks",
    params(("chatroomId" = String, Path), RoomQuery),
    responses((status = 200, description = "The newest first; at most 1000, and about 8 MiB", body = Vec<Bookmark>)),
    security(("bearer" = []))
)]
pub async fn list_of_room(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiPath(room): ApiPath<String>,
    ApiQuery(query): ApiQuery<RoomQuery>,
) -> Result<Json<Vec<Bookmark>>, Error> {
    claimed(&user, query.user_id.as_deref())?;
    // What is no id is no room of anybody's.
    let Ok(room) = room.trim().parse::<RoomId>() else {
        return Ok(Json(Vec::new()));
    };
    let mut tx = db::begin(&state.db).await?;
    let found = collect(bookmark::of_room(&mut tx, user.id(), room, MOST)).await?;
    tx.commit().await?;
    Ok(Json(found))
}

/// From where on, and how many. What else the web client may send is ignored.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
pub struct CursorQuery {
    /// The last bookmark of the page before, which may have been deleted since; absent for the first page.
    last_id: Option<String>,
    /// At most 100; 20 unless said otherwise.
    size: Option<u32>,
    /// Must be the caller.
    user_id: Option<String>,
}

/// The caller's bookmarks, newest first, behind the last one that was read. Read to the end, every bookmark that is there
/// all the time comes exactly once, whatever is saved and deleted meanwhile.
#[utoipa::path(
    get,
    path = "/api/store/bookmarks/cursor",
    tag = "bookmarks",
    params(CursorQuery),
    responses((status = 200, description = "Empty and the last one when `lastId` is none of the caller's", body = Page<Bookmark>)),
    security(("bearer" = []))
)]
pub async fn list_behind(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiQuery(query): ApiQuery<CursorQuery>,
) -> Result<Json<Page<Bookmark>>, Error> {
    claimed(&user, query.user_id.as_deref())?;
    let size = query.size.unwrap_or(DEFAULT_SIZE).clamp(1, MAX_PAGE_SIZE);
    let last_id = query.last_id.as_deref().map(str::trim).filter(|id| !id.is_empty());
    let mut tx = db::begin(&state.db).await?;
    let place = match last_id.map(str::parse::<BookmarkId>) {
        None => Some(Place::FIRST),
        Some(Ok(id)) => bookmark::place(&mut tx, user.id(), id).await?,
        Some(Err(_)) => None,
    };
    // One more than wanted tells whether this is the last page.
    let mut rows = match place {
        Some(place) => bookmark::behind(&mut tx, user.id(), place, i64::from(size) + 1).await?,
        None => Vec::new(),
    };
    let total = bookmark::count(&mut tx, user.id()).await?;
    tx.commit().await?;
    let fitting = usize::try_from(size).unwrap_or(usize::MAX);
    let last = rows.len() <= fitting;
    rows.truncate(fitting);
    let mut page = Page::new(views(rows), 0, size, total.cast_unsigned(), Sort::SORTED);
    (page.first, page.last) = (last_id.is_none(), last);
    Ok(Json(page))
}

/// Whose.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// Must be the caller.
    user_id: Option<String>,
}

/// The caller's bookmarks.
#[utoipa::path(
    get,
    path = "/api/store/bookmarks",
    tag = "bookmarks",
    params(Query),
    responses((status = 200, description = "The newest first; at most 1000, and about 8 MiB", body = Vec<Bookmark>)),
    security(("bearer" = []))
)]
pub async fn list(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiQuery(query): ApiQuery<Query>,
) -> Result<Json<Vec<Bookmark>>, Error> {
    claimed(&user, query.user_id.as_deref())?;
    let mut tx = db::begin(&state.db).await?;
    let found = collect(bookmark::all(&mut tx, user.id(), MOST)).await?;
    tx.commit().await?;
    Ok(Json(found))
}

/// The caller's bookmarks of messages of one kind of bot.
#[utoipa::path(
    get,
    path = "/api/store/bookmarks/bot-type/{botType}",
    tag = "bookmarks",
    params(("botType" = String, Path, description = "friend, honey, coworker, senior or boss"), Query),
    responses(
        (status = 200, description = "The newest first; at most 1000, and about 8 MiB", body = Vec<Bookmark>),
        (status = 400, description = "E003", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn list_of_bot_type(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiPath(bot_type): ApiPath<String>,
    ApiQuery(query): ApiQuery<Query>,
) -> Result<Json<Vec<Bookmark>>, Error> {
    claimed(&user, query.user_id.as_deref())?;
    let bot_type = domain::bookmark::bot_type(&bot_type)?;
    let mut tx = db::begin(&state.db).await?;
    let found = collect(bookmark::of_bot_type(&mut tx, user.id(), bot_type, MOST)).await?;
    tx.commit().await?;
    Ok(Json(found))
}

/// How many bookmarks the caller has.
#[utoipa::path(
    get,
    path = "/api/store/bookmarks/count",
    tag = "bookmarks",
    params(Query),
    responses((status = 200, description = "A number", body = i64)),
    security(("bearer" = []))
)]
pub async fn count(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiQuery(query): ApiQuery<Query>,
) -> Result<Json<i64>, Error> {
    claimed(&user, query.user_id.as_deref())?;
    let mut tx = db::begin(&state.db).await?;
    let count = bookmark::count(&mut tx, user.id()).await?;
    tx.commit().await?;
    Ok(Json(count))
}

/// Which page.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// From 0.
    #[serde(default)]
    page: u32,
    /// At most 100; 20 unless said otherwise.
    size: Option<u32>,
    /// `createdAt,desc` or `createdAt,asc`; the former unless said otherwise.
    sort: Option<String>,
    /// Must be the caller.
    user_id: Option<String>,
}

/// The caller's bookmarks by page. What is saved and deleted meanwhile shifts them; `/cursor` does not shift.
#[utoipa::path(
    get,
    path = "/api/store/bookmarks/page",
    tag = "bookmarks",
    params(PageQuery),
    responses(
        (status = 200, description = "A page", body = Page<Bookmark>),
        (status = 400, description = "E002, E003", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn list_page(
    State(state): State<AppState>,
    user: CurrentUser,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<Bookmark>>, Error> {
    claimed(&user, query.user_id.as_deref())?;
    let order = Order::parse(query.sort.as_deref().unwrap_or_default())?;
    let size = query.size.unwrap_or(DEFAULT_SIZE).clamp(1, MAX_PAGE_SIZE);
    let offset = i64::from(query.page) * i64::from(size);
    let mut tx = db::begin(&state.db).await?;
    let rows = match order {
        Order::NewestFirst => bookmark::newest_page(&mut tx, user.id(), size.into(), offset).await?,
        Order::OldestFirst => bookmark::oldest_page(&mut tx, user.id(), size.into(), offset).await?,
    };
    let total = bookmark::count(&mut tx, user.id()).await?;
    tx.commit().await?;
    Ok(Json(Page::new(views(rows), query.page, size, total.cast_unsigned(), Sort::SORTED)))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    NewestFirst,
    OldestFirst,
}

impl Order {
    fn parse(sort: &str) -> Result<Self, Violation> {
        match sort {
            "" | "createdAt,desc" => Ok(Self::NewestFirst),
            "createdAt" | "createdAt,asc" => Ok(Self::OldestFirst),
            _ => Err(Violation::new(
                "sort",
                "createdAt,desc 또는 createdAt,asc여야 합니다.",
                "Either createdAt,desc or createdAt,asc.",
            )),
        }
    }
}

fn views(rows: Vec<Row>) -> Vec<Bookmark> {
    rows.into_iter().map(Bookmark::from).collect()
}

async fn collect(mut rows: BoxStream<'_, Result<Row, sqlx::Error>>) -> Result<Vec<Bookmark>, sqlx::Error> {
    let (mut found, mut bytes) = (Vec::new(), 0);
    while bytes < MOST_BYTES
        && let Some(row) = rows.try_next().await?
    {
        bytes += row.bytes();
        found.push(row.into());
    }
    Ok(found)
}
