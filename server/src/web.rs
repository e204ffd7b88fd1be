//! The router on one page.

use std::any::Any;

use axum::{
    Router,
    http::StatusCode,
    middleware,
    response::{IntoResponse as _, Response},
};
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    trace::TraceLayer,
};

use crate::{
    app_state::SharedState, ari, body_timeout, connect_in, health, ingress, listen::head_watch, local, measure,
    metrics, pages, plain_path, request_span, rest, security_headers, site, test_line,
};

/// All routes, with what applies to every request.
pub fn router(state: &SharedState) -> Router {
    let routes = Router::new()
        // Programs: tokens, JSON, problem documents.
        .merge(rest::routes(state))
        // Each account's built-in test endpoint: a key in the path.
        .merge(test_line::routes())
        // Phone systems that send requests: a connector and its secret in the path.
        .merge(connect_in::routes())
        // Phone systems that open a connection: a connector and its secret as user and password.
        .merge(ari::routes())
        // Supervisors.
        .merge(health::alive())
        .merge(supervision_from_here(state))
        // Static files of the site.
        .merge(site::routes())
        // Browsers: sessions, forms, the live feed. Any other path is the "not found" page.
        .merge(pages::routes(state))
        .with_state(state.clone());
    let hosts = middleware::from_fn_with_state(state.clone(), ingress::require_known_host);
    layered(state, Router::new().fallback_service(routes).layer(hosts))
}

/// The routes of the listener for supervisors.
pub fn admin_router(state: &SharedState) -> Router {
    let routes = Router::new().merge(health::alive()).merge(supervision()).fallback(async || StatusCode::NOT_FOUND);
    layered(state, routes.with_state(state.clone()))
}

fn supervision() -> Router<SharedState> {
    Router::new().merge(health::readiness()).merge(metrics::routes())
}

/// What supervisors need, for requests from this machine, where they have no listener of their own.
fn supervision_from_here(state: &SharedState) -> Router<SharedState> {
    if state.has_admin_listener { Router::new() } else { supervision().layer(middleware::from_fn(local::require)) }
}

fn layered(state: &SharedState, routes: Router) -> Router {
    let trace = TraceLayer::new_for_http()
        .make_span_with(request_span::open)
        .on_request(())
        .on_response(request_span::log_response)
        .on_failure(());
    let layers = ServiceBuilder::new()
        .layer(middleware::map_request_with_state(state.clone(), request_span::drop_untrusted_id))
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(trace)
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(middleware::from_fn_with_state(state.clone(), measure::requests))
        .layer(middleware::from_fn_with_state(state.clone(), security_headers::add))
        .layer(CatchPanicLayer::custom(panicked as fn(Box<dyn Any + Send>) -> Response))
        .layer(middleware::from_fn_with_state(state.clone(), ingress::count_forwarded))
        .layer(middleware::from_fn(head_watch::refuse_ambiguous))
        .layer(middleware::from_fn(plain_path::require))
        .layer(middleware::from_fn_with_state(state.clone(), body_timeout::enforce));
    // Around a router that has only a fallback: a layer on `routes` would wrap each route, and axum clones all layers of
    // a route for every request.
    Router::new().fallback_service(routes).layer(layers)
}

/// The panic hook has already logged what happened.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    (
        StatusCode::INTERNAL_SERVER_ERROR,
        "Something failed on our side. Open the page again to see whether your change was saved.\n",
    )
        .into_response()
}
