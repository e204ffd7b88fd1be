//! The egress guard: which addresses endpoints may have. Everything that is not clearly a public unicast address is
//! refused (IANA special-purpose registries, RFC 6890), unless an operator allows its network.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

/// Networks that endpoints must not point to.
const REFUSED: &[&str] = &[
    "0.0.0.0/8",       // this network
    "10.0.0.0/8",      // private
    "100.64.0.0/10",   // carrier-grade NAT
    "127.0.0.0/8",     // loopback
    "169.254.0.0/16",  // link-local, with the metadata services of clouds
    "172.16.0.0/12",   // private
    "192.0.0.0/24",    // protocol assignments
    "192.0.2.0/24",    // documentation
    "192.88.99.0/24",  // 6to4 relays
    "192.168.0.0/16",  // private
    "198.18.0.0/15",   // benchmarks
    "198.51.100.0/24", // documentation
    "203.0.113.0/24",  // documentation
    "224.0.0.0/4",     // multicast
    "240.0.0.0/4",     // reserved, broadcast
    "::/96",           // unspecified, loopback, IPv4-compatible
    "64:ff9b::/96",    // NAT64
    "64:ff9b:1::/48",  // NAT64, local use
    "100::/64",        // discard
    "2001::/23",       // protocol assignments, Teredo
    "2001:db8::/32",   // documentation
    "2002::/16",       // 6to4
    "3fff::/20",       // documentation
    "5f00::/16",       // segment routing
    "fc00::/7",        // unique local, with the metadata service of one cloud
    "fe80::/10",       // link-local
    "fec0::/10",       // site-local, deprecated
    "ff00::/8",        // multicast
];

/// Which addresses may be called.
#[derive(Debug, Clone)]
pub struct Policy {
    refused: Vec<IpNet>,
    allowed: Vec<IpNet>,
}

impl Policy {
    /// The standard refusals, with exceptions that an operator allows.
    #[must_use]
    pub fn new(allowed: Vec<IpNet>) -> Self {
        Self { refused: REFUSED.iter().filter_map(|net| net.parse().ok()).collect(), allowed }
    }

    /// Whether this address may be called. An IPv4-mapped IPv6 address is treated as IPv4.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = match address {
            IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4),
            v4 => v4,
        };
        let within = |nets: &[IpNet]| nets.iter().any(|net| net.contains(&address));
        within(&self.allowed) || !(within(&self.refused) || is_unassigned(address))
    }
}

/// Only 2000::/3 has been assigned for global unicast (RFC 4291).
const fn is_unassigned(address: IpAddr) -> bool {
    match address {
        IpAddr::V6(v6) => !is_global_unicast(v6),
        IpAddr::V4(_) => false,
    }
}

const fn is_global_unicast(address: Ipv6Addr) -> bool {
    address.segments()[0] >> 13 == 0b001
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_of_the_table_is_a_network() {
        assert_eq!(Policy::new(Vec::new()).refused.len(), REFUSED.len());
    }

    #[test]
    fn special_addresses_are_refused_and_public_ones_are_not() {
        let policy = Policy::new(Vec::new());
        for refused in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.31.255.255",
            "192.168.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "203.0.113.9",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "4000::1",
        ] {
            assert!(refused.parse().is_ok_and(|address| !policy.allows(address)), "{refused}");
        }
        for public in ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(public.parse().is_ok_and(|address| policy.allows(address)), "{public}");
        }
    }

    #[test]
    fn an_operator_may_allow_a_network() {
        let policy = Policy::new(["127.0.0.0/8".parse()].into_iter().flatten().collect());
        assert!("127.0.0.1".parse().is_ok_and(|address| policy.allows(address)));
        assert!("10.0.0.1".parse().is_ok_and(|address| !policy.allows(address)));
    }
}
