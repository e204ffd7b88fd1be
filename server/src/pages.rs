//! Pages and their server functions, with the context that they run in.

use std::sync::{Arc, OnceLock};

use app::ssr::{AttemptLimit, ClientIp, SecureCookies};
use axum::{
    Router,
    extract::{Request, State},
    http::{Method, StatusCode, header},
    middleware,
    response::{IntoResponse as _, Response},
    routing::{any, get},
};
use leptos::{context::provide_context, server_fn::axum::server_fn_paths};
use tower_http::{CompressionLevel, compression::CompressionLayer, limit::RequestBodyLimitLayer};
use tower_sessions::Session;

use crate::{
    app_state::SharedState, audit_export, client_ip, csrf, live, local, rate_limit::Decision, request_span,
    session_store, site, time_limit, user,
};

/// Largest form in bytes. The largest field is an example payload of 256 KiB, which percent-encoding may triple.
const FORM_MAX_BYTES: usize = 1_024 * 1_024;
/// Brotli's quality for pages: a list of 50 rows shrinks to a tenth within 2 ms; higher levels cost more time than they save.
const PAGE_QUALITY: i32 = 4;

/// One route per page of the app, one for all its server functions, the export of the audit log, and the live feed.
pub fn routes(state: &SharedState) -> Router<SharedState> {
    let pages = leptos_axum::generate_route_list(app::App);
    let pages = pages.iter().fold(Router::new(), |router, listing| router.route(listing.path(), get(page)));
    pages
        .route("/api/{*function}", any(function))
        .layer(middleware::from_fn(time_limit::enforce))
        .layer(RequestBodyLimitLayer::new(FORM_MAX_BYTES))
        .layer(CompressionLayer::new().quality(CompressionLevel::Precise(PAGE_QUALITY)))
        .merge(audit_export::routes())
        .merge(live::routes())
        .layer(session_store::layer(state))
        .layer(middleware::from_fn_with_state(state.clone(), csrf::check))
}

async fn page(State(state): State<SharedState>, session: Session, request: Request) -> Response {
    request_span::record_route(&request);
    record_user(&session).await;
    let (provide, request, _) = context(state, request);
    session_store::save(&session, site::render(provide, app::shell, request).await).await
}

async fn function(State(state): State<SharedState>, session: Session, request: Request) -> Response {
    request_span::record_route(&request);
    record_user(&session).await;
    if !server_fn_paths().any(|(path, _)| path == request.uri().path()) {
        let message = "This form does not exist. Open the page again and send it from there.\n";
        return (StatusCode::NOT_FOUND, message).into_response();
    }
    if request.method() != Method::POST {
        let message = "Forms are sent with POST. Open the page that the form is on.\n";
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")], message).into_response();
    }
    let (provide, request, limited) = context(state.clone(), request);
    let mut response = leptos_axum::handle_server_fns_with_context(provide, request).await.into_response();
    if let Some(decision) = limited.get() {
        state.rates.sign_in.write_headers(*decision, response.headers_mut());
    }
    session_store::save(&session, response).await
}

/// Adds the user to the request's span. The session layer loads the session of every request anyway, to extend it.
async fn record_user(session: &Session) {
    let _ = user::signed_in(session).await;
}

/// What pages and forms find in their context, and whether the client has used up its sign-in attempts.
fn context(
    state: SharedState,
    request: Request,
) -> (impl Fn() + Clone + Send + 'static, Request, Arc<OnceLock<Decision>>) {
    let (parts, body) = request.into_parts();
    let (client, origin) = (client_ip::of(&parts, &state.trusted_proxies).to_string(), local::origin(&parts));
    let limited = Arc::new(OnceLock::new());
    let attempts = AttemptLimit::new({
        let (state, client, limited) = (Arc::clone(&state), client.clone(), Arc::clone(&limited));
        move || {
            let decision = state.rates.sign_in.take(&client, state.backend.clock().now());
            let Decision::Limited { retry_after_s } = decision else { return None };
            let _ = limited.set(decision);
            Some(retry_after_s)
        }
    });
    let provide = move || {
        provide_context(Arc::clone(&state.backend));
        provide_context(ClientIp(client.clone()));
        provide_context(origin);
        provide_context(SecureCookies(state.is_https()));
        provide_context(attempts.clone());
        provide_context(site::assets());
    };
    (provide, Request::from_parts(parts, body), limited)
}
