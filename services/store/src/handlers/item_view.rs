//! Items as answers, with the tags that tell whether they are still the same.

use aws_lc_rs::digest::{SHA256, digest};
use axum::Json;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::{ApiError, entity_tag};
use contract::store::Item;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::error::Error;
use crate::repository::item::Record;

/// To be kept only if it is asked each time whether it is still so: the stock is in it.
pub(super) const CACHE_CONTROL: (HeaderName, HeaderValue) =
    (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));

/// Half of a SHA-256 tells two lists apart.
const TAG_BYTES: usize = 16;

/// The item's `ETag`: `"<version>-<stock>"`.
pub(super) fn tag(item: &Item) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{}-{}\"", item.version, item.stock))
        .expect("digits, a hyphen and quotes are a header value")
}

/// The item with its tag.
pub(super) fn view(item: Item) -> Response {
    ([(header::ETAG, tag(&item)), CACHE_CONTROL], Json(item)).into_response()
}

/// What `body` is, unless the caller has it already.
pub(super) fn tagged(headers: &HeaderMap, body: &impl Serialize) -> Result<Response, Error> {
    let json = serde_json::to_vec(body).map_err(ApiError::internal)?;
    let hash = URL_SAFE_NO_PAD.encode(&digest(&SHA256, &json).as_ref()[..TAG_BYTES]);
    // Weak: what compresses it on the way leaves the tag as it is.
    let tag = HeaderValue::from_str(&format!("W/\"{hash}\"")).map_err(ApiError::internal)?;
    if entity_tag::is_known(headers, &tag) {
        return Ok(not_modified(tag));
    }
    let json_type = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(([(header::ETAG, tag), CACHE_CONTROL, json_type], json).into_response())
}

pub(super) fn not_modified(tag: HeaderValue) -> Response {
    (StatusCode::NOT_MODIFIED, [(header::ETAG, tag), CACHE_CONTROL]).into_response()
}

/// Whether the caller knows the item as it is, or does not say what it knows. How many there are is no matter: a sale
/// does not get in an editor's way.
///
/// # Errors
/// When what it knows is stale.
pub(super) fn unchanged(headers: &HeaderMap, record: &Record) -> Result<(), Error> {
    let version = |tag: &str| {
        let (version, stock) = tag.split_once('-').unwrap_or((tag, "0"));
        let _stock: i64 = stock.parse().ok()?;
        version.parse::<i64>().ok()
    };
    match entity_tag::if_match_with(headers, version) {
        Some(versions) if !versions.contains(&record.version) => Err(Error::Stale),
        Some(_) | None => Ok(()),
    }
}
