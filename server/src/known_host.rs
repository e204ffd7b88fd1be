//! Refuses requests for a host that is not ours: a name of an attacker that leads to our address would make a browser treat
//! our pages as theirs (DNS rebinding), and caches on the way could mix the two up.

use std::net::SocketAddr;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use domain::account::RequestOrigin;
use url::{Host, Url};

use crate::{app_state::SharedState, local, plain_error, rest::problem::Kind};

/// Path that is served for any host: load balancers check addresses.
const ANY_HOST: &str = "/healthz";

/// The hosts that are ours.
#[derive(Debug, Clone)]
pub struct KnownHosts(Vec<Host>);

impl KnownHosts {
    /// The host of the public URL, and the address that we listen on, where the sender calls test lines.
    #[must_use]
    pub fn new(public_url: &Url, listening: SocketAddr) -> Self {
        let public = public_url.host().map(|host| host.to_owned());
        let own = match listening.ip().to_canonical() {
            std::net::IpAddr::V4(ip) => Host::Ipv4(ip),
            std::net::IpAddr::V6(ip) => Host::Ipv6(ip),
        };
        Self(public.into_iter().chain([own]).collect())
    }

    /// Whether this is one of them, at any port: a proxy may leave it out.
    fn includes(&self, host: &str) -> bool {
        let url = Url::parse(&format!("http://{host}")).ok();
        url.as_ref().and_then(Url::host).is_some_and(|host| self.0.contains(&host.to_owned()))
    }
}

/// Passes on requests for one of our hosts, and those that come directly from this machine.
pub async fn require(State(state): State<SharedState>, request: Request, next: Next) -> Response {
    let Some(hosts) = state.known_hosts.as_ref().filter(|_| request.uri().path() != ANY_HOST) else {
        return next.run(request).await;
    };
    let (parts, body) = request.into_parts();
    let is_ours = local::host(&parts).is_some_and(|host| hosts.includes(host));
    if is_ours || local::origin(&parts) == RequestOrigin::ThisMachine {
        return next.run(Request::from_parts(parts, body)).await;
    }
    plain_error::refuse(
        parts.uri.path(),
        Kind::Malformed,
        "This server has another name. Check the URL, or the Host that a proxy sends.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_host_and_the_own_address_are_known_at_any_port() {
        let url = Url::parse("https://hooks.acme.example:8443").unwrap();
        let hosts = KnownHosts::new(&url, "10.0.0.7:3000".parse().unwrap());
        for host in ["hooks.acme.example", "HOOKS.acme.example:8443", "10.0.0.7:3000"] {
            assert!(hosts.includes(host), "{host}");
        }
        for host in ["", "evil.example", "hooks.acme.example.evil.example", "10.0.0.8", "user@hooks.acme.example:x"] {
            assert!(!hosts.includes(host), "{host}");
        }
    }
}
