//! Real servers for TLS tests: rustls with certificates of a test authority, OpenSSL, and ports that speak something else.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use engine::outbound::Trust;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// The host that the servers are called by.
pub(crate) const HOST: &str = "crm.example";

/// An authority that the engine under test trusts.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
}

/// A certificate with its key.
pub(crate) struct Certified {
    pub certificate: CertificateDer<'static>,
    pub pem: String,
    key: Vec<u8>,
}

impl Certified {
    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.clone()).into()
    }
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::named("Authority")
    }

    pub(crate) fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().der().clone();
        Self { issuer: Issuer::new(params, key), root }
    }

    /// A certificate for [`HOST`] with this change.
    pub(crate) fn certify(&self, change: impl FnOnce(&mut CertificateParams)) -> Certified {
        let mut params = CertificateParams::new(vec![HOST.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, HOST);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let pem = format!("{}{}", certificate.pem(), key.serialize_pem());
        Certified { certificate: certificate.der().clone(), pem, key: key.serialize_der() }
    }

    /// Trusts this authority, and resolves every name under `.example` to this machine.
    pub(crate) fn trust(&self) -> Trust {
        let local = || -> SocketAddr { ([127, 0, 0, 1], 0).into() };
        Trust { lookup: Arc::new(move |_| Box::pin(async move { Ok(vec![local()]) })), roots: vec![self.root.clone()] }
    }
}

/// A certificate for [`HOST`] that signed itself.
pub(crate) fn self_signed() -> Certified {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![HOST.to_owned()]).unwrap().self_signed(&key).unwrap();
    Certified { certificate: certificate.der().clone(), pem: String::new(), key: key.serialize_der() }
}

/// A TLS configuration with this certificate.
pub(crate) fn serving(certified: &Certified) -> ServerConfig {
    config().with_single_cert(vec![certified.certificate.clone()], certified.key()).unwrap()
}

/// A TLS configuration that has a certificate for no name.
pub(crate) fn knowing_no_name() -> ServerConfig {
    #[derive(Debug)]
    struct NoName;
    impl ResolvesServerCert for NoName {
        fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
            None
        }
    }
    config().with_cert_resolver(Arc::new(NoName))
}

fn config() -> rustls::ConfigBuilder<ServerConfig, rustls::server::WantsServerCert> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap().with_no_client_auth()
}

/// Accepts TLS connections and handles each with `serve`. Returns the port.
pub(crate) async fn rustls<F>(config: ServerConfig, serve: impl Fn(TlsStream<TcpStream>) -> F + Send + 'static) -> u16
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, acceptor) = (listener.local_addr().unwrap().port(), TlsAcceptor::from(Arc::new(config)));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                tokio::spawn(serve(stream));
            }
        }
    });
    port
}

/// Responds to the first request with 200.
pub(crate) async fn respond(mut stream: TlsStream<TcpStream>) {
    let mut request = [0; 4_096];
    let _ = stream.read(&mut request).await;
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
}

/// What a port does that does not speak TLS.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Port {
    /// Sends this at once.
    Greets(&'static str),
    /// Sends this once it has received something.
    Responds(&'static [u8]),
    /// Closes the connection once it has received something.
    Closes,
    /// Resets the connection once it has received something.
    Resets,
    /// Says nothing.
    Silent,
}

/// Opens such a port.
pub(crate) async fn open(port: Port) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let number = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(behave(stream, port));
        }
    });
    number
}

async fn behave(mut stream: TcpStream, port: Port) {
    let mut received = [0; 4_096];
    if let Port::Greets(greeting) = port {
        let _ = stream.write_all(greeting.as_bytes()).await;
    }
    let _ = stream.read(&mut received).await;
    match port {
        Port::Responds(bytes) => {
            let _ = stream.write_all(bytes).await;
            let _ = stream.read(&mut received).await;
        }
        Port::Resets => stream.set_zero_linger().unwrap(),
        Port::Greets(_) | Port::Silent => while stream.read(&mut received).await.is_ok_and(|n| n > 0) {},
        Port::Closes => {}
    }
}

/// OpenSSL's test server, until it is dropped.
pub(crate) struct OpenSsl {
    process: Child,
    pub port: u16,
    _files: tempfile::TempDir,
}

impl OpenSsl {
    /// Starts it with this certificate and key, and these options, in which `{pem}` is the file with both.
    pub(crate) fn start(pem: &str, options: &[&str]) -> Self {
        let files = tempfile::tempdir().unwrap();
        let file = files.path().join("server.pem");
        std::fs::File::create(&file).unwrap().write_all(pem.as_bytes()).unwrap();
        let mut process = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-www", "-cert"])
            .arg(&file)
            .arg("-key")
            .arg(&file)
            .args(options.iter().map(|option| option.replace("{pem}", &file.display().to_string())))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let accepts = lines.map_while(Result::ok).find(|line| line.starts_with("ACCEPT")).unwrap();
        let port = accepts.rsplit(':').next().unwrap().parse().unwrap();
        Self { process, port, _files: files }
    }
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A self-signed certificate with an RSA key of this size, made by OpenSSL.
pub(crate) fn rsa(bits: u32) -> String {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=crm.example", "-keyout", "-", "-out", "-"])
        .args(["-newkey", &format!("rsa:{bits}"), "-addext", "subjectAltName=DNS:crm.example"])
        .output()
        .unwrap();
    String::from_utf8(made.stdout).unwrap()
}
