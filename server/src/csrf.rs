//! Refuses posts that another site made a browser send.
//!
//! Sessions are cookies, which browsers attach by themselves. So whatever changes something must say where it comes
//! from: by `Sec-Fetch-Site` (Fetch Metadata), or by `Origin` where a browser does not send that (plain http, old
//! ones). What says neither is refused. REST uses tokens, which no browser attaches, and does not pass here.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use url::Url;

use crate::room::Shared;

const REFUSED: &str = "This form was not sent from a page of Offhook, so nothing was done. \
    Open the page again and send it from there. Programs use the API under /api/v1 with a token.\n";

/// Lets reads pass, and posts from our own pages.
pub async fn check(State(room): State<Shared>, request: Request, next: Next) -> Response {
    if is_read(request.method()) || is_ours(request.headers(), &room.public_url) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, REFUSED).into_response()
}

/// GET and HEAD change nothing.
pub fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn is_ours(headers: &HeaderMap, public_url: &Url) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text(header::ORIGIN.as_str())) {
        // `none`: a person at the address bar, or one who repeats a post by reloading.
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => is_own_origin(origin, public_url, text(header::HOST.as_str())),
        (None, None) => false,
    }
}

/// The public URL, or the name by which this request came: a proxy may not have told its own.
fn is_own_origin(origin: &str, public_url: &Url, host: Option<&str>) -> bool {
    let Ok(origin) = Url::parse(origin) else { return false };
    if origin.origin() == public_url.origin() {
        return true;
    }
    let came_by = host.and_then(|host| Url::parse(&format!("{}://{host}", origin.scheme())).ok());
    origin.scheme() == public_url.scheme() && came_by.is_some_and(|url| url.origin() == origin.origin())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(headers: &[(&'static str, &str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        is_ours(&headers, &Url::parse("https://hooks.acme.example").unwrap())
    }

    #[test]
    fn our_own_pages_pass() {
        assert!(passes(&[("sec-fetch-site", "same-origin")]));
        assert!(passes(&[("sec-fetch-site", "none")]));
        assert!(passes(&[("origin", "https://hooks.acme.example")]));
        assert!(passes(&[("origin", "https://10.0.0.7:8443"), ("host", "10.0.0.7:8443")]));
    }

    #[test]
    fn other_sites_and_those_that_do_not_say_are_refused() {
        assert!(!passes(&[]));
        assert!(!passes(&[("sec-fetch-site", "cross-site"), ("origin", "https://hooks.acme.example")]));
        assert!(!passes(&[("sec-fetch-site", "same-site")]));
        assert!(!passes(&[("origin", "null")]));
        assert!(!passes(&[("origin", "https://evil.example"), ("host", "hooks.acme.example")]));
        assert!(!passes(&[("origin", "http://hooks.acme.example"), ("host", "hooks.acme.example")]));
    }
}
