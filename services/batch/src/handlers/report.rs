//! What jobs have found: listed, and in the form that the caller takes.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use chassis::extract::{ApiPath, ApiQuery};
use chassis::{ApiError, db};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use contract::batch::{ReportBody, ReportList};
use contract::code::ErrorCode;
use contract::id::ReportId;
use contract::problem::Problem;
use contract::text::Text;
use garde::Validate;
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;
use utoipa::IntoParams;

use super::beginning;
use super::keyset::{self, Keyset};
use super::operator::Operator;
use crate::domain::accept::{self, Form};
use crate::error::Error;
use crate::repository::report::{self, Choice};
use crate::state::AppState;

/// A report has 10,000 rows of at most some hundred bytes.
const LONGEST: usize = 64 * 1024 * 1024;

/// Which reports.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Of this job.
    job: Option<String>,
    /// Reports of dry runs instead of real ones.
    #[serde(default)]
    dry_run: bool,
    /// The beginning of an id, at least 8 digits: real or not.
    id: Option<String>,
    /// About nothing before this time (RFC 3339), or before this day of UTC (`YYYY-MM-DD`).
    from: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// At most 100; 20 unless said otherwise.
    size: Option<u32>,
}

/// Reports, those about the latest time first.
#[utoipa::path(
    get,
    path = "/api/batch/reports",
    tag = "reports",
    params(ListQuery),
    responses(
        (status = 200, description = "A page", body = ReportList),
        (status = 400, description = "E002, E003", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("service" = []))
)]
pub async fn list_reports(
    State(state): State<AppState>,
    _: Operator,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<ReportList>, Error> {
    let from = query.from.as_deref().map(time).transpose()?;
    let before = Keyset::read(query.cursor.as_deref())?;
    let size = keyset::size(query.size);
    let (job, limit) = (query.job.as_deref(), keyset::limit(size));
    let ids = beginning::ids(query.id.as_deref())?;
    let dry_run = ids.is_none().then_some(query.dry_run);
    let choice = Choice { job, dry_run, ids, from, before, limit };
    let mut tx = db::begin(&state.db).await?;
    let mut content = report::page(&mut tx, &choice).await?;
    tx.commit().await?;
    let next_cursor =
        keyset::cut(&mut content, size).map(|last| Keyset::new(last.period_start, last.id).to_string());
    Ok(Json(ReportList { content, next_cursor }))
}

/// A `+` in a query is a space.
fn time(text: &str) -> Result<DateTime<Utc>, ApiError> {
    let day = |text: &str| Some(text.parse::<NaiveDate>().ok()?.and_time(NaiveTime::MIN).and_utc());
    let time = text.replace(' ', "+").parse().ok().or_else(|| day(text));
    time.ok_or_else(|| {
        let text = Text::new(
            "RFC 3339 시각 또는 YYYY-MM-DD 날짜여야 합니다.",
            "This is neither a time of RFC 3339 nor a date, YYYY-MM-DD.",
        );
        ApiError::new(ErrorCode::Validation).field("from", text)
    })
}

/// A report's content, as JSON or as a table, whichever `Accept` prefers.
#[utoipa::path(
    get,
    path = "/api/batch/reports/{id}",
    tag = "reports",
    params(("id" = ReportId, Path)),
    responses(
        (
            status = 200,
            description = "All of it; the table has a line with the names of its columns",
            content((ReportBody = "application/json"), (String = "text/csv")),
            headers(("Vary", description = "`Accept`")),
        ),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: no such report", body = Problem, content_type = "application/problem+json"),
        (status = 406, description = "E002: neither JSON nor CSV", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "G002: the object store does not answer", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("service" = []))
)]
pub async fn get_report(
    State(state): State<AppState>,
    _: Operator,
    ApiPath(id): ApiPath<ReportId>,
    headers: HeaderMap,
) -> Response {
    let mut response = content(&state, id, &headers).await.unwrap_or_else(Error::into_response);
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Accept"));
    response
}

async fn content(state: &AppState, id: ReportId, headers: &HeaderMap) -> Result<Response, Error> {
    let mut tx = db::begin(&state.db).await?;
    let place = report::place(&mut tx, id).await?.ok_or(Error::ReportNotFound)?;
    tx.commit().await?;
    let lines: Vec<_> =
        headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok()).collect();
    let form = accept::choose(Some(&lines.join(","))).ok_or(Error::NotAcceptable)?;
    let (path, kind, extension) = match form {
        Form::Json => (place.json_path, "application/json", "json"),
        Form::Csv => (place.csv_path, "text/csv; charset=utf-8", "csv"),
    };
    let bytes = state.objects.get(&path, LONGEST).await?;
    // Names of jobs are letters, digits and dashes.
    let file = format!("inline; filename=\"{}-{id}.{extension}\"", place.job);
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, &*file)];
    Ok((headers, Body::from(bytes)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_begins_at_a_time_or_a_day() {
        for (text, expected) in [
            ("2026-11-22", Some("2026-11-22T00:00:00Z")),
            ("2026-11-22T03:04:05Z", Some("2026-11-22T03:04:05Z")),
            ("2026-11-22T03:04:05.5+09:00", Some("2026-11-21T18:04:05.5Z")),
            ("2026-11-22T03:04:05 09:00", Some("2026-11-21T18:04:05Z")),
            ("2026-11-31", None),
            ("yesterday", None),
            ("", None),
        ] {
            let expected = expected.map(|text| text.parse::<DateTime<Utc>>().unwrap());
            assert_eq!(time(text).ok(), expected, "{text}");
        }
    }
}
