//! The pages and their server functions, with what they find in their context.

use std::{net::IpAddr, sync::Arc};

use app::ssr::{ClientIp, RateLimited};
use axum::{
    Router,
    extract::{Request, State},
    http::{Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{any, get},
};
use domain::Backend;
use leptos::{context::provide_context, server_fn::axum::server_fn_paths};
use tower_http::{CompressionLevel, compression::CompressionLayer, limit::RequestBodyLimitLayer};

use crate::{
    audit_export, client_ip, csrf, live,
    rate_limit::Taken,
    room::{Room, Shared},
    session_store, site, time_limit,
};

/// Largest form in bytes. The largest field is an example payload of 256 KiB, which percent-encoding may triple.
const FORM_MAX_BYTES: usize = 1_024 * 1_024;
/// Brotli's quality for pages: a list of 50 rows shrinks to a tenth within 2 ms; beyond it time grows faster than it helps.
const PAGE_QUALITY: i32 = 4;
/// Posts that are counted by client address.
const COUNTED: [&str; 10] = [
    "/api/sign-in",
    "/api/sign-in/verify",
    "/api/sign-up",
    "/api/forgot",
    "/api/reset",
    "/api/invitation/join-new",
    "/api/staff/join-new",
    "/api/security/password",
    "/api/factor/on",
    "/api/factor/off",
];

/// One route per page of the app, one for all its server functions, which are POST only, the export of the audit log, and the live feed.
pub fn routes(room: &Shared) -> Router<Shared> {
    let pages = leptos_axum::generate_route_list(app::App);
    let pages = pages.iter().fold(Router::new(), |router, listing| router.route(listing.path(), get(page)));
    pages
        .route("/api/{*function}", any(function))
        .layer(middleware::from_fn(time_limit::keep))
        .layer(RequestBodyLimitLayer::new(FORM_MAX_BYTES))
        .layer(CompressionLayer::new().quality(CompressionLevel::Precise(PAGE_QUALITY)))
        .merge(audit_export::routes())
        .merge(live::routes())
        .layer(session_store::layer(room))
        .layer(middleware::from_fn_with_state(room.clone(), count))
        .layer(middleware::from_fn_with_state(room.clone(), csrf::check))
}

async fn page(State(room): State<Shared>, request: Request) -> Response {
    let (context, request) = context(&room, request);
    site::render(context, app::shell, request).await
}

async fn function(State(room): State<Shared>, request: Request) -> Response {
    if !server_fn_paths().any(|(path, _)| path == request.uri().path()) {
        let says = "There is no such form here. Open the page again and send it from there.\n";
        return (StatusCode::NOT_FOUND, says).into_response();
    }
    if request.method() != Method::POST {
        let says = "A form is posted. Open the page that it is on.\n";
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")], says).into_response();
    }
    let (context, request) = context(&room, request);
    leptos_axum::handle_server_fns_with_context(context, request).await.into_response()
}

/// What a page may ask for: the engine, the addresses of the site's files, and who is at the other end.
fn context(room: &Room, request: Request) -> (impl Fn() + Clone + Send + 'static, Request) {
    let (parts, body) = request.into_parts();
    let (backend, client) = (Arc::clone(&room.backend), client_ip::of(&parts, &room.trusted_proxies));
    let provide = move || provide(&backend, client);
    (provide, Request::from_parts(parts, body))
}

fn provide(backend: &Arc<dyn Backend>, client: IpAddr) {
    provide_context(Arc::clone(backend));
    provide_context(ClientIp(client.to_string()));
    provide_context(site::assets());
}

/// Guesses at passwords cost us processor time, and those at codes are few to make: so many a client may make. The form itself refuses what is too much, so
/// that the person sees it there and finds what they typed.
async fn count(State(room): State<Shared>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST || !COUNTED.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let client = client_ip::of(&parts, &room.trusted_proxies).to_string();
    let taken = room.rates.sign_in.take(&client, room.backend.clock().now());
    if let Taken::No { retry_after_s } = taken {
        parts.extensions.insert(RateLimited { retry_after_s });
    }
    let mut response = next.run(Request::from_parts(parts, body)).await;
    if let Taken::No { .. } = taken {
        room.rates.sign_in.tell(taken, response.headers_mut());
    }
    response
}
