//! The words of the cause catalogue: the sentence in the list, what to try first, and a command to check with.

use crate::{
    cause::{Cause, CauseFacts, Failure},
    time::{UnixMs, ago, span},
};

impl Failure {
    /// The plain sentence that stands in the list, without a full stop.
    #[must_use]
    pub fn sentence(&self, now: UnixMs) -> String {
        let facts = &self.facts;
        let host = host(facts);
        match self.cause {
            Cause::DnsNotFound => format!("No DNS record for {host}"),
            Cause::DnsTimeout => format!("DNS for {host} did not answer"),
            Cause::ConnectRefused => format!("{} refused the connection", host_port(facts)),
            Cause::ConnectTimeout => {
                format!("No answer from {} in {}", host_port(facts), span(facts.timeout_ms.map_or(5_000, i64::from)))
            }
            Cause::TlsExpired | Cause::TlsName | Cause::TlsChain | Cause::TlsVersion => tls(self, now),
            Cause::BlockedAddress => format!("{host} points to a private address, which we do not call"),
            Cause::Redirected => redirected(facts),
            Cause::ResponseTimeout => format!(
                "Connected, but no answer in {}. Your server may still have processed it",
                span(facts.timeout_ms.map_or(15_000, i64::from))
            ),
            Cause::Reset => "Connection was cut while waiting".to_owned(),
            Cause::BadResponse => "Reply was not valid HTTP".to_owned(),
            Cause::NotSentNoEndpoint => {
                format!("Nobody listens for {}", facts.event.as_deref().unwrap_or("this event"))
            }
            Cause::NotSentPaused => match facts.since {
                Some(since) => format!("Held: endpoint paused {}", ago(now.since_ms(since))),
                None => "Held: endpoint paused".to_owned(),
            },
            Cause::NotSentSuspended => match facts.since {
                Some(since) => format!("Held: account suspended {}", ago(now.since_ms(since))),
                None => "Held: account suspended".to_owned(),
            },
            Cause::OurFault => "Our side failed; nothing for you to do".to_owned(),
            _ => answered(self),
        }
    }

    /// What to try first, one or two sentences.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self.cause {
            Cause::DnsNotFound => "Check the spelling of the host, and that its DNS record exists.",
            Cause::DnsTimeout => "Check that the name servers of this domain answer.",
            Cause::ConnectRefused => "Check that the server is running and that this port is open.",
            Cause::ConnectTimeout => "Check the firewall: it must let our requests in.",
            Cause::TlsExpired => "Renew the certificate and reload the server.",
            Cause::TlsName => "Issue the certificate for this host, or put the right host into the URL.",
            Cause::TlsChain => "Let the server send its intermediate certificates along with its own.",
            Cause::TlsVersion => "Enable TLS 1.2 or 1.3, and check that the port speaks TLS.",
            Cause::BlockedAddress => "Use a URL whose host has a public address.",
            Cause::Redirected => "Put the final URL into the endpoint.",
            Cause::Http401403 => "Check the auth token and signing secret that your server compares with.",
            Cause::Http404 => "Check the path of the URL.",
            Cause::Http405 => "Let the route accept POST.",
            Cause::Http410 => "Resume the endpoint when it wants events again.",
            Cause::Http413 => "Raise the limit on request bodies of your server or proxy.",
            Cause::Http4xx => "Read the response body: your server says there what it did not like.",
            Cause::Http429 => "Lower the endpoint's rate limit here, or raise the limit of your server.",
            Cause::Http5xx => "Look into the log of your server at this time.",
            Cause::Http502504 => "Check the application behind your proxy.",
            Cause::ResponseTimeout => "Answer first and work later: a 2xx as soon as the event is stored.",
            Cause::Reset => "Look for a crash of your server, or a proxy that closes connections.",
            Cause::BadResponse => "Check that the port speaks HTTP.",
            Cause::NotSentNoEndpoint => "Add this event to an endpoint.",
            Cause::NotSentPaused => "Resume the endpoint; the held events go out then.",
            Cause::NotSentSuspended => "Ask your provider; the held events go out when the account is resumed.",
            Cause::OurFault => "Tell your provider: what failed stands in the log of this service.",
        }
    }

    /// A command that checks for this cause, where there is one.
    #[must_use]
    pub fn command(&self) -> Option<String> {
        let (host, port) = (self.facts.host.as_str(), self.facts.port.unwrap_or(443));
        if host.is_empty() {
            return None;
        }
        match self.cause {
            Cause::DnsNotFound | Cause::DnsTimeout | Cause::BlockedAddress => Some(format!("dig {host}")),
            Cause::ConnectRefused | Cause::ConnectTimeout => Some(format!("nc -vz {host} {port}")),
            Cause::TlsExpired | Cause::TlsName | Cause::TlsChain | Cause::TlsVersion => {
                Some(format!("openssl s_client -connect {host}:{port} -servername {host}"))
            }
            _ => None,
        }
    }
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
            Some(other) => format!("Certificate is for {other}, not {}", host(facts)),
            None => format!("Certificate is not for {}", host(facts)),
        },
        Cause::TlsChain => "Certificate chain is incomplete".to_owned(),
        _ => "Server offers no TLS 1.2 or newer".to_owned(),
    }
}

fn redirected(facts: &CauseFacts) -> String {
    let status = facts.status.unwrap_or(302);
    match &facts.location {
        Some(url) => format!("Server answered {status} to {url}; we do not follow redirects"),
        None => format!("Server answered {status}; we do not follow redirects"),
    }
}

fn answered(failure: &Failure) -> String {
    let facts = &failure.facts;
    let status = facts.status.unwrap_or_default();
    match failure.cause {
        Cause::Http401403 => format!("Server refused us ({status})"),
        Cause::Http404 => "No such path (404)".to_owned(),
        Cause::Http405 => "Server does not accept POST here (405)".to_owned(),
        Cause::Http410 => "Server said Gone (410); endpoint paused".to_owned(),
        Cause::Http413 => match facts.body_bytes {
            Some(bytes) => format!("Body of {} kB was too large for the server (413)", bytes.div_ceil(1_000)),
            None => "Body was too large for the server (413)".to_owned(),
        },
        Cause::Http429 => match facts.retry_after_s {
            Some(wait) => format!("Server asked us to slow down; waiting {wait} s (429)"),
            None => "Server asked us to slow down (429)".to_owned(),
        },
        Cause::Http5xx => match facts.retry_after_s {
            Some(wait) => format!("Error in your server ({status}), asks us to wait {wait} s"),
            None => format!("Error in your server ({status})"),
        },
        Cause::Http502504 => format!("Your proxy could not reach your server ({status})"),
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
    fn the_sentence_tells_the_facts() {
        let facts = CauseFacts {
            host: "crm.acme.example".into(),
            port: Some(443),
            expired_at: Some(UnixMs(0)),
            status: Some(503),
            retry_after_s: Some(120),
            ..CauseFacts::default()
        };
        let say = |cause| Failure { cause, facts: facts.clone() }.sentence(UnixMs(3 * crate::time::HOUR_MS));
        assert_eq!(say(Cause::TlsExpired), "Certificate expired 3 hours ago");
        assert_eq!(say(Cause::ConnectRefused), "crm.acme.example:443 refused the connection");
        assert_eq!(say(Cause::Http5xx), "Error in your server (503), asks us to wait 120 s");
    }

    #[test]
    fn every_status_but_2xx_has_its_cause() {
        assert!((200..300).all(|status| Cause::of_status(status).is_none()));
        assert!((100..200).chain(300..1000).all(|status| Cause::of_status(status).is_some()));
        assert_eq!(Cause::of_status(418), Some(Cause::Http4xx));
        assert_eq!(Cause::of_status(504), Some(Cause::Http502504));
    }
}
