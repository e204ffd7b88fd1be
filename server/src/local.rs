//! Whether a request comes directly from this machine: what nobody else may do is allowed to it alone.
//!
//! A proxy on this machine connects from loopback, too. So the connection is not enough: the request must name this
//! machine as its host and, from a form, as its origin, and must show no sign of a proxy.

use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, Request},
    http::{HeaderMap, HeaderName, StatusCode, Version, header, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use domain::account::RequestOrigin;
use url::{Host, Url};

/// Headers that proxies add.
const FORWARDED: [HeaderName; 7] = [
    header::FORWARDED,
    header::VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-server"),
    HeaderName::from_static("x-real-ip"),
];

/// Where a request comes from.
#[must_use]
pub fn origin(parts: &Parts) -> RequestOrigin {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let is_local = peer.is_some_and(|info| info.0.ip().to_canonical().is_loopback())
        // No browser sends HTTP/1.0; a proxy with its defaults does.
        && parts.version >= Version::HTTP_11
        && !is_forwarded(&parts.headers)
        && host(parts).is_some_and(|host| is_loopback(&format!("http://{host}")))
        && text(&parts.headers, &header::ORIGIN).is_none_or(is_loopback);
    if is_local { RequestOrigin::ThisMachine } else { RequestOrigin::Elsewhere }
}

/// Whether a request shows that it came through a proxy.
#[must_use]
pub fn is_forwarded(headers: &HeaderMap) -> bool {
    FORWARDED.iter().any(|name| headers.contains_key(name))
}

/// Responds with 404 to requests from elsewhere.
pub async fn require(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match origin(&parts) {
        RequestOrigin::ThisMachine => next.run(Request::from_parts(parts, body)).await,
        RequestOrigin::Elsewhere => (StatusCode::NOT_FOUND, "Not found\n").into_response(),
    }
}

/// The host that a request names (RFC 9112, 3.3).
#[must_use]
pub fn host(parts: &Parts) -> Option<&str> {
    parts.uri.authority().map(|authority| authority.as_str()).or_else(|| text(&parts.headers, &header::HOST))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

/// Whether a URL leads to this machine, wherever it is opened.
#[must_use]
pub fn is_loopback(url: &str) -> bool {
    match Url::parse(url).ok().as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.to_canonical().is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, version: Version, headers: &[(&str, &str)]) -> RequestOrigin {
        let mut request = Request::builder().version(version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        origin(&parts)
    }

    #[test]
    fn a_browser_on_this_machine_is_local() {
        for host in ["127.0.0.1:3000", "localhost:3000", "app.localhost", "[::1]:3000"] {
            assert_eq!(from("127.0.0.1", Version::HTTP_11, &[("host", host)]), RequestOrigin::ThisMachine, "{host}");
        }
        let form = [("host", "localhost:3000"), ("origin", "http://localhost:3000")];
        assert_eq!(from("::ffff:127.0.0.1", Version::HTTP_11, &form), RequestOrigin::ThisMachine);
    }

    #[test]
    fn whoever_comes_through_a_proxy_or_from_another_machine_is_not() {
        let elsewhere = |peer, version, headers: &[(&str, &str)]| {
            assert_eq!(from(peer, version, headers), RequestOrigin::Elsewhere, "{peer} {headers:?}");
        };
        let host = ("host", "127.0.0.1:3000");
        elsewhere("203.0.113.9", Version::HTTP_11, &[host]);
        elsewhere("127.0.0.1", Version::HTTP_11, &[]);
        elsewhere("127.0.0.1", Version::HTTP_11, &[("host", "hooks.acme.example")]);
        elsewhere("127.0.0.1", Version::HTTP_11, &[("host", "127.0.0.1.acme.example")]);
        elsewhere("127.0.0.1", Version::HTTP_11, &[host, ("origin", "https://hooks.acme.example")]);
        elsewhere("127.0.0.1", Version::HTTP_11, &[host, ("origin", "null")]);
        elsewhere("127.0.0.1", Version::HTTP_10, &[host]);
        for name in &FORWARDED {
            elsewhere("127.0.0.1", Version::HTTP_11, &[host, (name.as_str(), "127.0.0.1")]);
        }
    }
}
