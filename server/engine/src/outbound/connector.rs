//! Connects: name, TCP and TLS, within one time limit. Each step fails with an error of its own.

use std::{
    error::Error,
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use hyper::Uri;
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_rustls::TlsConnector;
use tower::Service;

use super::{
    CONNECT_TIMEOUT_MS,
    connection::{Carries, Seen, Stream, Watched},
    resolver::VettingResolver,
    timing,
    tls::{self, Handshake},
};
use crate::clock;

/// A connection of the client.
pub(super) type Connection = TokioIo<Watched<Box<dyn Stream>>>;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    /// The time was up before TCP had connected.
    #[error("no connection in time")]
    Timeout,
    /// The time was up during the handshake.
    #[error("no TLS handshake in time")]
    TlsTimeout,
    /// The name was not resolved, or TCP did not connect.
    #[error("no connection")]
    Tcp(#[source] Box<dyn Error + Send + Sync>),
    /// The handshake failed.
    #[error("TLS failed")]
    Tls {
        /// Why.
        #[source]
        error: io::Error,
        /// What was learned before.
        handshake: Handshake,
        /// The first bytes that the server sent.
        first_bytes: Vec<u8>,
    },
    /// The URL has no host that TLS could verify.
    #[error("no host to verify")]
    NoHost,
}

/// Connects to where a URL points.
#[derive(Clone)]
pub(super) struct Connector {
    tcp: HttpConnector<VettingResolver>,
    tls: TlsConnector,
}

impl Connector {
    pub(super) fn new(resolver: VettingResolver, tls: Arc<ClientConfig>) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(resolver);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        Self { tcp, tls: tls.into() }
    }

    async fn connect(mut self, uri: Uri) -> Result<Connection, ConnectError> {
        let deadline = clock::stopwatch() + Duration::from_millis(u64::from(CONNECT_TIMEOUT_MS));
        let is_tls = uri.scheme_str() == Some("https");
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let tcp = timeout_at(deadline, self.tcp.call(uri)).await.map_err(|_| ConnectError::Timeout)?;
        let tcp = tcp.map_err(|error| ConnectError::Tcp(error.into()))?.into_inner();
        if is_tls {
            timing::tcp_connected();
            return self.handshake(tcp, host, deadline).await;
        }
        Ok(TokioIo::new(Watched::new(Box::new(tcp), Arc::default(), Carries::Http1)))
    }

    async fn handshake(self, tcp: TcpStream, host: String, deadline: Instant) -> Result<Connection, ConnectError> {
        let name = ServerName::try_from(host).map_err(|_| ConnectError::NoHost)?;
        let raw = Arc::new(Seen::default());
        let tcp = Watched::new(tcp, Arc::clone(&raw), Carries::Tls);
        let connecting = timeout_at(deadline, self.tls.connect(name, tcp));
        let (result, handshake) = tls::learned(connecting).await;
        let certificate_requested = handshake.certificate_requested;
        let tls = result.map_err(|_| ConnectError::TlsTimeout)?.map_err(|error| ConnectError::Tls {
            error,
            handshake,
            first_bytes: raw.first_bytes(),
        })?;
        let carries = if tls.get_ref().1.alpn_protocol() == Some(b"h2") { Carries::Http2 } else { Carries::Http1 };
        let seen = Arc::new(Seen::default());
        seen.set_certificate_requested(certificate_requested);
        Ok(TokioIo::new(Watched::new(Box::new(tls), seen, carries)))
    }
}

impl Service<Uri> for Connector {
    type Response = Connection;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Connection, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.clone().connect(uri);
        Box::pin(async move {
            let began = clock::stopwatch();
            let result = connecting.await;
            timing::connect(began.elapsed());
            result
        })
    }
}
