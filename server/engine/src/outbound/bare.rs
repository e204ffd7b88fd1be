//! The client's library alone, without guard, limits, signature or record: what a machine could post at most. For
//! measuring the sender against.

use reqwest::Client;

use super::BuildError;

/// A client that only posts.
#[derive(Debug, Clone)]
pub struct Bare(Client);

impl Bare {
    /// A client as the library builds it.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new() -> Result<Self, BuildError> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        #[expect(clippy::disallowed_methods, reason = "this module is the one place that builds clients")]
        Ok(Self(Client::builder().no_proxy().tcp_nodelay(true).build()?))
    }

    /// Posts and reads the whole answer. Whether it was a 2xx.
    pub async fn post(&self, url: &str, body: Vec<u8>) -> bool {
        let Ok(answer) = self.0.post(url).body(body).send().await else { return false };
        answer.status().is_success() && answer.bytes().await.is_ok()
    }
}
