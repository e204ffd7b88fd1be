//! The public REST API, version 1. It calls the same services as the pages.
//!
//! The file of each noun has its JSON types and its handlers, which check the caller, call the backend and respond.
//! Routes and the OpenAPI document are built from one list, so they cannot differ.

pub mod audit;
pub mod auth;
pub mod body;
pub mod bulk_rotation;
pub mod calls;
pub mod connector_json;
pub mod connector_reports;
pub mod connector_routes;
pub mod connectors;
pub mod deliveries;
pub mod delivery_json;
pub mod destination;
pub mod endpoint_json;
pub mod endpoints;
pub mod event_batch;
pub mod events;
pub mod jobs;
pub mod list;
pub mod openapi;
pub mod problem;
pub mod query;
pub mod record_import_json;
pub mod record_imports;
pub mod recover;
pub mod retry;
pub mod rotation;
pub mod rotation_json;

pub mod table_body;
pub mod tokens;

use axum::{
    Json, Router, middleware,
    routing::{any, get},
};
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app_state::SharedState,
    rest::problem::{Kind, Problem},
};

pub use list::List;

/// The path prefix of version 1.
pub const PREFIX: &str = "/api/v1";

/// All operations with their description.
fn calls() -> OpenApiRouter<SharedState> {
    OpenApiRouter::new()
        .routes(routes!(events::list, events::post))
        .routes(routes!(event_batch::post))
        .routes(routes!(events::show))
        .routes(routes!(calls::list))
        .routes(routes!(calls::show))
        .routes(routes!(endpoints::list, endpoints::create))
        .routes(routes!(endpoints::show, endpoints::change, endpoints::delete))
        .routes(routes!(endpoints::pause))
        .routes(routes!(endpoints::resume))
        .routes(routes!(endpoints::test))
        .routes(routes!(rotation::show))
        .routes(routes!(rotation::prepare))
        .routes(routes!(rotation::test_token))
        .routes(routes!(rotation::switch))
        .routes(routes!(rotation::undo))
        .routes(routes!(rotation::retire_token))
        .routes(routes!(rotation::cancel_token_rotation))
        .routes(routes!(rotation::rotate))
        .routes(routes!(rotation::test_secret))
        .routes(routes!(rotation::extend))
        .routes(routes!(rotation::retire_secret))
        .routes(routes!(bulk_rotation::show_all))
        .routes(routes!(bulk_rotation::prepare_all))
        .routes(routes!(bulk_rotation::test_tokens))
        .routes(routes!(bulk_rotation::switch_all))
        .routes(routes!(bulk_rotation::undo_all))
        .routes(routes!(bulk_rotation::retire_tokens))
        .routes(routes!(bulk_rotation::drop_all))
        .routes(routes!(bulk_rotation::rotate_all))
        .routes(routes!(bulk_rotation::test_secrets))
        .routes(routes!(bulk_rotation::extend_all))
        .routes(routes!(bulk_rotation::retire_secrets))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::show))
        .routes(routes!(deliveries::attempts))
        .routes(routes!(deliveries::resend))
        .routes(routes!(recover::start))
        .routes(routes!(retry::retry_endpoint))
        .routes(routes!(retry::retry_delivery))
        .routes(routes!(retry::retry_many))
        .routes(routes!(retry::resend_many))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::show))
        .routes(routes!(jobs::pause))
        .routes(routes!(jobs::resume))
        .routes(routes!(jobs::cancel))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::show, tokens::revoke))
        .routes(routes!(tokens::rotate))
        .routes(routes!(audit::list))
        .routes(routes!(connectors::list, connectors::create))
        .routes(routes!(connectors::show, connectors::change, connectors::delete))
        .routes(routes!(connectors::pause))
        .routes(routes!(connectors::resume))
        .routes(routes!(connectors::rotate))
        .routes(routes!(connectors::report))
        .routes(routes!(connectors::gaps, connectors::add_gap))
        .routes(routes!(record_imports::list, record_imports::start))
        .routes(routes!(record_imports::show))
        .routes(routes!(record_imports::not_imported))
        .routes(routes!(record_imports::cancel))
        .routes(routes!(connector_routes::list, connector_routes::replace, connector_routes::set))
        .routes(routes!(connector_routes::remove))
        .routes(routes!(connector_routes::unrouted, connector_routes::clear_unrouted))
}

/// The OpenAPI document.
#[must_use]
pub fn document() -> OpenApi {
    OpenApiRouter::with_openapi(openapi::base()).nest(PREFIX, calls()).into_openapi()
}

/// Everything below [`PREFIX`].
pub fn routes(state: &SharedState) -> Router<SharedState> {
    let document = document();
    let (calls, _) = calls().split_for_parts();
    let routes = calls
        .route_layer(middleware::from_fn_with_state(state.clone(), auth::authenticate))
        .route("/openapi.json", get(async move || Json(document)))
        // Routes instead of a fallback: otherwise the route of the server functions under /api would match.
        .route("/", any(not_found))
        .route("/{*path}", any(not_found))
        .layer(middleware::from_fn(problem::ensure_problem_documents));
    // A nested router does not match a trailing slash.
    let root = any(not_found).layer(middleware::from_fn(problem::ensure_problem_documents));
    Router::new().nest(PREFIX, routes).route(&format!("{PREFIX}/"), root)
}

async fn not_found() -> Problem {
    Problem::new(Kind::NotFound, "This path does not exist in the API.")
}
