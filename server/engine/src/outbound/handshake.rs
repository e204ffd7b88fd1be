//! Why a TLS handshake failed.

use std::io;

use domain::{
    UnixMs,
    cause::{Cause, CauseFacts},
};
use rustls::{AlertDescription, CertificateError, Error as TlsError, PeerIncompatible, pki_types::UnixTime};

use super::{errors::find, tls::Handshake};

/// Smallest RSA key that is accepted, in bits.
const RSA_MIN_BITS: usize = 2_048;

/// The cause of a failed handshake, with the facts that are known about it.
pub(super) fn cause(error: &io::Error, handshake: &Handshake, first_bytes: &[u8], facts: &mut CauseFacts) -> Cause {
    match find::<TlsError>(error) {
        Some(TlsError::InvalidCertificate(certificate)) => of_certificate(certificate, handshake, facts),
        Some(TlsError::InvalidMessage(_)) if first_bytes.starts_with(b"HTTP/") => Cause::TlsPlainHttp,
        Some(TlsError::InvalidMessage(_)) if !is_tls(first_bytes) => {
            facts.detail = first_bytes.starts_with(b"SSH-").then(|| "SSH".to_owned());
            Cause::TlsNotSpoken
        }
        Some(tls) => of_tls(tls, handshake.certificate_requested, facts),
        None => Cause::TlsClosed,
    }
}

/// Whether these bytes begin a TLS record (RFC 8446 section 5.1): a content type from 20 to 24, and version 3.
const fn is_tls(first_bytes: &[u8]) -> bool {
    matches!(first_bytes, [20..=24, 3, ..])
}

/// The cause of an error of TLS, during the handshake or after it: a client certificate may be missed only then.
pub(super) fn of_tls(error: &TlsError, certificate_requested: bool, facts: &mut CauseFacts) -> Cause {
    match error {
        TlsError::AlertReceived(alert) => of_alert(*alert, certificate_requested, facts),
        TlsError::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13 | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => Cause::TlsVersion,
        TlsError::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon | PeerIncompatible::NoKxGroupsInCommon) => {
            Cause::TlsCipher
        }
        other => failed(other.to_string(), facts),
    }
}

fn of_alert(alert: AlertDescription, certificate_requested: bool, facts: &mut CauseFacts) -> Cause {
    match alert {
        AlertDescription::CertificateRequired => Cause::TlsClientCertificate,
        AlertDescription::ProtocolVersion => Cause::TlsVersion,
        AlertDescription::UnrecognisedName => Cause::TlsUnknownName,
        _ if certificate_requested => Cause::TlsClientCertificate,
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => Cause::TlsCipher,
        other => failed(format!("alert {}", alert_name(other)), facts),
    }
}

/// The name of an alert as in RFC 8446 section 6, such as `internal_error` or `unknown_ca`; of one that it lacks, the number.
fn alert_name(alert: AlertDescription) -> String {
    let debug = format!("{alert:?}");
    if !debug.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return u8::from(alert).to_string();
    }
    let (mut name, mut after_lower_case) = (String::new(), false);
    let characters: Vec<char> = debug.chars().collect();
    for (i, character) in characters.iter().enumerate() {
        let before_lower_case = characters.get(i + 1).is_some_and(char::is_ascii_lowercase);
        if character.is_ascii_uppercase() && i > 0 && (after_lower_case || before_lower_case) {
            name.push('_');
        }
        after_lower_case = character.is_ascii_lowercase();
        name.push(character.to_ascii_lowercase());
    }
    name
}

fn of_certificate(error: &CertificateError, handshake: &Handshake, facts: &mut CauseFacts) -> Cause {
    if handshake.rsa_bits.is_some_and(|bits| bits < RSA_MIN_BITS) && is_about_trust(error) {
        facts.detail = handshake.rsa_bits.map(|bits| format!("{bits}-bit RSA"));
        return Cause::TlsWeakKey;
    }
    match error {
        CertificateError::Expired => Cause::TlsExpired,
        CertificateError::ExpiredContext { not_after, .. } => {
            facts.expired_at = Some(unix_ms(*not_after));
            Cause::TlsExpired
        }
        CertificateError::NotValidYet => Cause::TlsNotYetValid,
        CertificateError::NotValidYetContext { not_before, .. } => {
            facts.valid_from = Some(unix_ms(*not_before));
            Cause::TlsNotYetValid
        }
        CertificateError::NotValidForName => Cause::TlsName,
        CertificateError::NotValidForNameContext { presented, .. } => {
            facts.certificate_name = presented.first().map(|name| plain_name(name));
            Cause::TlsName
        }
        CertificateError::UnknownIssuer | CertificateError::Other(_) if handshake.is_self_signed => {
            Cause::TlsSelfSigned
        }
        CertificateError::UnknownIssuer => Cause::TlsChain,
        CertificateError::UnsupportedSignatureAlgorithmContext { .. } => {
            facts.detail = Some("outdated signature algorithm".to_owned());
            Cause::TlsWeakKey
        }
        other if is_purpose(other) => {
            failed("the certificate isn't for a server (extended key usage)".to_owned(), facts)
        }
        other => failed(format!("certificate {other}"), facts),
    }
}

/// Whether the certificate is for something else than a server; the verifier of the platform reports it as another error.
fn is_purpose(error: &CertificateError) -> bool {
    let by_platform = matches!(error, CertificateError::Other(other) if format!("{other:?}").contains("EkuError"));
    by_platform || matches!(error, CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. })
}

/// Whether it would be trusted only with a stronger key, if at all; a certificate that signed itself may be rejected as an
/// authority's.
const fn is_about_trust(error: &CertificateError) -> bool {
    matches!(
        error,
        CertificateError::BadSignature
            | CertificateError::UnknownIssuer
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
            | CertificateError::Other(_)
    )
}

fn failed(detail: String, facts: &mut CauseFacts) -> Cause {
    facts.detail = Some(detail);
    Cause::TlsFailed
}

fn unix_ms(time: UnixTime) -> UnixMs {
    UnixMs(i64::try_from(time.as_secs()).unwrap_or(i64::MAX).saturating_mul(1_000))
}

/// rustls presents names as `DnsName("acme.example")`; users need only the name.
fn plain_name(presented: &str) -> String {
    presented.split('"').nth(1).unwrap_or(presented).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_alert_is_quoted_by_its_standard_name() {
        let mut facts = CauseFacts::default();
        let cause = of_tls(&TlsError::AlertReceived(AlertDescription::InternalError), false, &mut facts);
        assert_eq!((cause, facts.detail.as_deref()), (Cause::TlsFailed, Some("alert internal_error")));
        let names = [AlertDescription::UnknownCA, AlertDescription::UnknownPSKIdentity, 200.into()].map(alert_name);
        assert_eq!(names, ["unknown_ca", "unknown_psk_identity", "200"]);
    }
}
