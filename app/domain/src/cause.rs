//! The catalogue of causes: why an attempt failed. Codes are stable; URLs, REST and the database use them.

use serde::{Deserialize, Serialize};

use crate::time::UnixMs;

macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)+) => {
        /// Why an attempt failed, or why nothing was sent.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Cause {
            $($(#[$doc])* #[serde(rename = $code)] $name,)+
        }

        impl Cause {
            /// Every cause, in the order of the help pages.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The stable code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }
        }
    };
}

causes! {
/// The host name does not resolve.
    DnsNotFound = "dns_not_found",
/// The name servers did not respond in time.
    DnsTimeout = "dns_timeout",
/// The port refused the connection.
    ConnectRefused = "connect_refused",
/// The connection was not established in time.
    ConnectTimeout = "connect_timeout",
    /// The system could not open the connection, and reported why.
    ConnectFailed = "connect_failed",
    /// The certificate has expired.
    TlsExpired = "tls_expired",
    /// The certificate is not valid yet.
    TlsNotYetValid = "tls_not_yet_valid",
    /// The certificate is for another name.
    TlsName = "tls_name",
    /// The certificate signed itself.
    TlsSelfSigned = "tls_self_signed",
    /// The certificate's issuer is unknown: the chain is incomplete, or its authority is not trusted.
    TlsChain = "tls_chain",
    /// The certificate's key or signature is too weak.
    TlsWeakKey = "tls_weak_key",
    /// The server demands a client certificate.
    TlsClientCertificate = "tls_client_certificate",
    /// The server has no host with this name.
    TlsUnknownName = "tls_unknown_name",
    /// No common TLS version.
    TlsVersion = "tls_version",
    /// No common cipher or other parameter.
    TlsCipher = "tls_cipher",
    /// The port speaks plain HTTP.
    TlsPlainHttp = "tls_plain_http",
    /// The port speaks neither TLS nor plain HTTP.
    TlsNotSpoken = "tls_not_spoken",
    /// The server closed the connection during the handshake.
    TlsClosed = "tls_closed",
    /// The handshake was not finished in time.
    TlsTimeout = "tls_timeout",
    /// The handshake failed for any other reason.
    TlsFailed = "tls_failed",
/// The host resolves to an address that the egress guard blocks.
    BlockedAddress = "blocked_address",
/// The server responded with a redirect.
    Redirected = "redirected",
    /// 401 or 403.
    Http401403 = "http_401_403",
    /// 404.
    Http404 = "http_404",
    /// 405.
    Http405 = "http_405",
/// 410: the endpoint wants no more events.
    Http410 = "http_410",
    /// 413.
    Http413 = "http_413",
    /// Any other 4xx.
    Http4xx = "http_4xx",
    /// 429.
    Http429 = "http_429",
/// Any 5xx except 502 and 504.
    Http5xx = "http_5xx",
    /// 502 or 504.
    Http502504 = "http_502_504",
    /// 520–527, by which Cloudflare reports what went wrong behind it.
    Http520527 = "http_520_527",
/// No response in time.
    ResponseTimeout = "response_timeout",
/// The connection was closed or reset.
    Reset = "reset",
/// The response was not valid HTTP.
    BadResponse = "bad_response",
/// No endpoint is subscribed to the event.
    NotSentNoEndpoint = "not_sent_no_endpoint",
    /// The endpoint is paused.
    NotSentPaused = "not_sent_paused",
    /// The provider has suspended the account.
    NotSentSuspended = "not_sent_suspended",
/// An error in Offhook, not at the endpoint.
    OurFault = "our_fault",
}

impl Cause {
    /// The cause with that code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|cause| cause.code() == code)
    }

    /// Whether TLS failed.
    #[must_use]
    pub const fn is_tls(self) -> bool {
        matches!(
            self,
            Self::TlsExpired
                | Self::TlsNotYetValid
                | Self::TlsName
                | Self::TlsSelfSigned
                | Self::TlsChain
                | Self::TlsWeakKey
                | Self::TlsClientCertificate
                | Self::TlsUnknownName
                | Self::TlsVersion
                | Self::TlsCipher
                | Self::TlsPlainHttp
                | Self::TlsNotSpoken
                | Self::TlsClosed
                | Self::TlsTimeout
                | Self::TlsFailed
        )
    }

    /// The cause for an HTTP status code; `None` for 2xx, which is a success.
    #[must_use]
    pub const fn of_status(status: u16) -> Option<Self> {
        Some(match status {
            200..=299 => return None,
            300..=399 => Self::Redirected,
            401 | 403 => Self::Http401403,
            404 => Self::Http404,
            405 => Self::Http405,
            410 => Self::Http410,
            413 => Self::Http413,
            429 => Self::Http429,
            400..=499 => Self::Http4xx,
            502 | 504 => Self::Http502504,
            500..=599 => Self::Http5xx,
            _ => Self::BadResponse,
        })
    }
}

/// The facts known about a failure, from which the sentence of its cause is built.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CauseFacts {
    /// Host of the URL used.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// Port of the URL used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// HTTP status code, if there was a response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The target of a redirect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Seconds from `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
    /// The names the certificate is valid for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_name: Option<String>,
    /// When the certificate expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expired_at: Option<UnixMs>,
    /// From when the certificate is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<UnixMs>,
    /// What only the error itself says: an alert, an error of the system, a protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The time limit that was exceeded, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// Size of the request body in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_bytes: Option<u32>,
    /// The kind of event, for an event that was not sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Since when the endpoint has been paused, or the account suspended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<UnixMs>,
}

/// A cause with its facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The cause.
    pub cause: Cause,
    /// Its facts.
    #[serde(flatten)]
    pub facts: CauseFacts,
}
