//! What can be done about a failure here, with one click. What must be done on the receiving server is the remedy's text.

use url::Url;

use crate::cause::{Cause, Failure};

/// The action that a page offers for a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fix {
    /// Send events to the URL that the server redirected to.
    UseUrl(String),
    /// Correct the URL.
    EditUrl,
    /// Resume the endpoint.
    Resume,
    /// Lower the endpoint's rate limit.
    LowerRate,
    /// Subscribe an endpoint to the event.
    Subscribe,
    /// Once the server is fixed, check it with a test.
    SendTest,
}

impl Failure {
    /// The fix for an endpoint that has this URL now; none if only the provider can do something.
    #[must_use]
    pub fn fix(&self, url: &str) -> Option<Fix> {
        Some(match self.cause {
            // Without a new place, or if it is the URL by now, a test shows whether it works.
            Cause::Redirected => self.redirect(url).map_or(Fix::SendTest, Fix::UseUrl),
            Cause::DnsNotFound
            | Cause::BlockedAddress
            | Cause::TlsName
            | Cause::TlsUnknownName
            | Cause::TlsNotSpoken
            | Cause::TlsPlainHttp
            | Cause::Http404
            | Cause::Http405 => Fix::EditUrl,
            Cause::Http410 | Cause::NotSentPaused => Fix::Resume,
            Cause::Http429 => Fix::LowerRate,
            Cause::NotSentNoEndpoint => Fix::Subscribe,
            Cause::NotSentSuspended | Cause::OurFault => return None,
            _ => Fix::SendTest,
        })
    }

    /// The URL that the server redirected to, resolved against the one it has now, if it is another HTTP URL. From HTTPS to HTTP,
    /// a redirect is no fix: calls and credentials would be sent unencrypted.
    fn redirect(&self, url: &str) -> Option<String> {
        if !matches!(self.facts.status, Some(301 | 302 | 303 | 307 | 308)) {
            return None;
        }
        let current = Url::parse(url).ok()?;
        let mut target = current.join(self.facts.location.as_deref()?).ok()?;
        target.set_fragment(None);
        let is_safe = target.scheme() == "https" || (target.scheme(), current.scheme()) == ("http", "http");
        (is_safe && target != current).then(|| target.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::CauseFacts;

    fn redirected(status: u16, location: &str) -> Option<Fix> {
        let facts = CauseFacts { status: Some(status), location: Some(location.into()), ..CauseFacts::default() };
        Failure { cause: Cause::Redirected, facts }.fix("http://acme.example/hooks")
    }

    #[test]
    fn a_redirect_offers_the_url_that_it_leads_to() {
        let to = |url: &str| Some(Fix::UseUrl(url.to_owned()));
        assert_eq!(redirected(301, "https://www.acme.example/hooks"), to("https://www.acme.example/hooks"));
        assert_eq!(redirected(308, "/calls#top"), to("http://acme.example/calls"));
        assert_eq!(redirected(302, "//b.example/x"), to("http://b.example/x"));
    }

    #[test]
    fn a_redirect_to_nothing_better_offers_a_test() {
        for (status, location) in [
            (301, "http://acme.example/hooks"),
            (301, "javascript:alert(1)"),
            (302, "http://["),
            (304, "https://b.example/"),
        ] {
            assert_eq!(redirected(status, location), Some(Fix::SendTest), "{status} {location}");
        }
    }

    #[test]
    fn a_redirect_to_http_is_never_offered_to_an_https_endpoint() {
        let location = Some("http://acme.example/hooks".into());
        let facts = CauseFacts { status: Some(301), location, ..CauseFacts::default() };
        let fix = Failure { cause: Cause::Redirected, facts }.fix("https://acme.example/hooks");
        assert_eq!(fix, Some(Fix::SendTest));
    }

    #[test]
    fn every_cause_that_customers_can_fix_has_a_fix() {
        for cause in Cause::ALL {
            let fix = Failure { cause: *cause, facts: CauseFacts::default() }.fix("https://acme.example/");
            let theirs = !matches!(cause, Cause::NotSentSuspended | Cause::OurFault);
            assert_eq!(fix.is_some(), theirs, "{cause:?}");
        }
    }
}
