//! Resolves names as the system does: from `/etc/hosts`, then at the name servers of `/etc/resolv.conf`. It is asynchronous, so
//! that names whose servers are down delay no other lookup, and caches responses by their time to live, within bounds.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use hickory_resolver::{
    Hosts, TokioResolver,
    config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts},
    net::{DnsError as ResponseError, NetError, runtime::TokioRuntimeProvider},
    proto::{
        op::Query,
        rr::{Name, RecordType},
    },
    system_conf::read_system_conf,
};

use super::own_limits::is_own_limit;

/// Why a name gave no address to connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    /// There is no such name.
    #[error("no DNS record")]
    NotFound,
    /// No response in time, or the name servers failed.
    #[error("DNS did not respond")]
    Timeout,
    /// All of its addresses are refused.
    #[error("all addresses are refused")]
    Blocked,
    /// This machine allows no more sockets.
    #[error("no more sockets")]
    OwnLimit,
}

const HOSTS: &str = "/etc/hosts";
const RESOLV_CONF: &str = "/etc/resolv.conf";
/// Longest wait for one name server before the query is repeated: it fits into the limit of a lookup several times.
const QUERY_TIMEOUT_MS: u64 = 1_000;
/// Shortest and longest time that addresses are cached, in seconds, whatever their time to live is.
const CACHED_S: (u64, u64) = (5, 300);
/// The same for names that do not exist.
const ABSENT_CACHED_S: (u64, u64) = (1, 30);
/// Most responses in the cache.
const CACHED_MAX: u64 = 10_000;
/// Most queries at once on one connection: every attempt may need one.
const QUERIES_MAX: usize = 2_048;

/// When the system's files were last changed.
type Changed = [Option<SystemTime>; 2];

/// The system's names, read again when its files change.
#[derive(Default)]
pub(super) struct SystemDns(Mutex<Option<(Changed, Arc<Loaded>)>>);

struct Loaded {
    hosts: Hosts,
    dns: TokioResolver,
}

impl SystemDns {
    /// All addresses of `host`, those preferred that this machine has a route to.
    pub(super) async fn lookup(&self, host: &str) -> Result<Vec<SocketAddr>, DnsError> {
        let name = Name::from_utf8(host).map_err(|_| DnsError::NotFound)?;
        let loaded = self.loaded().map_err(|error| {
            tracing::warn!(%error, "the system's name servers could not be read");
            DnsError::Timeout
        })?;
        let mut addresses = loaded.in_hosts(&name);
        if addresses.is_empty() {
            addresses = loaded.dns.lookup_ip(host).await.map_err(|error| dns_error(&error))?.iter().collect();
        }
        addresses.sort_by_cached_key(|address| (!has_route(*address), address.is_ipv4()));
        Ok(addresses.into_iter().map(|address| SocketAddr::new(address, 0)).collect())
    }

    fn loaded(&self) -> Result<Arc<Loaded>, NetError> {
        let changed = [HOSTS, RESOLV_CONF].map(|file| fs::metadata(file).and_then(|file| file.modified()).ok());
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, loaded)) = &*current
            && *at == changed
        {
            return Ok(loaded.clone());
        }
        let loaded = Arc::new(Loaded::read()?);
        *current = Some((changed, loaded.clone()));
        Ok(loaded)
    }
}

impl Loaded {
    fn read() -> Result<Self, NetError> {
        // Without name servers the local one is asked (resolv.conf(5)).
        let (config, options) = read_system_conf().unwrap_or_else(|_| {
            let local = NameServerConfig::udp_and_tcp(Ipv4Addr::LOCALHOST.into());
            (ResolverConfig::from_parts(None, Vec::new(), vec![local]), ResolverOpts::default())
        });
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        *builder.options_mut() = bounded(options);
        Ok(Self { hosts: Hosts::from_system().unwrap_or_default(), dns: builder.build()? })
    }

    fn in_hosts(&self, name: &Name) -> Vec<IpAddr> {
        let records = [RecordType::A, RecordType::AAAA]
            .into_iter()
            .filter_map(|kind| self.hosts.lookup_static_host(&Query::query(name.clone(), kind)));
        records
            .flat_map(|found| found.answers().iter().filter_map(|record| record.data.ip_addr()).collect::<Vec<_>>())
            .collect()
    }
}

fn bounded(mut options: ResolverOpts) -> ResolverOpts {
    let seconds = |s| Some(Duration::from_secs(s));
    options.timeout = options.timeout.min(Duration::from_millis(QUERY_TIMEOUT_MS));
    // SupportView up before: a name in that file never reaches a name server.
    options.use_hosts_file = ResolveHosts::Never;
    options.cache_size = CACHED_MAX;
    options.max_active_requests = QUERIES_MAX;
    (options.positive_min_ttl, options.positive_max_ttl) = (seconds(CACHED_S.0), seconds(CACHED_S.1));
    (options.negative_min_ttl, options.negative_max_ttl) = (seconds(ABSENT_CACHED_S.0), seconds(ABSENT_CACHED_S.1));
    options
}

/// A name without addresses does not exist; anything else says nothing about the name.
fn dns_error(error: &NetError) -> DnsError {
    match error {
        NetError::Dns(ResponseError::NoRecordsFound(_)) => DnsError::NotFound,
        NetError::Io(error) if is_own_limit(error) => {
            tracing::error!(%error, "this machine allows no more sockets");
            DnsError::OwnLimit
        }
        _ => DnsError::Timeout,
    }
}

/// Whether this machine has a route to an address, as `getaddrinfo` finds out (RFC 6724 section 6, rule 1). Connecting a UDP
/// socket sends nothing.
fn has_route(address: IpAddr) -> bool {
    let any: IpAddr = if address.is_ipv4() { [0; 4].into() } else { [0_u16; 8].into() };
    let connected = |socket: UdpSocket| -> io::Result<()> { socket.connect((address, 9)) };
    UdpSocket::bind((any, 0)).and_then(connected).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_of_the_hosts_file_need_no_name_server() {
        let hosts = "127.0.0.2 alpha.example\n::1 alpha.example";
        let mut loaded = Loaded::read().unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), hosts).unwrap();
        loaded.hosts = Hosts::default();
        loaded.hosts.read_hosts_conf(fs::File::open(file.path()).unwrap()).unwrap();
        let found = loaded.in_hosts(&Name::from_utf8("ALPHA.example").unwrap());
        assert_eq!(found, [IpAddr::from([127, 0, 0, 2]), "::1".parse().unwrap()]);
        assert!(loaded.in_hosts(&Name::from_utf8("beta.example").unwrap()).is_empty());
    }

    #[tokio::test]
    async fn localhost_is_this_machine() {
        let found = SystemDns::default().lookup("localhost").await.unwrap();
        assert!(!found.is_empty() && found.iter().all(|address| address.ip().is_loopback()), "{found:?}");
    }

    #[test]
    fn addresses_are_cached_within_bounds() {
        let options = bounded(ResolverOpts::default());
        assert!(options.positive_min_ttl < options.positive_max_ttl && options.positive_min_ttl.is_some());
        assert!(options.negative_min_ttl < options.negative_max_ttl && options.negative_min_ttl.is_some());
    }
}
