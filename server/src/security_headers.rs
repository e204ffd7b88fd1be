//! Headers that restrict what browsers do with our responses.

use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, Response, header},
};

use crate::app_state::SharedState;

/// No inline script or style anywhere; islands are wasm.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// `same-origin` rather than `no-referrer`: a form that is posted without script is redirected to its Referer.
const ALWAYS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];
/// One year.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Adds them to a response.
pub async fn add<B>(State(state): State<SharedState>, mut response: Response<B>) -> Response<B> {
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if state.is_https() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    // Shared caches must not store a user's page. Files of the site set their own value.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    response
}
