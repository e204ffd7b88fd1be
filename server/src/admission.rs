//! Who may hold how many connections: each address has a share, and part of all is kept free for others.

use std::{net::IpAddr, sync::Arc};

use domain::client::network;
use engine::shares::{Share, Shares};
use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Most connections at once. Each takes about 20 KiB, and 28 KiB while half a head has arrived.
pub const CONNECTIONS_MAX: usize = 4_096;
/// An address may hold one in so many of them …
const ADDRESS_SHARE: usize = 16;
/// … and one in so many while only a quarter is free, which is kept for other addresses.
const ADDRESS_SHARE_WHEN_BUSY: usize = 256;
/// Fewest that an address may hold, however few there are.
const ADDRESS_MIN: usize = 4;

/// Admits connections, and requests that come through a trusted proxy.
///
/// A proxy's own connections have no limit per address: those who are behind it are counted by the address that it
/// forwards, with each of their requests.
#[derive(Debug)]
pub struct Admission {
    trusted_proxies: Vec<IpNet>,
    connections_max: usize,
    free: Arc<Semaphore>,
    addresses: Shares<IpAddr>,
}

/// An admitted connection, which counts until it is dropped.
#[derive(Debug)]
pub struct Permit {
    _connection: OwnedSemaphorePermit,
    _address: Option<Share<IpAddr>>,
}

impl Admission {
    /// Admission to at most so many connections.
    #[must_use]
    pub fn new(trusted_proxies: Vec<IpNet>, connections_max: usize) -> Self {
        let free = Arc::new(Semaphore::new(connections_max));
        Self { trusted_proxies, connections_max, free, addresses: Shares::default() }
    }

    /// A permit for a connection from this address; none while it, or the server, has too many.
    #[must_use]
    pub fn connection(&self, peer: IpAddr) -> Option<Permit> {
        let address = if self.is_trusted(peer) { None } else { Some(self.share(peer)?) };
        let connection = Arc::clone(&self.free).try_acquire_owned().ok()?;
        Some(Permit { _connection: connection, _address: address })
    }

    /// Whether this is the address of a trusted proxy.
    #[must_use]
    pub fn is_trusted(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted_proxies.iter().any(|net| net.contains(&address))
    }

    /// One more for this address, of its connections and forwarded requests; none if it has too many.
    #[must_use]
    pub fn share(&self, address: IpAddr) -> Option<Share<IpAddr>> {
        let is_busy = self.free.available_permits() < self.connections_max / 4;
        let share = if is_busy { ADDRESS_SHARE_WHEN_BUSY } else { ADDRESS_SHARE };
        self.addresses.take(network(address), (self.connections_max / share).max(ADDRESS_MIN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Permits for as many connections as this address gets.
    fn all(admission: &Admission, address: &str) -> Vec<Permit> {
        std::iter::from_fn(|| admission.connection(address.parse().unwrap())).collect()
    }

    #[test]
    fn a_few_addresses_cannot_take_all_connections() {
        let admission = Admission::new(Vec::new(), 1_024);
        let greedy: Vec<_> = (0..50).map(|n| all(&admission, &format!("203.0.113.{n}"))).collect();
        assert_eq!(greedy[0].len(), 64);
        assert_eq!(greedy[49].len(), 4);
        assert!(admission.connection("198.51.100.1".parse().unwrap()).is_some());
        assert!(admission.connection("203.0.113.0".parse().unwrap()).is_none());
        drop(greedy);
        assert_eq!(all(&admission, "203.0.113.0").len(), 64, "what was dropped is free again");
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let admission = Admission::new(Vec::new(), 1_024);
        let held = all(&admission, "2001:db8::1");
        assert_eq!(held.len(), 64);
        assert!(admission.connection("2001:db8::ffff:2".parse().unwrap()).is_none());
        assert!(admission.connection("2001:db8:0:1::1".parse().unwrap()).is_some());
        assert!(admission.connection("::ffff:203.0.113.1".parse().unwrap()).is_some());
    }

    #[test]
    fn a_trusted_proxy_may_take_all_connections() {
        let admission = Admission::new(vec!["10.0.0.0/8".parse().unwrap()], 1_024);
        assert_eq!(all(&admission, "::ffff:10.0.0.7").len(), 1_024);
    }
}
