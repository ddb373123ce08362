//! The catalogue as everybody sees it.

use axum::extract::State;
use axum::response::Response;
use chassis::extract::{Admin, ApiPath, ApiQuery};
use chassis::{ApiError, db, entity_tag};
use contract::id::ItemId;
use contract::problem::Problem;
use contract::response::{CursorPage, MAX_PAGE_SIZE};
use contract::store::{Item, ItemStatus};
use garde::Validate;
use http::HeaderMap;
use serde::Deserialize;
use utoipa::IntoParams;

use super::item_cursor;
use super::item_view::{not_modified, tag, tagged, view};
use crate::domain::listing::{self, Choice};
use crate::error::Error;
use crate::repository::item_list;
use crate::state::AppState;

const PAGE_SIZE: u32 = 20;

/// Which items, in which order.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
pub struct ItemsQuery {
    /// 1 to 50 characters.
    category: Option<String>,
    /// 1 to 100 characters that stand somewhere in the name or the description, in any case of letters.
    q: Option<String>,
    /// `newest` (unless said otherwise), `price_asc`, `price_desc` or `name`.
    sort: Option<String>,
    /// What is not `ACTIVE` is for administrators.
    status: Option<String>,
    /// `nextCursor` of the page before, with the same conditions.
    cursor: Option<String>,
    /// At most 100; 20 unless said otherwise.
    size: Option<u32>,
}

impl ItemsQuery {
    fn choice(&self) -> Result<Choice, Error> {
        let status = listing::status(self.status.as_deref());
        let category = listing::category(self.category.as_deref());
        let search = listing::search(self.q.as_deref());
        let sort = listing::sort(self.sort.as_deref());
        match (status, category, search, sort) {
            (Ok(status), Ok(category), Ok(search), Ok(sort)) => Ok(Choice { status, category, search, sort }),
            (status, category, search, sort) => {
                let wrong = [status.err(), category.err(), search.err(), sort.err()];
                Err(Error::Invalid(wrong.into_iter().flatten().collect()))
            }
        }
    }
}

/// Items by the page. What comes and goes meanwhile moves nothing to another page.
#[utoipa::path(
    get,
    path = "/api/store/items",
    tag = "items",
    params(ItemsQuery, ("If-None-Match" = Option<String>, Header, description = "ETags of what is known")),
    responses(
        (status = 200, description = "A page, with an ETag", body = CursorPage<Item>),
        (status = 304, description = "What is known is still so"),
        (status = 400, description = "E003: a condition, or a cursor of other conditions", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002, for a status other than ACTIVE", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: such a status is for administrators", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_items(
    State(state): State<AppState>,
    admin: Result<Admin, ApiError>,
    ApiQuery(query): ApiQuery<ItemsQuery>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let choice = query.choice()?;
    if choice.status != ItemStatus::Active {
        admin?;
    }
    let after = query.cursor.as_deref().map(|cursor| item_cursor::read(&choice, cursor)).transpose()?;
    let size = query.size.unwrap_or(PAGE_SIZE).clamp(1, MAX_PAGE_SIZE);
    let mut tx = db::begin(&state.db).await?;
    // One more than wanted tells whether this is the last page.
    let mut content = item_list::page(&mut tx, &choice, after.as_ref(), i64::from(size) + 1).await?;
    tx.commit().await?;
    let more = content.len() > size as usize;
    content.truncate(size as usize);
    let last = content.last().filter(|_| more);
    let next_cursor = last.map(|item| item_cursor::write(&choice, item)).transpose();
    tagged(&headers, &CursorPage { content, next_cursor: next_cursor.map_err(ApiError::internal)? })
}

/// One item. What is not for sale is shown to administrators only.
#[utoipa::path(
    get,
    path = "/api/store/items/{id}",
    tag = "items",
    params(("id" = ItemId, Path), ("If-None-Match" = Option<String>, Header, description = "ETags of what is known")),
    responses(
        (status = 200, description = "The item; its ETag is its version and stock", body = Item),
        (status = 304, description = "What is known is still so"),
        (status = 404, description = "S001", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_item(
    State(state): State<AppState>,
    admin: Result<Admin, ApiError>,
    ApiPath(id): ApiPath<ItemId>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let item = state.catalogue.find(id).await?.ok_or(Error::ItemNotFound)?;
    if item.status != ItemStatus::Active && admin.is_err() {
        return Err(Error::ItemNotFound);
    }
    let tag = tag(&item);
    Ok(if entity_tag::is_known(&headers, &tag) { not_modified(tag) } else { view(item) })
}
