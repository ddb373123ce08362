//! The same of sagas for the operator, i.e. the command line, with a token signed by its key.

use axum::Json;
use axum::extract::State;
use chassis::extract::{ApiJson, ApiPath, ApiQuery, ServiceCaller};
use contract::id::SagaId;
use contract::problem::Problem;
use contract::store::SagaView;
use contract::store::maintenance::{Intervention, ResolveSaga, SagaList};

use super::saga_access::{self, ListQuery, Operator, Person};
use crate::error::Error;
use crate::state::AppState;

/// Sagas, the newest first; `stuck` are those that wait for a person or have been tried ten times and more.
#[utoipa::path(
    get,
    path = "/internal/sagas",
    tag = "sagas",
    params(ListQuery),
    responses(
        (status = 200, description = "A page", body = SagaList),
        (status = 400, description = "E003", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: another service", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn list_sagas_as_operator(
    State(state): State<AppState>,
    _: ServiceCaller<Operator>,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<SagaList>, Error> {
    saga_access::list(&state, &query).await
}

/// Has the next attempt made now.
#[utoipa::path(
    post,
    path = "/internal/sagas/{id}/retry",
    tag = "sagas",
    params(("id" = SagaId, Path)),
    request_body = Intervention,
    responses(
        (status = 200, description = "The saga as it is now", body = SagaView),
        (status = 400, description = "E003", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: another service", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: no such saga", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "S003: it has ended", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn retry_saga_as_operator(
    State(state): State<AppState>,
    _: ServiceCaller<Operator>,
    ApiPath(id): ApiPath<SagaId>,
    ApiJson(body): ApiJson<Intervention>,
) -> Result<Json<SagaView>, Error> {
    saga_access::retry(&state, id, Person::Operator, &body.reason).await
}

/// Undoes what was done: an order fails and its money goes back; a refund that the provider refused is given up.
#[utoipa::path(
    post,
    path = "/internal/sagas/{id}/compensate",
    tag = "sagas",
    params(("id" = SagaId, Path)),
    request_body = Intervention,
    responses(
        (status = 200, description = "The saga as it is now", body = SagaView),
        (status = 400, description = "E003", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: another service", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: no such saga", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "S003: it has ended, or cannot be undone", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn compensate_saga_as_operator(
    State(state): State<AppState>,
    _: ServiceCaller<Operator>,
    ApiPath(id): ApiPath<SagaId>,
    ApiJson(body): ApiJson<Intervention>,
) -> Result<Json<SagaView>, Error> {
    saga_access::compensate(&state, id, Person::Operator, &body.reason).await
}

/// Ends a stuck saga as a person has found out that it ended at the provider, who is not asked.
#[utoipa::path(
    post,
    path = "/internal/sagas/{id}/resolve",
    tag = "sagas",
    params(("id" = SagaId, Path)),
    request_body = ResolveSaga,
    responses(
        (status = 200, description = "The saga as it is now", body = SagaView),
        (status = 400, description = "E002, E003", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: another service", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: no such saga", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "S003: it is not stuck", body = Problem, content_type = "application/problem+json"),
    ),
    security(("service" = []))
)]
pub async fn resolve_saga_as_operator(
    State(state): State<AppState>,
    _: ServiceCaller<Operator>,
    ApiPath(id): ApiPath<SagaId>,
    ApiJson(body): ApiJson<ResolveSaga>,
) -> Result<Json<SagaView>, Error> {
    saga_access::resolve(&state, id, Person::Operator, &body).await
}
