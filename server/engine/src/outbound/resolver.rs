//! Resolves names and vets every address. The client connects to what is returned here, so a name that changes between check
//! and connect gains nothing.

use crate::clock;
use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, PoisonError, RwLock},
    task::{Context, Poll},
    time::Duration,
    vec::IntoIter,
};

use futures::future::BoxFuture;
use hyper_util::client::legacy::connect::dns::Name;
use tokio::time::timeout;
use tower::Service;

pub use super::system_dns::DnsError;
use super::{policy::Policy, system_dns::SystemDns, timing};

/// Time limit of a lookup.
pub(super) const DNS_TIMEOUT_MS: u64 = domain::endpoint::DNS_TIMEOUT_MS as u64;

/// Resolves a name: as the system does, or as a test decides.
pub type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, Result<Vec<SocketAddr>, DnsError>> + Send + Sync>;

/// Resolves names as the system does, within [`DNS_TIMEOUT_MS`].
#[must_use]
pub(super) fn system_lookup() -> Lookup {
    let system = Arc::new(SystemDns::default());
    Arc::new(move |host| {
        let system = Arc::clone(&system);
        Box::pin(async move {
            // Names under .invalid never exist (RFC 6761 section 6.4); asking a name server would only take time.
            if host == "invalid" || host.ends_with(".invalid") {
                return Err(DnsError::NotFound);
            }
            let found = timeout(Duration::from_millis(DNS_TIMEOUT_MS), system.lookup(&host)).await;
            found.unwrap_or(Err(DnsError::Timeout))
        })
    })
}

/// Resolves and vets.
#[derive(Clone)]
pub(super) struct VettingResolver {
    pub(super) policy: Arc<RwLock<Policy>>,
    pub(super) lookup: Lookup,
}

impl VettingResolver {
    /// Whether this address may be called now.
    pub(super) fn allows(&self, address: IpAddr) -> bool {
        self.policy.read().unwrap_or_else(PoisonError::into_inner).allows(address)
    }

    /// The addresses of `host` that may be called.
    ///
    /// # Errors
    /// [`DnsError`].
    pub(super) async fn addresses(&self, host: &str) -> Result<Vec<SocketAddr>, DnsError> {
        let found = (self.lookup)(host.to_owned()).await?;
        let allowed: Vec<SocketAddr> = found.iter().copied().filter(|a| self.allows(a.ip())).collect();
        match (found.is_empty(), allowed.is_empty()) {
            (true, _) => Err(DnsError::NotFound),
            (false, true) => Err(DnsError::Blocked),
            _ => Ok(allowed),
        }
    }
}

impl Service<Name> for VettingResolver {
    type Response = IntoIter<SocketAddr>;
    type Error = DnsError;
    type Future = BoxFuture<'static, Result<Self::Response, DnsError>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), DnsError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let vetted = self.clone();
        Box::pin(async move {
            let began = clock::stopwatch();
            let result = vetted.addresses(name.as_str()).await;
            timing::dns(began.elapsed());
            Ok(result?.into_iter())
        })
    }
}
