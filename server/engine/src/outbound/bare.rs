//! The HTTP library alone, without guard, limits, signature or record: the most that a machine could post. Benchmarks compare
//! the sender with it.

use reqwest::Client;

use super::BuildError;

/// A client that only posts.
#[derive(Debug, Clone)]
pub struct Bare(Client);

impl Bare {
    /// A client with the defaults of the library.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new() -> Result<Self, BuildError> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        #[expect(clippy::disallowed_methods, reason = "this module is the one place that builds clients")]
        Ok(Self(Client::builder().no_proxy().tcp_nodelay(true).build()?))
    }

    /// Posts and reads the whole response; true for a 2xx.
    pub async fn post(&self, url: &str, body: Vec<u8>) -> bool {
        let Ok(response) = self.0.post(url).body(body).send().await else { return false };
        response.status().is_success() && response.bytes().await.is_ok()
    }
}
