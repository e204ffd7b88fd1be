//! The address of the client: the peer, or the address that a trusted proxy forwards for.

use std::net::{IpAddr, SocketAddr};

use axum::{extract::ConnectInfo, http::request::Parts};
use ipnet::IpNet;

/// The client's address; the unspecified one when there is no connection, as in a test without a socket.
#[must_use]
pub fn of(parts: &Parts, trusted: &[IpNet]) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let Some(peer) = peer else { return IpAddr::from([0, 0, 0, 0]) };
    let named = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = named.flat_map(|value| value.split(',')).map(str::trim).collect();
    resolve(peer.to_canonical(), &hops, trusted)
}

/// Walks back from the peer: only a trusted hop is believed about the one before it.
fn resolve(peer: IpAddr, hops: &[&str], trusted: &[IpNet]) -> IpAddr {
    let mut client = peer;
    for hop in hops.iter().rev() {
        if !trusted.iter().any(|net| net.contains(&client)) {
            break;
        }
        let Ok(before) = hop.parse::<IpAddr>() else { break };
        client = before.to_canonical();
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, hops: &[&str]) -> String {
        resolve(peer.parse().unwrap(), hops, &["127.0.0.0/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap()])
            .to_string()
    }

    #[test]
    fn an_untrusted_peer_cannot_forward_an_address() {
        assert_eq!(client("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(client("127.0.0.1", &["198.51.100.1", "203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn a_chain_of_trusted_proxies_leads_to_its_client() {
        assert_eq!(client("127.0.0.1", &["203.0.113.9", "10.0.0.7"]), "203.0.113.9");
        assert_eq!(client("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(client("127.0.0.1", &["nonsense"]), "127.0.0.1");
    }
}
