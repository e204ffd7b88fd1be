//! Why an attempt failed: the catalogue of causes. Codes are stable; they stand in URLs, REST and the database.

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
    /// The name has no address.
    DnsNotFound = "dns_not_found",
    /// The name servers did not answer in time.
    DnsTimeout = "dns_timeout",
    /// Nothing listens at the port.
    ConnectRefused = "connect_refused",
    /// No answer to the connection in time.
    ConnectTimeout = "connect_timeout",
    /// The certificate has expired.
    TlsExpired = "tls_expired",
    /// The certificate is for another name.
    TlsName = "tls_name",
    /// The certificate's issuer is unknown: the chain is incomplete or it signed itself.
    TlsChain = "tls_chain",
    /// No common TLS version, or not TLS at all.
    TlsVersion = "tls_version",
    /// The name points to an address that we do not call.
    BlockedAddress = "blocked_address",
    /// The server answered with a redirect.
    Redirected = "redirected",
    /// 401 or 403.
    Http401403 = "http_401_403",
    /// 404.
    Http404 = "http_404",
    /// 405.
    Http405 = "http_405",
    /// 410: the endpoint wants no more.
    Http410 = "http_410",
    /// 413.
    Http413 = "http_413",
    /// Any other 4xx.
    Http4xx = "http_4xx",
    /// 429.
    Http429 = "http_429",
    /// 5xx but 502 and 504.
    Http5xx = "http_5xx",
    /// 502 or 504.
    Http502504 = "http_502_504",
    /// No complete answer in time.
    ResponseTimeout = "response_timeout",
    /// The connection was cut.
    Reset = "reset",
    /// The answer was not HTTP.
    BadResponse = "bad_response",
    /// No endpoint has picked this event.
    NotSentNoEndpoint = "not_sent_no_endpoint",
    /// The endpoint is paused.
    NotSentPaused = "not_sent_paused",
    /// The provider has suspended the account.
    NotSentSuspended = "not_sent_suspended",
    /// We failed, not the endpoint.
    OurFault = "our_fault",
}

impl Cause {
    /// The cause of that code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|cause| cause.code() == code)
    }

    /// The cause that an HTTP status stands for; none for 2xx, which is a success.
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

/// What is known about one failure; the sentence of the cause is made of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CauseFacts {
    /// Host of the endpoint at the time.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// Port of the endpoint at the time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// HTTP status, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Where a redirect pointed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Seconds that the server asked us to wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
    /// The names that a certificate is really for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_name: Option<String>,
    /// When a certificate expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expired_at: Option<UnixMs>,
    /// The time limit that passed, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// Bytes of the request body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_bytes: Option<u32>,
    /// Kind of event, for what was not sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Since when an endpoint has been paused, or its account suspended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<UnixMs>,
}

/// A cause with what is known about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The cause.
    pub cause: Cause,
    /// Its facts.
    #[serde(flatten)]
    pub facts: CauseFacts,
}
