//! Changing the catalogue, for administrators.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::extract::{Admin, ApiJson, ApiPath};
use chassis::{ApiError, db};
use contract::id::{ItemId, UserId};
use contract::problem::Problem;
use contract::store::{Item, ItemStatus};
use garde::Validate;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Deserializer};
use tracing::info;
use utoipa::ToSchema;

use super::item_view::{unchanged, view};
use crate::catalogue;
use crate::domain::item::{Change, Content};
use crate::error::Error;
use crate::repository::item;
use crate::state::AppState;

/// All that can be said of an item. What may be left out has a value of its own then.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct ItemRequest {
    /// 2 to 40 capital letters, digits and hyphens; no other item has it.
    #[schema(pattern = "^[A-Z0-9][A-Z0-9-]{1,39}$")]
    sku: String,
    #[schema(max_length = 200)]
    name: String,
    #[serde(default)]
    #[schema(max_length = 5000)]
    description: String,
    #[schema(max_length = 50)]
    category: String,
    /// In minor units of the currency.
    #[schema(minimum = 0)]
    price: i64,
    /// ISO 4217.
    #[serde(default = "won")]
    #[schema(default = "KRW")]
    currency: String,
    #[serde(default = "active")]
    #[schema(default = "ACTIVE")]
    status: ItemStatus,
    /// An https address, or a path on this site.
    image_url: Option<String>,
}

/// What is to be otherwise. What is left out stays; only the picture can be null.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct ItemPatch {
    #[serde(default, deserialize_with = "given")]
    sku: Option<String>,
    #[serde(default, deserialize_with = "given")]
    name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    description: Option<String>,
    #[serde(default, deserialize_with = "given")]
    category: Option<String>,
    #[serde(default, deserialize_with = "given")]
    price: Option<i64>,
    #[serde(default, deserialize_with = "given")]
    currency: Option<String>,
    #[serde(default, deserialize_with = "given")]
    status: Option<ItemStatus>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    #[expect(clippy::option_option, reason = "left out, null and an address are three things")]
    image_url: Option<Option<String>>,
}

fn won() -> String {
    "KRW".to_owned()
}

const fn active() -> ItemStatus {
    ItemStatus::Active
}

/// What is there was given, be it null.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl From<ItemRequest> for Content {
    fn from(body: ItemRequest) -> Self {
        Self {
            sku: body.sku,
            name: body.name,
            description: body.description,
            category: body.category,
            price: body.price,
            currency: body.currency,
            status: body.status,
            image_url: body.image_url,
        }
    }
}

impl From<ItemPatch> for Change {
    fn from(body: ItemPatch) -> Self {
        Self {
            sku: body.sku,
            name: body.name,
            description: body.description,
            category: body.category,
            price: body.price,
            currency: body.currency,
            status: body.status,
            image_url: body.image_url,
        }
    }
}

/// A new item, of which nothing is in stock yet.
#[utoipa::path(
    post,
    path = "/api/store/items",
    tag = "items",
    request_body = ItemRequest,
    responses(
        (status = 201, description = "The item, with its ETag", body = Item, headers(("Location" = String))),
        (status = 400, description = "E002, E003", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "E002: another item has this sku", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn create_item(
    State(state): State<AppState>,
    Admin(admin): Admin,
    ApiJson(body): ApiJson<ItemRequest>,
) -> Result<Response, Error> {
    let content = Content::from(body).checked().map_err(Error::Invalid)?;
    let id: ItemId = chassis::fresh_id();
    let mut tx = db::begin(&state.db).await?;
    let record = item::insert(&mut tx, id, &content).await?;
    catalogue::changed(&mut tx, &record).await?;
    tx.commit().await?;
    state.catalogue.forget(id, record.version).await;
    let by = admin.id();
    info!(admin.id = %by, item.id = %id, "administrator {by} added item {id}");
    let location = HeaderValue::from_str(&format!("/api/store/items/{id}")).map_err(ApiError::internal)?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], view(record.with_stock(0))).into_response())
}

/// The item as a whole. `If-Match` is honoured when sent; what changes nothing keeps the version.
#[utoipa::path(
    put,
    path = "/api/store/items/{id}",
    tag = "items",
    params(("id" = ItemId, Path), ("If-Match" = Option<String>, Header, description = "ETag of the item; its stock does not matter")),
    request_body = ItemRequest,
    responses(
        (status = 200, description = "The item as it is now, with its ETag", body = Item),
        (status = 400, description = "E002, E003", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "S001", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "E002: another item has this sku", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "The item changed since it was read", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn put_item(
    State(state): State<AppState>,
    Admin(admin): Admin,
    ApiPath(id): ApiPath<ItemId>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<ItemRequest>,
) -> Result<Response, Error> {
    let content = Content::from(body).checked().map_err(Error::Invalid)?;
    change(&state, admin.id(), id, &headers, |_| Ok(content)).await.map(view)
}

/// Parts of the item. `If-Match` is honoured when sent; what changes nothing keeps the version.
#[utoipa::path(
    patch,
    path = "/api/store/items/{id}",
    tag = "items",
    params(("id" = ItemId, Path), ("If-Match" = Option<String>, Header, description = "ETag of the item; its stock does not matter")),
    request_body = ItemPatch,
    responses(
        (status = 200, description = "The item as it is now, with its ETag", body = Item),
        (status = 400, description = "E002, E003", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "S001", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "E002: another item has this sku", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "The item changed since it was read", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn patch_item(
    State(state): State<AppState>,
    Admin(admin): Admin,
    ApiPath(id): ApiPath<ItemId>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<ItemPatch>,
) -> Result<Response, Error> {
    let to = |content: Content| content.with(body.into()).checked().map_err(Error::Invalid);
    change(&state, admin.id(), id, &headers, to).await.map(view)
}

/// Takes the item out of the catalogue for good. It stays for the orders that name it.
#[utoipa::path(
    delete,
    path = "/api/store/items/{id}",
    tag = "items",
    params(("id" = ItemId, Path), ("If-Match" = Option<String>, Header, description = "ETag of the item; its stock does not matter")),
    responses(
        (status = 204, description = "It is DISCONTINUED now, or was before"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "S001", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "The item changed since it was read", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []))
)]
pub async fn delete_item(
    State(state): State<AppState>,
    Admin(admin): Admin,
    ApiPath(id): ApiPath<ItemId>,
    headers: HeaderMap,
) -> Result<StatusCode, Error> {
    let to = |content| Ok(Content { status: ItemStatus::Discontinued, ..content });
    change(&state, admin.id(), id, &headers, to).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes of the item what `to` makes of it, and says what it is then.
async fn change(
    state: &AppState,
    by: UserId,
    id: ItemId,
    headers: &HeaderMap,
    to: impl FnOnce(Content) -> Result<Content, Error> + Send,
) -> Result<Item, Error> {
    let mut tx = db::begin(&state.db).await?;
    let record = item::lock(&mut tx, id).await?.ok_or(Error::ItemNotFound)?;
    unchanged(headers, &record)?;
    let before = record.content();
    let after = to(before.clone())?;
    if after == before {
        let available = item::available(&mut tx, id).await?;
        tx.commit().await?;
        return Ok(record.with_stock(available));
    }
    let record = item::update(&mut tx, id, &after).await?;
    catalogue::changed(&mut tx, &record).await?;
    let available = item::available(&mut tx, id).await?;
    tx.commit().await?;
    state.catalogue.forget(id, record.version).await;
    let (version, changed) = (record.version, before.differences(&after));
    info!(admin.id = %by, item.id = %id, version, changed, "administrator {by} changed item {id} to version {version}");
    Ok(record.with_stock(available))
}
