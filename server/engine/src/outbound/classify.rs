//! Maps errors of the client to causes of the catalogue. What has no cause of its own is quoted, never guessed.

use std::{error::Error, io};

use domain::cause::{Cause, CauseFacts};
use hyper_util::client::legacy;
use rustls::Error as TlsError;

use super::{
    CONNECT_TIMEOUT_MS,
    client::{self, HEAD_MAX_BYTES, HEADERS_MAX, SILENT_MS, SendError},
    connection::INTERIM_MAX_BYTES,
    connector::ConnectError,
    errors::{find, is_connection_lost},
    handshake,
    own_limits::is_own_limit,
    resolver::DnsError,
};

/// The cause of a request without a response, with the facts that the error contains. `timeout_ms` is the attempt's limit.
pub(super) fn cause(error: &SendError, timeout_ms: u32, facts: &mut CauseFacts) -> Cause {
    let mut timed_out = |cause| {
        facts.timeout_ms = Some(timeout_ms);
        cause
    };
    match error {
        SendError::ConnectTimeout => timed_out(Cause::ConnectTimeout),
        SendError::TlsTimeout => timed_out(Cause::TlsTimeout),
        SendError::ResponseTimeout => timed_out(Cause::ResponseTimeout),
        SendError::TooManyInterim => too_many_interim(HEAD_MAX_BYTES, facts),
        SendError::Failed(error) => match find::<ConnectError>(error) {
            Some(connect) => of_connect(connect, facts),
            None => of_exchange(error, facts),
        },
    }
}

fn too_many_interim(max_bytes: usize, facts: &mut CauseFacts) -> Cause {
    facts.detail = Some(format!("more than {} KiB of interim responses (1xx)", max_bytes / 1_024));
    Cause::BadResponse
}

fn of_connect(error: &ConnectError, facts: &mut CauseFacts) -> Cause {
    match error {
        ConnectError::Timeout => {
            facts.timeout_ms = Some(CONNECT_TIMEOUT_MS);
            Cause::ConnectTimeout
        }
        ConnectError::TlsTimeout => {
            facts.timeout_ms = Some(CONNECT_TIMEOUT_MS);
            Cause::TlsTimeout
        }
        ConnectError::Tcp(error) => of_tcp(&**error, facts),
        ConnectError::Tls { error, handshake, first_bytes } => handshake::cause(error, handshake, first_bytes, facts),
        ConnectError::NoHost => Cause::OurFault,
    }
}

fn of_tcp(error: &(dyn Error + 'static), facts: &mut CauseFacts) -> Cause {
    if let Some(dns) = find::<DnsError>(error) {
        return match dns {
            DnsError::NotFound => Cause::DnsNotFound,
            DnsError::Timeout => Cause::DnsTimeout,
            DnsError::Blocked => Cause::BlockedAddress,
            DnsError::OwnLimit => Cause::OurFault,
        };
    }
    let Some(io) = find::<io::Error>(error) else {
        tracing::error!(error, "a connection failed for an unknown reason");
        return Cause::OurFault;
    };
    if is_own_limit(io) {
        tracing::error!(%io, "this machine allows no more connections");
        return Cause::OurFault;
    }
    match io.kind() {
        io::ErrorKind::ConnectionRefused => Cause::ConnectRefused,
        io::ErrorKind::TimedOut => Cause::ConnectTimeout,
        _ => {
            facts.detail = Some(io_text(io));
            Cause::ConnectFailed
        }
    }
}

/// An error of the system, without its number.
fn io_text(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

/// The cause of a failure on an open connection.
fn of_exchange(error: &legacy::Error, facts: &mut CauseFacts) -> Cause {
    let seen = error.connect_info().and_then(client::seen);
    let requested = seen.as_ref().is_some_and(|seen| seen.certificate_requested());
    if let Some(tls) = find::<TlsError>(error) {
        return handshake::of_tls(tls, requested, facts);
    }
    if seen.as_ref().is_some_and(|seen| seen.had_too_many_interim()) {
        return too_many_interim(INTERIM_MAX_BYTES, facts);
    }
    let Some(hyper) = find::<hyper::Error>(error) else { return Cause::OurFault };
    if hyper.is_parse_too_large() {
        facts.detail = Some(format!("more than {HEADERS_MAX} header lines or {} KiB of them", HEAD_MAX_BYTES / 1_024));
        return Cause::BadResponse;
    }
    if hyper.is_parse() {
        return Cause::BadResponse;
    }
    if hyper.is_timeout() {
        // The connection no longer responds to pings.
        facts.timeout_ms = Some(SILENT_MS);
        return Cause::ResponseTimeout;
    }
    // Over TLS 1.3 a missing certificate is noticed after the handshake, and the alert may be lost with the connection.
    let is_first = seen.is_some_and(|seen| !seen.was_used() && seen.is_silent());
    if requested && is_first && is_connection_lost(error) {
        return Cause::TlsClientCertificate;
    }
    if hyper.is_user() { Cause::OurFault } else { Cause::Reset }
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    fn of(error: Errno) -> (Cause, Option<String>) {
        let mut facts = CauseFacts::default();
        let cause = of_tcp(&io::Error::from_raw_os_error(error.raw_os_error()), &mut facts);
        (cause, facts.detail)
    }

    #[test]
    fn a_limit_of_this_machine_is_our_fault() {
        for error in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::ADDRNOTAVAIL] {
            assert_eq!(of(error), (Cause::OurFault, None), "{error}");
        }
    }

    #[test]
    fn what_the_system_says_is_quoted() {
        assert_eq!(of(Errno::CONNREFUSED), (Cause::ConnectRefused, None));
        assert_eq!(of(Errno::HOSTUNREACH), (Cause::ConnectFailed, Some("no route to host".to_owned())));
        assert_eq!(of(Errno::NETUNREACH), (Cause::ConnectFailed, Some("network is unreachable".to_owned())));
    }
}
