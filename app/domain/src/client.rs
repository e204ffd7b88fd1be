//! Clients, as limits count them.

use std::net::{IpAddr, Ipv6Addr};

/// The network that counts as one client: an IPv4 address, or the /64 that an IPv6 address belongs to, because that is the
/// least that one subscriber gets (RFC 6177). A text that is no address counts as itself.
#[must_use]
pub fn counted_as(address: &str) -> String {
    match address.parse().map(network) {
        Ok(IpAddr::V6(network)) => format!("{network}/64"),
        Ok(IpAddr::V4(address)) => address.to_string(),
        Err(_) => address.to_owned(),
    }
}

/// The same of an address: the first one of an IPv6 /64.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64)).into(),
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_of_one_ipv6_network_are_one_client() {
        assert_eq!(counted_as("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(counted_as("2001:db8:1:2::1"), counted_as("2001:db8:1:2:ffff::"));
        assert_ne!(counted_as("2001:db8:1:2::1"), counted_as("2001:db8:1:3::1"));
        assert_eq!(
            (counted_as("192.0.2.1").as_str(), counted_as("::ffff:192.0.2.1").as_str()),
            ("192.0.2.1", "192.0.2.1")
        );
        assert_eq!(counted_as(""), "");
    }
}
