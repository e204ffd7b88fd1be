//! The texts of the cause catalogue: the sentence in the list, what to try first, and a command to check with.

use crate::{
    cause::{Cause, CauseFacts, Failure},
    retry::RETRY_AFTER_MAX_MS,
    time::{SECOND_MS, UnixMs, ago, span},
};

impl Failure {
    /// The sentence shown in the list, without a full stop.
    #[must_use]
    pub fn sentence(&self, now: UnixMs) -> String {
        let facts = &self.facts;
        let host = host(facts);
        match self.cause {
            Cause::DnsNotFound => format!("No DNS record for {host}"),
            Cause::DnsTimeout => format!("DNS lookup of {host} timed out"),
            Cause::ConnectRefused => format!("{} refused the connection", host_port(facts)),
            Cause::ConnectTimeout => {
                format!(
                    "No connection to {} within {}",
                    host_port(facts),
                    span(facts.timeout_ms.map_or(5_000, i64::from))
                )
            }
            Cause::ConnectFailed => with_detail(format!("Connection to {} failed", host_port(facts)), facts),
            cause if cause.is_tls() => tls(self, now),
            Cause::BlockedAddress => format!("{host} resolves to a private address, which is blocked"),
            Cause::Redirected => redirected(facts),
            Cause::ResponseTimeout => format!(
                "Connected, but no response within {}. Your server may still have processed it",
                span(facts.timeout_ms.map_or(15_000, i64::from))
            ),
            Cause::Reset => "Connection closed before a response arrived".to_owned(),
            Cause::BadResponse => bad_response(facts),
            Cause::NotSentNoEndpoint => {
                format!("No endpoint is subscribed to {}", facts.event.as_deref().unwrap_or("this event"))
            }
            Cause::NotSentPaused => match facts.since {
                Some(since) => format!("Held: endpoint paused {}", ago(now.since_ms(since))),
                None => "Held: endpoint paused".to_owned(),
            },
            Cause::NotSentSuspended => match facts.since {
                Some(since) => format!("Held: account suspended {}", ago(now.since_ms(since))),
                None => "Held: account suspended".to_owned(),
            },
            Cause::OurFault => "Internal error on our side. You don't need to do anything".to_owned(),
            _ => http_status(self),
        }
    }

    /// What to try first, one or two sentences.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self.cause {
            Cause::DnsNotFound => "Check the spelling of the host and that its DNS record exists.",
            Cause::DnsTimeout => "Check that the name servers of this domain respond.",
            Cause::ConnectRefused => "Check that the server is running and that this port is open.",
            Cause::ConnectTimeout => "Check that your firewall allows our requests.",
            Cause::TlsExpired => "Renew the certificate and reload the server.",
            Cause::TlsName => "Issue a certificate for this host, or correct the host in the URL.",
            Cause::ConnectFailed => "Check the DNS record of the host, and the route to its address.",
            Cause::TlsNotYetValid => "Install a certificate that is valid now.",
            Cause::TlsSelfSigned => "Install a certificate from a public authority.",
            Cause::TlsChain => {
                "Configure the server to send its intermediate certificates, and use a certificate from a public authority."
            }
            Cause::TlsWeakKey => "Have a certificate issued for a new key: RSA with at least 2,048 bits, or ECDSA.",
            Cause::TlsClientCertificate => {
                "Make the client certificate optional for this route, and verify our signature."
            }
            Cause::TlsUnknownName => "Configure this host on your server, or correct the host in the URL.",
            Cause::TlsVersion => "Enable TLS 1.2 or 1.3.",
            Cause::TlsCipher => "Enable ECDHE ciphers with AES-GCM or ChaCha20, or TLS 1.3.",
            Cause::TlsPlainHttp => "Use the port that speaks TLS, or switch TLS on for this port.",
            Cause::TlsNotSpoken => "Correct the port in the URL.",
            Cause::TlsClosed => "Check your server logs, and that your firewall allows our requests.",
            Cause::TlsTimeout => "Check that the process behind this port is running and speaks TLS.",
            Cause::TlsFailed => "Check the error log of your server or proxy around this time.",
            Cause::BlockedAddress => "Use a URL whose host has a public address.",
            Cause::Redirected => "Change the endpoint's URL to the final one.",
            Cause::Http401403 => "Check that your server uses the right auth token and signing secret.",
            Cause::Http404 => "Check the path of the URL.",
            Cause::Http405 => "Allow POST on this route.",
            Cause::Http410 => "Resume the endpoint when it should receive events again.",
            Cause::Http413 => "Raise the request body limit of your server or proxy.",
            Cause::Http4xx => "Read the response body. It usually says what your server rejected.",
            Cause::Http429 => "Lower the endpoint's rate limit, or raise your server's.",
            Cause::Http5xx => "Check your server logs around this time.",
            Cause::Http502504 => "Check the application behind your proxy.",
            Cause::Http520527 => "Check that your server responds when Cloudflare is bypassed.",
            Cause::ResponseTimeout => "Return a 2xx as soon as the event is stored, and process it afterwards.",
            Cause::Reset => "Check whether your server crashed or a proxy closes connections.",
            Cause::BadResponse => "Check that the port speaks HTTP.",
            Cause::NotSentNoEndpoint => "Subscribe an endpoint to this event.",
            Cause::NotSentPaused => "Resume the endpoint to send the held events.",
            Cause::NotSentSuspended => "Contact your provider. Held events are sent once the account is resumed.",
            Cause::OurFault => "If it keeps happening, contact your provider. The error is in the log of this service.",
        }
    }

    /// A command that checks for this cause, if there is one.
    #[must_use]
    pub fn command(&self) -> Option<String> {
        let (host, port) = (self.facts.host.as_str(), self.facts.port.unwrap_or(443));
        if host.is_empty() {
            return None;
        }
        match self.cause {
            Cause::DnsNotFound | Cause::DnsTimeout | Cause::BlockedAddress => {
                (!is_address(host)).then(|| format!("dig {host}"))
            }
            // nc takes an IPv6 address without brackets.
            Cause::ConnectRefused | Cause::ConnectTimeout | Cause::ConnectFailed => {
                Some(format!("nc -vz {} {port}", host.trim_matches(['[', ']'])))
            }
            Cause::TlsPlainHttp => Some(format!("curl -sv http://{host}:{port}/")),
            cause if cause.is_tls() => {
                let name = if is_address(host) { String::new() } else { format!(" -servername {host}") };
                Some(format!("openssl s_client -connect {host}:{port}{name}"))
            }
            _ => None,
        }
    }
}

/// Whether a URL's host is an address; those of IPv6 have brackets.
fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok()
}

fn host(facts: &CauseFacts) -> &str {
    if facts.host.is_empty() { "the host" } else { &facts.host }
}

fn host_port(facts: &CauseFacts) -> String {
    facts.port.map_or_else(|| host(facts).to_owned(), |port| format!("{}:{port}", host(facts)))
}

fn tls(failure: &Failure, now: UnixMs) -> String {
    let facts = &failure.facts;
    match failure.cause {
        Cause::TlsExpired => match facts.expired_at {
            Some(at) => format!("Certificate expired {}", ago(now.since_ms(at))),
            None => "Certificate has expired".to_owned(),
        },
        Cause::TlsName => match &facts.certificate_name {
            Some(other) => format!("Certificate is valid for {other}, not {}", host(facts)),
            None => format!("Certificate is not valid for {}", host(facts)),
        },
        Cause::TlsNotYetValid => match facts.valid_from {
            Some(at) => format!("Certificate isn't valid for another {}", span(at.since_ms(now).max(0))),
            None => "Certificate isn't valid yet".to_owned(),
        },
        Cause::TlsSelfSigned => "Certificate is self-signed".to_owned(),
        Cause::TlsChain => "Certificate isn't from a trusted authority, or its intermediate is missing".to_owned(),
        Cause::TlsWeakKey => with_detail("Certificate's key or signature is too weak".to_owned(), facts),
        Cause::TlsClientCertificate => "Server demands a client certificate".to_owned(),
        Cause::TlsUnknownName => format!("Server doesn't know the host {}", host(facts)),
        Cause::TlsVersion => "Server doesn't support TLS 1.2 or newer".to_owned(),
        Cause::TlsCipher => "Server refused the TLS handshake, usually because it shares no cipher with us".to_owned(),
        Cause::TlsPlainHttp => format!("{} speaks plain HTTP, not TLS", host_port(facts)),
        Cause::TlsNotSpoken => match &facts.detail {
            Some(protocol) => format!("{} speaks {protocol}, not TLS", host_port(facts)),
            None => format!("{} doesn't speak TLS", host_port(facts)),
        },
        Cause::TlsClosed => "Server closed the connection during the TLS handshake".to_owned(),
        Cause::TlsTimeout => {
            format!("Connected, but no TLS handshake within {}", span(facts.timeout_ms.map_or(5_000, i64::from)))
        }
        _ => match &facts.detail {
            Some(detail) => format!("TLS failed: {detail}"),
            None => "TLS handshake failed".to_owned(),
        },
    }
}

/// The sentence, followed by what only the error itself says.
fn with_detail(sentence: String, facts: &CauseFacts) -> String {
    match &facts.detail {
        Some(detail) => format!("{sentence}: {detail}"),
        None => sentence,
    }
}

fn bad_response(facts: &CauseFacts) -> String {
    match facts.status {
        Some(status) => format!("Server returned {status}, which is not a final HTTP status"),
        None => with_detail("Response was not valid HTTP".to_owned(), facts),
    }
}

/// What Cloudflare means by its own statuses.
fn cloudflare(status: u16) -> String {
    let what = match status {
        521 => "your server refused its connection",
        522 => "connecting to your server timed out",
        523 => "your server can't be reached",
        524 => "your server took too long to respond",
        525 => "the TLS handshake with your server failed",
        526 => "the certificate of your server isn't valid",
        527 => "the connection to your server was interrupted",
        _ => "your server sent an empty or invalid response",
    };
    format!("Cloudflare: {what} ({status})")
}

fn redirected(facts: &CauseFacts) -> String {
    let status = facts.status.unwrap_or(302);
    // RFC 9110 section 15.4: the others, such as 304, name no other place.
    if !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return format!("Server responded with {status}, which isn't a success");
    }
    match &facts.location {
        Some(url) => format!("Server redirected to {url} ({status}); redirects aren't followed"),
        None => format!("Server redirected ({status}); redirects aren't followed"),
    }
}

fn http_status(failure: &Failure) -> String {
    let sentence = status_sentence(failure);
    match wait_asked(&failure.facts) {
        Some(wait) if failure.cause != Cause::Http429 => format!("{sentence}; asked to wait {wait}"),
        _ => sentence,
    }
}

/// How long the server asked us to wait, as far as we do; none if it asked for no wait.
fn wait_asked(facts: &CauseFacts) -> Option<String> {
    let wait_s = facts.retry_after_s.filter(|wait_s| *wait_s > 0)?;
    let honoured = i64::from(wait_s) * SECOND_MS <= RETRY_AFTER_MAX_MS;
    Some(if honoured { format!("{wait_s} s") } else { format!("more than {}", span(RETRY_AFTER_MAX_MS)) })
}

fn status_sentence(failure: &Failure) -> String {
    let facts = &failure.facts;
    let status = facts.status.unwrap_or_default();
    match failure.cause {
        Cause::Http401403 => format!("Authentication rejected ({status})"),
        Cause::Http404 => "Path not found (404)".to_owned(),
        Cause::Http405 => "Server does not accept POST here (405)".to_owned(),
        Cause::Http410 => "Server returned 410 Gone; endpoint paused".to_owned(),
        Cause::Http413 => match facts.body_bytes {
            Some(bytes) => format!("Request body of {} kB is too large for the server (413)", bytes.div_ceil(1_000)),
            None => "Request body is too large for the server (413)".to_owned(),
        },
        Cause::Http429 => match wait_asked(facts) {
            Some(wait) => format!("Rate limited by the server; asked to wait {wait} (429)"),
            None => "Rate limited by the server (429)".to_owned(),
        },
        Cause::Http5xx => format!("Server error ({status})"),
        Cause::Http520527 => cloudflare(status),
        Cause::Http502504 => format!("Your proxy couldn't reach your server ({status})"),
        _ => format!("Server rejected the request ({status})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_a_sentence_and_a_remedy_even_without_facts() {
        for cause in Cause::ALL {
            let failure = Failure { cause: *cause, facts: CauseFacts::default() };
            assert!(failure.sentence(UnixMs(0)).len() > 10, "{cause:?}");
            assert!(failure.remedy().ends_with('.'), "{cause:?}");
            assert_eq!(Cause::parse(cause.code()), Some(*cause));
        }
    }

    #[test]
    fn sentences_contain_the_facts() {
        let facts = CauseFacts {
            host: "crm.acme.example".into(),
            port: Some(443),
            expired_at: Some(UnixMs(0)),
            status: Some(503),
            retry_after_s: Some(120),
            ..CauseFacts::default()
        };
        let sentence = |cause| Failure { cause, facts: facts.clone() }.sentence(UnixMs(3 * crate::time::HOUR_MS));
        assert_eq!(sentence(Cause::TlsExpired), "Certificate expired 3 hours ago");
        assert_eq!(sentence(Cause::ConnectRefused), "crm.acme.example:443 refused the connection");
        assert_eq!(sentence(Cause::Http5xx), "Server error (503); asked to wait 120 s");
    }

    #[test]
    fn only_what_the_server_said_is_quoted() {
        let sentence = |cause, status, retry_after_s| {
            let facts = CauseFacts { status: Some(status), retry_after_s, ..CauseFacts::default() };
            Failure { cause, facts }.sentence(UnixMs(0))
        };
        assert_eq!(
            sentence(Cause::Http429, 429, Some(3_600)),
            "Rate limited by the server; asked to wait 3600 s (429)"
        );
        for long in [3_601, u32::MAX] {
            let expected = "Rate limited by the server; asked to wait more than 1 hour (429)";
            assert_eq!(sentence(Cause::Http429, 429, Some(long)), expected);
        }
        assert_eq!(sentence(Cause::Http429, 429, Some(0)), "Rate limited by the server (429)");
        assert_eq!(sentence(Cause::Redirected, 304, None), "Server responded with 304, which isn't a success");
        assert_eq!(sentence(Cause::Redirected, 308, None), "Server redirected (308); redirects aren't followed");
    }

    #[test]
    fn a_command_names_an_ipv6_address_as_its_program_wants_it() {
        let facts = CauseFacts { host: "[2001:db8::1]".into(), port: Some(8_443), ..CauseFacts::default() };
        let command = |cause| Failure { cause, facts: facts.clone() }.command();
        for cause in [Cause::ConnectRefused, Cause::ConnectTimeout, Cause::ConnectFailed] {
            assert_eq!(command(cause).as_deref(), Some("nc -vz 2001:db8::1 8443"));
        }
        let openssl = command(Cause::TlsFailed);
        assert_eq!(openssl.as_deref(), Some("openssl s_client -connect [2001:db8::1]:8443"), "no name to ask for");
        assert_eq!(command(Cause::BlockedAddress), None, "no name to look up");
    }

    #[test]
    fn cloudflare_is_quoted_by_what_its_statuses_mean() {
        let facts = CauseFacts { status: Some(522), ..CauseFacts::default() };
        let sentence = Failure { cause: Cause::Http520527, facts }.sentence(UnixMs(0));
        assert_eq!(sentence, "Cloudflare: connecting to your server timed out (522)");
    }

    #[test]
    fn every_status_except_2xx_has_a_cause() {
        assert!((200..300).all(|status| Cause::of_status(status).is_none()));
        assert!((100..200).chain(300..1000).all(|status| Cause::of_status(status).is_some()));
        assert_eq!(Cause::of_status(418), Some(Cause::Http4xx));
        assert_eq!(Cause::of_status(504), Some(Cause::Http502504));
    }
}
