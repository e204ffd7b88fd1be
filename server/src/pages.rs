//! Pages and their server functions, with the context that they run in.

use std::sync::Arc;

use app::{
    api::{
        connectors::{SaveMapping, SaveTrunks, UpdateConnector},
        endpoints::{CreateEndpoint, UpdateEndpoint},
        ops_connectors::{ImportRoutes, SavePlatformMapping, SavePlatformTrunks, UpdatePlatformConnector},
        test_events::{SendTest, Start},
    },
    ssr::{AttemptLimit, ClientIp, Postponed, PostponedForm, PublicUrl, SecureCookies},
};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, any, get},
};
use domain::{
    client::{counted_as, network},
    connector::{Mappings, imports::RecordFiles},
};
use leptos::{
    context::provide_context,
    server_fn::{ServerFn as _, axum::server_fn_paths},
};
use tower_http::{CompressionLevel, compression::CompressionLayer};
use tower_sessions::Session;

use crate::{
    app_state::{AppState, SharedState},
    audit_export, client_ip, csrf, live, live_ops, local,
    mappings::ConnectMappings,
    plain_error::{self, PlainError},
    rate_limit::Decision,
    record_upload,
    records::ConnectRecords,
    request_body::{self, Received, Refused},
    request_span,
    rest::problem::Kind,
    session_store, site, time_limit, user,
};

/// Largest form in bytes. The longest field of most is a reason of 500 characters, each up to 12 bytes percent-encoded.
const FORM_MAX_BYTES: usize = 8 * 1_024;
/// The same with the headers of an endpoint: 20 of 2 KiB, which percent-encoding may triple.
const HEADERS_FORM_MAX_BYTES: usize = 192 * 1_024;
/// The same with an example payload of 256 KiB, which percent-encoding may triple.
const PAYLOAD_FORM_MAX_BYTES: usize = 1_024 * 1_024;
/// The same with the trunks of a connector: 50 of 80 characters, or a mapping of 16 KiB, which percent-encoding may triple.
const CONNECTOR_FORM_MAX_BYTES: usize = 64 * 1_024;
/// The same with a routing table of 1 MiB, whose separators are percent-encoded.
const ROUTES_FORM_MAX_BYTES: usize = 2 * 1_024 * 1_024;
/// The forms that may be larger than others.
const LARGE_FORMS: [(&str, usize); 11] = [
    (CreateEndpoint::PATH, HEADERS_FORM_MAX_BYTES),
    (UpdateEndpoint::PATH, HEADERS_FORM_MAX_BYTES),
    (Start::PATH, HEADERS_FORM_MAX_BYTES),
    (SendTest::PATH, PAYLOAD_FORM_MAX_BYTES),
    (SaveMapping::PATH, CONNECTOR_FORM_MAX_BYTES),
    (SaveTrunks::PATH, CONNECTOR_FORM_MAX_BYTES),
    (UpdateConnector::PATH, CONNECTOR_FORM_MAX_BYTES),
    (SavePlatformMapping::PATH, CONNECTOR_FORM_MAX_BYTES),
    (SavePlatformTrunks::PATH, CONNECTOR_FORM_MAX_BYTES),
    (UpdatePlatformConnector::PATH, CONNECTOR_FORM_MAX_BYTES),
    (ImportRoutes::PATH, ROUTES_FORM_MAX_BYTES),
];
/// Brotli's quality for pages: a list of 50 rows shrinks to a tenth within 2 ms; higher levels cost more time than they save.
const PAGE_QUALITY: i32 = 4;

/// One route per page of the app, one for all its server functions, the export of the audit log, and the live feed.
pub fn routes(state: &SharedState) -> Router<SharedState> {
    let pages = leptos_axum::generate_route_list(app::App);
    let pages = pages.iter().fold(Router::new(), |router, listing| router.route(listing.path(), get(page)));
    let forms = Router::new().route("/api/{*function}", form_of_at_most(FORM_MAX_BYTES, state));
    let forms = LARGE_FORMS.iter().fold(forms, |forms, (path, max)| forms.route(path, form_of_at_most(*max, state)));
    pages
        .merge(forms)
        .layer(middleware::from_fn(time_limit::enforce))
        .layer(CompressionLayer::new().quality(CompressionLevel::Precise(PAGE_QUALITY)))
        .merge(audit_export::routes())
        .merge(record_upload::routes())
        .merge(live::routes())
        .merge(live_ops::routes())
        .layer(session_store::layer(state))
        .layer(middleware::from_fn_with_state(state.clone(), csrf::check))
}

fn form_of_at_most(max_bytes: usize, state: &SharedState) -> MethodRouter<SharedState> {
    let receive = move |State(state): State<SharedState>, request: Request, next: Next| async move {
        received(&state, request, max_bytes, next).await
    };
    any(function).layer(middleware::from_fn_with_state(state.clone(), receive))
}

/// Receives a form before it is handled, so that what all forms have in memory together is limited.
async fn received(state: &AppState, request: Request, max_bytes: usize, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let held = state.bodies.forms.part_of(network(client_ip::of(&parts, &state.trusted_proxies)));
    let form = request_body::receive(&parts.headers, body, max_bytes, held).await;
    let Received { bytes, held } = match form {
        Ok(form) => form,
        Err(Refused::Busy) => return PlainError::from(request_body::busy()).into_response(),
        Err(Refused::Broken) => return plain_error::refuse(parts.uri.path(), Kind::Malformed, "The form ended early."),
        Err(Refused::TooLarge) => {
            let detail = format!("This form is too large: at most {} KiB are accepted.", max_bytes / 1_024);
            return PlainError::from(domain::Error::TooLarge(detail)).into_response();
        }
    };
    let response = next.run(Request::from_parts(parts, bytes.into())).await;
    drop(held);
    response
}

async fn page(State(state): State<SharedState>, session: Session, request: Request) -> Response {
    request_span::record_route(&request);
    if let Err(unavailable) = load(&session).await {
        return plain_error::respond(request.uri().path(), request.headers(), unavailable);
    }
    let (provide, request) = context(state, request);
    session_store::save(&session, site::render(provide, app::shell, request).await).await
}

async fn function(State(state): State<SharedState>, session: Session, request: Request) -> Response {
    request_span::record_route(&request);
    if let Err(unavailable) = load(&session).await {
        return plain_error::respond(request.uri().path(), request.headers(), unavailable);
    }
    if !server_fn_paths().any(|(path, _)| path == request.uri().path()) {
        let message = "This form does not exist. Open the page again and send it from there.\n";
        return (StatusCode::NOT_FOUND, message).into_response();
    }
    if request.method() != Method::POST {
        let message = "Forms are sent with POST. Open the page that the form is on.\n";
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")], message).into_response();
    }
    let (provide, request) = context(state, request);
    let (parts, body) = request.into_parts();
    let (head, request) = (parts.clone(), Request::from_parts(parts, body));
    let postponed = Postponed::default();
    let posting = {
        let (provide, postponed) = (provide.clone(), postponed.clone());
        move || {
            provide();
            provide_context(postponed.clone());
        }
    };
    let response = leptos_axum::handle_server_fns_with_context(posting, request).await.into_response();
    match postponed.get() {
        Some(form) => show_again(form.clone(), head, provide, response).await,
        None => session_store::save(&session, response).await,
    }
}

/// The page of a form that can be submitted again later, with the input still in it. Programs get `response`.
async fn show_again(
    form: PostponedForm,
    mut head: Parts,
    provide: impl Fn() + Clone + Send + 'static,
    response: Response,
) -> Response {
    let wants_page = plain_error::wants_page(&head.headers);
    let (error, wait_s) = (form.error.clone(), form.error.retry_after_s().unwrap_or_default());
    let mut response = match form.flash.path.parse() {
        Ok(path) if wants_page => {
            (head.method, head.uri) = (Method::GET, path);
            let provide = move || {
                provide();
                provide_context(form.clone());
            };
            site::render(provide, app::shell, Request::from_parts(head, Body::empty())).await
        }
        _ => response,
    };
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    } else if wants_page {
        // The page of the form is closed to this user, and so redirects, or says so.
        response = PlainError::from(error).into_response();
    }
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
    response
}

/// Loads the session, and adds its user to the request's span. The session layer loads the session of every request anyway,
/// to extend it. Without a database, whoever waits for it has waited once, and not for each part of the page.
async fn load(session: &Session) -> domain::Result<()> {
    match user::signed_in(session).await {
        Err(unavailable @ domain::Error::Unavailable { .. }) => Err(unavailable),
        _ => Ok(()),
    }
}

/// What pages and forms find in their context.
fn context(state: SharedState, request: Request) -> (impl Fn() + Clone + Send + 'static, Request) {
    let (parts, body) = request.into_parts();
    let (client, origin) = (client_ip::of(&parts, &state.trusted_proxies).to_string(), local::origin(&parts));
    let attempts = AttemptLimit::new({
        let (state, client) = (Arc::clone(&state), counted_as(&client));
        move || match state.rates.sign_in.take(&client, state.backend.clock().now()) {
            Decision::Limited { retry_after_s } => Some(retry_after_s),
            Decision::Allowed { .. } => None,
        }
    });
    let provide = move || {
        provide_context(Arc::clone(&state.backend));
        provide_context::<Arc<dyn Mappings>>(Arc::new(ConnectMappings));
        provide_context::<Arc<dyn RecordFiles>>(Arc::new(ConnectRecords));
        provide_context(ClientIp(client.clone()));
        provide_context(origin);
        provide_context(SecureCookies(state.is_https()));
        provide_context(PublicUrl(state.public_url.as_str().trim_end_matches('/').to_owned()));
        provide_context(attempts.clone());
        provide_context(site::assets());
    };
    (provide, Request::from_parts(parts, body))
}
