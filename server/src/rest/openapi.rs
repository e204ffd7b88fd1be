//! The parts of the OpenAPI document that all operations share.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses, OpenApi, PartialSchema as _, ToSchema as _,
    openapi::{
        Content, Ref, RefOr, Response, ResponseBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::rest::problem::{Kind, PROBLEM_JSON, ProblemDocument};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Offhook",
        description = "Webhooks for phone platforms: post call events, manage endpoints, read deliveries.\n\n\
            Send an API token with each request: `Authorization: Bearer oh_…`. Errors are problem documents (RFC 9457). \
            Unknown fields in requests are rejected, except inside `payload`. Objects of other accounts are not found."
    ),
    tags(
        (name = "Events", description = "Call events from the phone platform"),
        (name = "Endpoints", description = "URLs that receive events"),
        (name = "Credentials", description = "Rotation of auth tokens and signing secrets"),
        (name = "Deliveries", description = "One event sent to one endpoint, with every attempt"),
        (name = "API tokens", description = "Credentials of programs that use this API"),
        (name = "Connectors", description = "Phone systems that report calls, and how their calls are routed"),
        (name = "Audit", description = "Who did what, when, from where"),
    )
)]
struct Base;

/// The document without its operations.
#[must_use]
pub fn base() -> utoipa::openapi::OpenApi {
    let mut document = Base::openapi();
    let components = document.components.get_or_insert_default();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API token: `oh_…`")).build();
    components.add_security_scheme("token", SecurityScheme::Http(bearer));
    components.schemas.insert(ProblemDocument::name().into_owned(), ProblemDocument::schema());
    let problems = Kind::ALL.map(|kind| (kind.facts().0.to_owned(), RefOr::T(described(kind))));
    components.responses.extend(problems);
    document
}

fn described(kind: Kind) -> Response {
    let document = Content::new(Some(Ref::from_schema_name(ProblemDocument::name())));
    ResponseBuilder::new().description(kind.facts().2).content(PROBLEM_JSON, document).build()
}

/// The problems that any operation may return.
pub struct Errors;

impl IntoResponses for Errors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        // One response per status: `Suspended` has the status of `Forbidden`.
        let all = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Suspended).map(Kind::facts);
        all.map(|(name, status, _)| (status.as_u16().to_string(), RefOr::Ref(Ref::from_response_name(name)))).collect()
    }
}
