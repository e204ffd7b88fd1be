//! HTTP in: phone systems that can only send requests of their own format. A mapping says what they mean.
//!
//! The secret is in the path, because that is all that many phone systems let people enter. Responses are short texts, and refusals problem
//! documents: what repeats a request after a 5xx loses nothing, since a repeated request gives the same events.

mod accept;
mod read;
mod report;

use std::borrow::Cow;

use axum::{
    Router,
    extract::{Path, Request, State},
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    middleware,
    response::{IntoResponse as _, Response},
    routing::{any, get},
};
use connect::http_in::fields::BODY_MAX_BYTES;
use domain::{
    Error,
    connector::{OpenConnector, REQUESTS_PATH_PREFIX, RawRequest, Way},
};

use self::{accept::Verdict, read::Reading};
use crate::{
    app_state::{AppState, SharedState},
    mappings,
    plain_error::PlainError,
    rate_limit::Decision,
    request_body::{self, Refused},
    request_span,
    rest::problem,
    time_limit,
};

const UNKNOWN: &str = "This address does not exist. Copy it again from the connector's page.\n";
const UNMAPPED: &str = "This connector has no mapping yet. Choose a preset on its page.\n";
const NOT_UNDERSTOOD: &str = "The mapping does not understand this request. Try it on the connector's page.\n";

/// `POST` and `GET /in/{connector}/{secret}`.
pub fn routes() -> Router<SharedState> {
    Router::new()
        .route(&format!("{REQUESTS_PATH_PREFIX}{{connector}}/{{secret}}"), get(receive).post(receive))
        .route(&format!("{REQUESTS_PATH_PREFIX}{{connector}}"), any(unknown))
        .route(&format!("{REQUESTS_PATH_PREFIX}{{connector}}/{{secret}}/{{*path}}"), any(unknown))
        .layer(middleware::from_fn(problem::documents_of_lines))
}

async fn unknown() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, UNKNOWN)
}

async fn receive(
    State(state): State<SharedState>,
    Path((connector, secret)): Path<(String, String)>,
    request: Request,
) -> Response {
    request_span::record_route(&request);
    // `get` takes HEAD as well, which must change nothing.
    if request.method() == Method::HEAD {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, POST")]).into_response();
    }
    match opened(&state, &connector, &secret).await {
        Ok(open) => time_limit::within_limit(handle(&state, &open, request)).await,
        Err(error) => refused(&error),
    }
}

/// The connector, before anything of the body is read.
async fn opened(state: &AppState, connector: &str, secret: &str) -> Result<OpenConnector, Error> {
    let open = match state.backend.open_connector(connector, secret).await {
        Ok(open) if open.connector.way == Way::Http => open,
        // A malformed id is as unknown as another.
        Ok(_) | Err(Error::Invalid(_)) => return Err(Error::NotFound("Connector".to_owned())),
        Err(error) => return Err(error),
    };
    request_span::record_actor(&open.actor);
    match state.rates.connectors.take(open.connector.id.as_str(), state.backend.clock().now()) {
        Decision::Allowed { .. } => Ok(open),
        Decision::Limited { retry_after_s } => Err(Error::TooMany { retry_after_s }),
    }
}

async fn handle(state: &AppState, open: &OpenConnector, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let held = state.bodies.calls.part_of(payer(open));
    let body = match request_body::receive(&parts.headers, body, BODY_MAX_BYTES, held).await {
        Ok(body) => body,
        Err(Refused::Busy) => return refused(&request_body::busy()),
        Err(Refused::Broken) => return (StatusCode::BAD_REQUEST, "The request ended early.\n").into_response(),
        Err(Refused::TooLarge) => {
            return (StatusCode::PAYLOAD_TOO_LARGE, "A request has at most 256 KiB.\n").into_response();
        }
    };
    let raw = raw_request(state, &parts, &body.bytes);
    if let Err(error) = state.backend.keep_request(open, &raw).await {
        return refused(&error);
    }
    let Some(mapping) = &open.connector.mapping else {
        return (StatusCode::UNPROCESSABLE_ENTITY, UNMAPPED).into_response();
    };
    let reading = mappings::compile(mapping).map(|mapper| read::request(&open.connector, &mapper, &raw, &body.bytes));
    let reading = match reading {
        Ok(reading) => reading,
        Err(error) => return refused(&error),
    };
    let response = reading.response;
    let verdict = understood(state, open, reading).await;
    let address = response.filter(|_| verdict.is_success()).map(|response| (response, address(state, &parts)));
    match address {
        Some((response, url)) => {
            let (kind, body) = response.of(&url);
            ([(header::CONTENT_TYPE, kind)], body).into_response()
        }
        None => verdict.into_response(),
    }
}

/// Accepts what was read, and reports on the connector's page how that went.
async fn understood(state: &AppState, open: &OpenConnector, reading: Reading) -> Verdict {
    let Reading { outcomes, trouble, .. } = reading;
    let folded = accept::remembered(state, open, outcomes).await;
    let (events, wrong) = match folded {
        Ok(folded) => folded,
        Err(error) => return Verdict::Again(error),
    };
    let trouble = trouble.or(wrong);
    let verdict = accept::all(state, open, events).await;
    report::state(state, open, trouble.as_ref()).await;
    match verdict {
        Verdict::Ok if trouble.is_some() => Verdict::NotUnderstood,
        verdict => verdict,
    }
}

/// Whose part of the budget it is: an account's, as with its tokens.
fn payer(open: &OpenConnector) -> String {
    open.connector.owner.account().map_or_else(|| open.connector.id.to_string(), ToString::to_string)
}

fn raw_request(state: &AppState, parts: &Parts, body: &[u8]) -> RawRequest {
    RawRequest {
        received_at: state.backend.clock().now(),
        method: parts.method.to_string(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        content_type: content_type(&parts.headers).into_owned(),
        body: String::from_utf8_lossy(body).into_owned(),
    }
}

fn content_type(headers: &HeaderMap) -> Cow<'_, str> {
    headers.get(header::CONTENT_TYPE).map_or(Cow::Borrowed(""), |value| String::from_utf8_lossy(value.as_bytes()))
}

/// The address of this request, as phone systems reach it.
fn address(state: &AppState, parts: &Parts) -> String {
    let public = state.public_url.as_str().trim_end_matches('/');
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    format!("{public}{path}")
}

/// An error as a line of text.
fn refused(error: &Error) -> Response {
    match error {
        Error::NotFound(_) => (StatusCode::NOT_FOUND, UNKNOWN).into_response(),
        error => PlainError::from(error.clone()).into_response(),
    }
}
