//! Maps errors of the client to causes of the catalogue.

use std::{error::Error, io};

use domain::{
    UnixMs,
    cause::{Cause, CauseFacts},
};
use rustls::{CertificateError, Error as TlsError};

use super::resolver::DnsError;

/// The cause of a failed request, with the facts that the error contains.
pub(super) fn cause(error: &reqwest::Error, facts: &mut CauseFacts) -> Cause {
    if let Some(dns) = find::<DnsError>(error) {
        return of_dns(*dns);
    }
    if let Some(tls) = find::<TlsError>(error) {
        return of_tls(tls, facts);
    }
    if error.is_timeout() && error.is_connect() {
        facts.timeout_ms = Some(super::CONNECT_TIMEOUT_MS);
        return Cause::ConnectTimeout;
    }
    if let Some(io) = find::<io::Error>(error)
        && let Some(cause) = of_io(io.kind(), error.is_connect())
    {
        return cause;
    }
    match find::<hyper::Error>(error) {
        Some(hyper) if hyper.is_parse() => Cause::BadResponse,
        Some(hyper) if hyper.is_incomplete_message() || hyper.is_canceled() || hyper.is_closed() => Cause::Reset,
        _ if error.is_connect() => Cause::ConnectTimeout,
        _ if error.is_builder() => Cause::OurFault,
        _ => Cause::Reset,
    }
}

/// The cause for a name that could not be resolved.
const fn of_dns(error: DnsError) -> Cause {
    match error {
        DnsError::NotFound => Cause::DnsNotFound,
        DnsError::Timeout => Cause::DnsTimeout,
        DnsError::Blocked => Cause::BlockedAddress,
    }
}

const fn of_io(kind: io::ErrorKind, connecting: bool) -> Option<Cause> {
    Some(match kind {
        io::ErrorKind::ConnectionRefused => Cause::ConnectRefused,
        // A server that closes the connection during the handshake does not speak TLS.
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData if connecting => Cause::TlsVersion,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Cause::Reset,
        io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Cause::ConnectTimeout
        }
        _ => return None,
    })
}

fn of_tls(error: &TlsError, facts: &mut CauseFacts) -> Cause {
    let TlsError::InvalidCertificate(certificate) = error else { return Cause::TlsVersion };
    match certificate {
        CertificateError::Expired => Cause::TlsExpired,
        CertificateError::ExpiredContext { not_after, .. } => {
            let seconds = i64::try_from(not_after.as_secs()).unwrap_or(i64::MAX);
            facts.expired_at = Some(UnixMs(seconds.saturating_mul(1_000)));
            Cause::TlsExpired
        }
        CertificateError::NotValidForName => Cause::TlsName,
        CertificateError::NotValidForNameContext { presented, .. } => {
            facts.certificate_name = presented.first().map(|name| plain_name(name));
            Cause::TlsName
        }
        _ => Cause::TlsChain,
    }
}

/// rustls presents names as `DnsName("acme.example")`; users need only the name.
fn plain_name(presented: &str) -> String {
    presented.split('"').nth(1).unwrap_or(presented).to_owned()
}

/// The first error of type `E` in the chain of sources; I/O errors wrap theirs.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        if let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref)
            && let Some(found) = find::<E>(inner)
        {
            return Some(found);
        }
        next = error.source();
    }
    None
}
