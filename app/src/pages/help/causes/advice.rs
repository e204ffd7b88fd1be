//! What the help says about a cause. The texts are data, one file a group; the sentence and the remedy that stand in
//! the list come from the catalogue itself.

use domain::cause::Cause;

use super::{answers, connection, naming, not_sent, server, tls};

/// The help's text about one cause.
#[derive(Debug)]
pub struct Advice {
    /// What has happened, for somebody who reads it for the first time.
    pub meaning: &'static str,
    /// What may be behind it, likeliest first.
    pub possible: &'static [&'static str],
    /// How to find out which.
    pub checks: &'static [Check],
    /// What to do then.
    pub fixes: &'static [&'static str],
    /// What we do meanwhile.
    pub meanwhile: Meanwhile,
}

/// One way to check.
#[derive(Debug)]
pub struct Check {
    /// What to look at.
    pub what: &'static str,
    /// A command that shows it; empty where there is none.
    pub command: &'static str,
}

/// What happens to the delivery when nobody does anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meanwhile {
    /// Tried again by the rhythm of its event.
    Retried,
    /// Tried again, not before the server allows it.
    RetriedWhenAsked,
    /// Ended, and the endpoint is paused.
    Paused,
    /// Kept until the endpoint is resumed.
    Held,
    /// Nothing is sent.
    Nothing,
    /// Depends on what went wrong on our side.
    OurMatter,
}

impl Meanwhile {
    /// The sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Retried => "The delivery is tried again by the schedule of its event.",
            Self::RetriedWhenAsked => {
                "The delivery is tried again by the schedule of its event. A Retry-After sent with 429 or 503 is honoured, up to one hour."
            }
            Self::Paused => {
                "This delivery has ended as failed and can be resent. The endpoint is paused; what comes next is held."
            }
            Self::Held => "The event is kept and goes out when the endpoint is resumed, in the order of its call.",
            Self::OurMatter => {
                "A request that went wrong is tried again. When there is nothing to send, or no credentials to send it with, the delivery ends as failed."
            }
            Self::Nothing => "The event is kept in the log with this reason. Nothing is sent later by itself.",
        }
    }
}

/// A check by looking, without a command.
pub(super) const fn look(what: &'static str) -> Check {
    Check { what, command: "" }
}

/// A check by a command.
pub(super) const fn run(what: &'static str, command: &'static str) -> Check {
    Check { what, command }
}

/// The text about a cause.
#[must_use]
pub const fn of(cause: Cause) -> &'static Advice {
    match cause {
        Cause::DnsNotFound => &naming::DNS_NOT_FOUND,
        Cause::DnsTimeout => &naming::DNS_TIMEOUT,
        Cause::BlockedAddress => &naming::BLOCKED_ADDRESS,
        Cause::ConnectRefused => &connection::CONNECT_REFUSED,
        Cause::ConnectTimeout => &connection::CONNECT_TIMEOUT,
        Cause::Reset => &connection::RESET,
        Cause::BadResponse => &connection::BAD_RESPONSE,
        Cause::TlsExpired => &tls::EXPIRED,
        Cause::TlsName => &tls::NAME,
        Cause::TlsChain => &tls::CHAIN,
        Cause::TlsVersion => &tls::VERSION,
        Cause::Redirected => &answers::REDIRECTED,
        Cause::Http401403 => &answers::REFUSED,
        Cause::Http404 => &answers::NOT_FOUND,
        Cause::Http405 => &answers::METHOD,
        Cause::Http410 => &answers::GONE,
        Cause::Http413 => &answers::TOO_LARGE,
        Cause::Http4xx => &answers::REJECTED,
        Cause::Http429 => &answers::SLOW_DOWN,
        Cause::Http5xx => &server::ERROR,
        Cause::Http502504 => &server::PROXY,
        Cause::ResponseTimeout => &server::TIMEOUT,
        Cause::NotSentNoEndpoint => &not_sent::NO_ENDPOINT,
        Cause::NotSentPaused => &not_sent::PAUSED,
        Cause::NotSentSuspended => &not_sent::SUSPENDED,
        Cause::OurFault => &not_sent::OUR_FAULT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_text(text: &str) -> bool {
        text.len() > 20 && text.ends_with('.') && !text.contains("TODO") && text == text.trim()
    }

    #[test]
    fn every_cause_has_a_complete_text() {
        for cause in Cause::ALL {
            let advice = of(*cause);
            let code = cause.code();
            assert!(is_text(advice.meaning), "{code}: meaning");
            for list in [advice.possible, advice.fixes] {
                assert!(!list.is_empty() && list.iter().all(|text| is_text(text)), "{code}: {list:?}");
            }
            assert!(!advice.checks.is_empty(), "{code}: checks");
            assert!(advice.checks.iter().all(|check| is_text(check.what)), "{code}: checks");
        }
    }

    #[test]
    fn no_two_causes_share_their_text() {
        for (at, cause) in Cause::ALL.iter().enumerate() {
            for before in &Cause::ALL[..at] {
                assert_ne!(of(*cause).meaning, of(*before).meaning, "{cause:?} {before:?}");
            }
        }
    }
}
