//! Headers that restrict what browsers do with our responses.

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

use crate::app_state::SharedState;

/// No inline script or style anywhere; islands are wasm.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// `same-origin` rather than `no-referrer`: a form that is posted without script is redirected to its Referer.
const ALWAYS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];
/// One year.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Pages that show nobody's data; `/help` includes the pages below it.
const PUBLIC: [&str; 4] = ["/help", "/sign-in", "/sign-up", "/forgot"];

/// Adds them to a response.
pub async fn add(State(state): State<SharedState>, request: Request, next: Next) -> Response {
    let is_public = PUBLIC.contains(&request.uri().path()) || request.uri().path().starts_with("/help/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if state.is_https() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    // Nobody stores a user's page, not even their browser, which others may use next. Files of the site set their own value.
    let cache = HeaderValue::from_static(if is_public { "private, no-cache" } else { "no-store" });
    headers.entry(header::CACHE_CONTROL).or_insert(cache);
    response
}
