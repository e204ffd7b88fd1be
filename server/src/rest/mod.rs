//! The public REST API, version 1. The same services as the pages: another door to the same room.
//!
//! Each noun's file holds its JSON shapes and its handlers: check the caller, ask the backend, answer. Routes and the
//! OpenAPI document come from one list, so that neither can know a call which the other does not.

pub mod audit;
pub mod body;
pub mod deliveries;
pub mod delivery_json;
pub mod door;
pub mod endpoint_json;
pub mod endpoints;
pub mod event_batch;
pub mod events;
pub mod openapi;
pub mod problem;
pub mod query;
pub mod recover;
pub mod rotation;
pub mod rotation_everywhere;
pub mod rotation_json;
pub mod tokens;

use axum::{
    Json, Router, middleware,
    routing::{any, get},
};
use domain::Error;
use serde::Serialize;
use utoipa::{ToSchema, openapi::OpenApi};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    rest::problem::{Kind, Problem},
    room::Shared,
};

/// Where version 1 lives.
pub const PREFIX: &str = "/api/v1";

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// The rows.
    pub data: Vec<T>,
    /// What to give as `cursor` for the next page; null at the end.
    pub next: Option<String>,
}

/// All calls with their description.
fn calls() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(events::list, events::post))
        .routes(routes!(event_batch::post))
        .routes(routes!(events::show))
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
        .routes(routes!(rotation::drop_token))
        .routes(routes!(rotation::rotate))
        .routes(routes!(rotation::test_secret))
        .routes(routes!(rotation::extend))
        .routes(routes!(rotation::retire_secret))
        .routes(routes!(rotation_everywhere::show_all))
        .routes(routes!(rotation_everywhere::prepare_all))
        .routes(routes!(rotation_everywhere::test_tokens))
        .routes(routes!(rotation_everywhere::switch_all))
        .routes(routes!(rotation_everywhere::undo_all))
        .routes(routes!(rotation_everywhere::retire_tokens))
        .routes(routes!(rotation_everywhere::drop_all))
        .routes(routes!(rotation_everywhere::rotate_all))
        .routes(routes!(rotation_everywhere::test_secrets))
        .routes(routes!(rotation_everywhere::extend_all))
        .routes(routes!(rotation_everywhere::retire_secrets))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::show))
        .routes(routes!(deliveries::resend))
        .routes(routes!(recover::start))
        .routes(routes!(recover::show))
        .routes(routes!(recover::pause))
        .routes(routes!(recover::resume))
        .routes(routes!(recover::cancel))
        .routes(routes!(tokens::list, tokens::make))
        .routes(routes!(tokens::show, tokens::revoke))
        .routes(routes!(tokens::rotate))
        .routes(routes!(audit::list))
}

/// The OpenAPI document.
#[must_use]
pub fn document() -> OpenApi {
    OpenApiRouter::with_openapi(openapi::frame()).nest(PREFIX, calls()).into_openapi()
}

/// Everything below [`PREFIX`].
pub fn routes(room: &Shared) -> Router<Shared> {
    let document = document();
    let (calls, _) = calls().split_for_parts();
    let inside = calls
        .route_layer(middleware::from_fn_with_state(room.clone(), door::enter))
        .route("/openapi.json", get(async move || Json(document)))
        // Routes rather than a fallback: the server functions below /api would take these paths otherwise.
        .route("/", any(nowhere))
        .route("/{*path}", any(nowhere))
        .layer(middleware::from_fn(problem::documents));
    // Nesting ends before a last slash.
    let root = any(nowhere).layer(middleware::from_fn(problem::documents));
    Router::new().nest(PREFIX, inside).route(&format!("{PREFIX}/"), root)
}

/// One page of a list that is read whole: what comes behind the row with the id `after`, and where the next page begins.
fn cut<T>(
    mut rows: Vec<T>,
    limit: u32,
    after: Option<&str>,
    id: impl Fn(&T) -> &str,
) -> Result<(Vec<T>, Option<String>), Problem> {
    if let Some(after) = after {
        let Some(at) = rows.iter().position(|row| id(row) == after) else {
            return Err(Error::invalid("cursor", "This row is gone; begin with the first page.").into());
        };
        rows.drain(..=at);
    }
    let limit = limit as usize;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| id(row).to_owned());
    Ok((rows, next))
}

async fn nowhere() -> Problem {
    Problem::new(Kind::NotFound, "There is no such path in this API.")
}
