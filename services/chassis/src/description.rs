//! Completes what the code says about a service's routes to a valid OpenAPI document.

use contract::problem::Problem;
use http::StatusCode;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{PartialSchema as _, ToSchema as _};

/// Names the service, declares the kinds of tokens and the one shape of errors, and lets a response without a
/// description of its own be described by its status: OpenAPI demands one.
pub(crate) fn complete(mut api: OpenApi, service: &str) -> OpenApi {
    api.info.title = format!("DoranDoran {service}");
    api.info.version = String::from(env!("CARGO_PKG_VERSION"));
    // What the router's own crate says of itself.
    (api.info.description, api.info.contact, api.info.license) = (None, None, None);
    let components = api.components.get_or_insert_default();
    for (name, text) in [
        ("bearer", "The access token of a login"),
        ("service", "A token that another service or an operator signed for this service"),
    ] {
        let scheme =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").description(Some(text));
        components.add_security_scheme(name, SecurityScheme::Http(scheme.build()));
    }
    let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);
    for operation in api.paths.paths.values_mut().flat_map(operations) {
        for (status, response) in &mut operation.responses.responses {
            if let RefOr::T(response) = response
                && response.description.is_empty()
            {
                response.description = reason(status);
            }
        }
        operation.responses.responses.entry("default".to_owned()).or_insert_with(|| problem().into());
    }
    api
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut path.get, &mut path.post, &mut path.put, &mut path.patch, &mut path.delete].into_iter().flatten()
}

/// Any status that a route does not name: a bad token, a malformed body, a database that is away.
fn problem() -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    ResponseBuilder::new()
        .description("Any other refusal or failure")
        .content(Problem::CONTENT_TYPE, content)
        .build()
}

fn reason(status: &str) -> String {
    let known = status.parse().ok().and_then(|status: StatusCode| status.canonical_reason());
    known.unwrap_or(status).to_owned()
}
