//! TLS: who is trusted, and what is learned in a handshake that fails.

use std::{cell::RefCell, future::Future, sync::Arc};

use rustls::{
    ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme,
    client::{
        ResolvesClientCert,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
    sign::CertifiedKey,
};
use rustls_platform_verifier::Verifier;

use super::rsa;

tokio::task_local! {
    static LEARNED: RefCell<Handshake>;
}

/// What was learned in a handshake.
#[derive(Debug, Clone, Default)]
pub(super) struct Handshake {
    /// The server asked for a client certificate.
    pub(super) certificate_requested: bool,
    /// The server's certificate was rejected, and it signed itself.
    pub(super) is_self_signed: bool,
    /// The server's certificate was rejected, and this is the size of its RSA key.
    pub(super) rsa_bits: Option<usize>,
}

/// Runs a handshake and returns what was learned during it.
pub(super) async fn learned<T>(handshake: impl Future<Output = T>) -> (T, Handshake) {
    let run = async {
        let result = handshake.await;
        (result, LEARNED.with(|learned| learned.borrow().clone()))
    };
    LEARNED.scope(RefCell::default(), run).await
}

fn learn(note: impl FnOnce(&mut Handshake)) {
    let _ = LEARNED.try_with(|learned| note(&mut learned.borrow_mut()));
}

/// A configuration without protocols. Besides those of the system, these roots are trusted.
///
/// # Errors
/// When the system has no roots or a root is invalid.
pub(super) fn config(roots: &[CertificateDer<'static>]) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(roots.to_vec(), Arc::clone(&provider))?;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Observing(verifier)))
        .with_client_cert_resolver(Arc::new(NoCertificate)))
}

/// The system's verifier; it notes what is special about a certificate that it rejects.
#[derive(Debug)]
struct Observing(Verifier);

impl Observing {
    fn note<T>(result: Result<T, TlsError>, certificate: &CertificateDer<'_>) -> Result<T, TlsError> {
        if result.is_err()
            && let Ok(certificate) = webpki::EndEntityCert::try_from(certificate)
        {
            learn(|learned| {
                learned.is_self_signed = certificate.issuer() == certificate.subject();
                learned.rsa_bits = rsa::key_bits(&certificate.subject_public_key_info());
            });
        }
        result
    }
}

impl ServerCertVerifier for Observing {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Self::note(self.0.verify_server_cert(certificate, intermediates, name, ocsp_response, now), certificate)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Self::note(self.0.verify_tls12_signature(message, certificate, signature), certificate)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Self::note(self.0.verify_tls13_signature(message, certificate, signature), certificate)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// We have no client certificate; it is worth knowing that one was requested.
#[derive(Debug)]
struct NoCertificate;

impl ResolvesClientCert for NoCertificate {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        learn(|learned| learned.certificate_requested = true);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}
