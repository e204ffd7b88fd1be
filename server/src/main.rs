//! The `offhook` binary.

mod site;

use anyhow::Context as _;
use axum::extract::Request;
use axum::{Router, routing::get};
use leptos::context::provide_context;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let address = std::env::var("OFFHOOK_LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let listener = tokio::net::TcpListener::bind(&address).await.with_context(|| format!("listen on {address}"))?;
    axum::serve(listener, pages().merge(site::routes())).await.context("serve")
}

/// One route per page of the app, and one for all its server functions, which are POST only.
fn pages() -> Router {
    let context = || provide_context(site::assets());
    let page = async move |request: Request| site::render(context, app::shell, request).await;
    let router = Router::new().route(
        "/api/{*function}",
        axum::routing::post(async move |request: Request| {
            leptos_axum::handle_server_fns_with_context(context, request).await
        }),
    );
    let listings = leptos_axum::generate_route_list(app::App);
    listings.iter().fold(router, |router, listing| router.route(listing.path(), get(page)))
}
