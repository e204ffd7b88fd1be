//! A server behind TLS, as a reverse proxy provides it, and an Asterisk that connects through it.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use engine::clock::sleep_ms;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tempfile::TempDir;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use crate::{
    PATIENCE, POLL_MS,
    dialling::{DiallingSite, answered, incoming},
    expected::Exactness,
    site::{Running, unlike},
};

/// The name that Asterisk connects to, and for which the certificate is valid.
const HOST: &str = "localhost";
/// The authorities that Asterisk trusts, as the page for a new connector says.
const SYSTEM_AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A listener for TLS, whose certificate is signed by an authority of its own.
pub(crate) struct TlsFront {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    folder: TempDir,
}

/// The file with the authority, which lasts as long as this.
pub(crate) struct Authority(TempDir);

impl TlsFront {
    pub(crate) async fn bind() -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        // A certificate whose issuer has its own name would count as self-signed.
        authority.distinguished_name.push(DnType::CommonName, "Authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let folder = TempDir::with_prefix("tls").unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.self_signed(&key).unwrap().pem()).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(certified(&Issuer::new(authority, key))));
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap(), acceptor, folder }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{HOST}:{}", self.listener.local_addr().unwrap().port())
    }

    /// Passes on what arrives, as long as the test runs.
    pub(crate) fn lead_to(self, server: SocketAddr) -> Authority {
        let Self { listener, acceptor, folder } = self;
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, acceptor.clone(), server));
            }
        });
        Authority(folder)
    }
}

impl Authority {
    fn file(&self) -> PathBuf {
        self.0.path().join("ca.pem")
    }
}

fn certified(issuer: &Issuer<'_, KeyPair>) -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![HOST.to_owned()]).unwrap().signed_by(&key, issuer).unwrap();
    let (chain, key) = (vec![CertificateDer::from(certificate)], PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    config.with_single_cert(chain, PrivateKeyDer::from(key)).unwrap()
}

async fn pass(client: TcpStream, acceptor: TlsAcceptor, server: SocketAddr) {
    // A client that does not trust the certificate ends here.
    let Ok(mut client) = acceptor.accept(client).await else { return };
    if let Ok(mut server) = TcpStream::connect(server).await {
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Asterisk; make test-pbx runs it"]
async fn asterisk_connects_over_tls_once_it_trusts_the_servers_certificate() {
    let (site, authority) = DiallingSite::set_up_behind_tls(36, "info").await;
    refused_the_certificate(&site).await;
    let shown = site.server.until(&site.connector, |shown| shown["status"] == "waiting").await;
    assert!(shown["state"]["connected_since"].is_null(), "{shown}");
    // An authority of one's own is named in place of the system's.
    let line = |file: &str| format!("ca_list_file = {file}");
    let (before, after) = (line(SYSTEM_AUTHORITIES), line(authority.file().to_str().unwrap()));
    site.asterisk.replace("websocket_client.conf", &before, &after);
    site.reload().await;
    site.connected().await;
    let office = site.asterisk.office(0);
    let play = incoming(office, 500, 0, 1_000).expect(answered(office, 1));
    let expected = Running::start(vec![play], &site.asterisk, &site.observer).finish().await;
    let differences = unlike(&expected, &site.asterisk, &site.receiver, Exactness::Exact).await;
    assert_eq!(differences, [""; 0], "{}", site.server.log());
}

/// Waits until Asterisk's log says what the help page tells to look for.
async fn refused_the_certificate(site: &DiallingSite) {
    let refused = async {
        while !site.asterisk.log().contains("did not verify") {
            sleep_ms(POLL_MS).await;
        }
    };
    let is_refused = tokio::time::timeout(PATIENCE, refused).await.is_ok();
    assert!(is_refused, "Asterisk: {}", site.asterisk.log());
}
