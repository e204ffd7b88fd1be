//! The hosts that requests may name. A name of an attacker that leads to our address would make a browser treat
//! our pages as theirs (DNS rebinding), and caches on the way could mix the two up.

use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

/// The hosts that are ours.
#[derive(Debug, Clone)]
pub struct KnownHosts {
    public: Option<Host>,
    own: Host,
}

impl KnownHosts {
    /// The host of the public URL, and the address that we listen on, where the sender calls test lines.
    #[must_use]
    pub fn new(public_url: &Url, listening: SocketAddr) -> Self {
        let public = public_url.host().map(|host| host.to_owned());
        let own = match listening.ip().to_canonical() {
            IpAddr::V4(ip) => Host::Ipv4(ip),
            IpAddr::V6(ip) => Host::Ipv6(ip),
        };
        Self { public, own }
    }

    /// Whether this is one of them, at any port: a proxy may leave it out. Requests through a proxy name the public host.
    #[must_use]
    pub fn includes(&self, host: &str, is_forwarded: bool) -> bool {
        let url = Url::parse(&format!("http://{host}")).ok();
        let Some(host) = url.as_ref().and_then(Url::host).map(|host| host.to_owned()) else { return false };
        self.public.as_ref() == Some(&host) || (!is_forwarded && self.own == host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_host_and_the_own_address_are_known_at_any_port() {
        let url = Url::parse("https://hooks.acme.example:8443").unwrap();
        let hosts = KnownHosts::new(&url, "10.0.0.7:3000".parse().unwrap());
        for host in ["hooks.acme.example", "HOOKS.acme.example:8443", "10.0.0.7:3000"] {
            assert!(hosts.includes(host, false), "{host}");
        }
        assert!(hosts.includes("hooks.acme.example", true));
        assert!(!hosts.includes("10.0.0.7:3000", true), "a proxy does not call us so");
        for host in ["", "evil.example", "hooks.acme.example.evil.example", "10.0.0.8", "user@hooks.acme.example:x"] {
            assert!(!hosts.includes(host, false), "{host}");
        }
    }
}
