//! Rejects requests that another site made a browser send.
//!
//! Sessions are cookies, which browsers attach automatically. So every request that changes something must state its
//! origin: with `Sec-Fetch-Site` (Fetch Metadata), or with `Origin` where a browser does not send that (plain http, old
//! browsers). Requests with neither are rejected. REST uses tokens, which no browser attaches, and is not checked.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use url::Url;

use crate::app_state::SharedState;

const REJECTED: &str = "This form was not sent from a page of Offhook, so nothing was changed. \
    Open the page again and send it from there. Programs use the API under /api/v1 with a token.\n";

/// Accepts reads, and posts from our own pages.
pub async fn check(State(state): State<SharedState>, request: Request, next: Next) -> Response {
    if is_read(request.method()) || is_ours(request.headers(), &state.public_url) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, REJECTED).into_response()
}

/// GET and HEAD change nothing.
pub fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn is_ours(headers: &HeaderMap, public_url: &Url) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text(header::ORIGIN.as_str())) {
        // `none`: typed into the address bar, or a post repeated by reloading.
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => is_own_origin(origin, public_url, text(header::HOST.as_str())),
        (None, None) => false,
    }
}

/// The public URL, or the host of this request: a proxy may not forward its own.
fn is_own_origin(origin: &str, public_url: &Url, host: Option<&str>) -> bool {
    let Ok(origin) = Url::parse(origin) else { return false };
    if origin.origin() == public_url.origin() {
        return true;
    }
    let own_host = host.and_then(|host| Url::parse(&format!("{}://{host}", origin.scheme())).ok());
    origin.scheme() == public_url.scheme() && own_host.is_some_and(|url| url.origin() == origin.origin())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(headers: &[(&'static str, &str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        is_ours(&headers, &Url::parse("https://hooks.acme.example").unwrap())
    }

    #[test]
    fn our_own_pages_are_accepted() {
        assert!(passes(&[("sec-fetch-site", "same-origin")]));
        assert!(passes(&[("sec-fetch-site", "none")]));
        assert!(passes(&[("origin", "https://hooks.acme.example")]));
        assert!(passes(&[("origin", "https://10.0.0.7:8443"), ("host", "10.0.0.7:8443")]));
    }

    #[test]
    fn other_sites_and_requests_without_an_origin_are_rejected() {
        assert!(!passes(&[]));
        assert!(!passes(&[("sec-fetch-site", "cross-site"), ("origin", "https://hooks.acme.example")]));
        assert!(!passes(&[("sec-fetch-site", "same-site")]));
        assert!(!passes(&[("origin", "null")]));
        assert!(!passes(&[("origin", "https://evil.example"), ("host", "hooks.acme.example")]));
        assert!(!passes(&[("origin", "http://hooks.acme.example"), ("host", "hooks.acme.example")]));
    }
}
