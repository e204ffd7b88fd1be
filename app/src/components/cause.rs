//! How the cause of a failure is worded.

use domain::{
    UnixMs,
    cause::Cause,
    delivery::{DeliveryRow, Status},
};
use leptos::prelude::*;

use super::{render_context::RenderContext, time_text::UntilText};

/// The short name of a cause, for lists of options where no facts are known.
#[must_use]
pub const fn name(cause: Cause) -> &'static str {
    match cause {
        Cause::DnsNotFound => "No DNS record",
        Cause::DnsTimeout => "DNS lookup timed out",
        Cause::ConnectRefused => "Connection refused",
        Cause::ConnectTimeout => "Connection timed out",
        Cause::TlsExpired => "Certificate expired",
        Cause::TlsName => "Certificate for another host",
        Cause::ConnectFailed => "Connection failed",
        Cause::TlsNotYetValid => "Certificate not yet valid",
        Cause::TlsSelfSigned => "Certificate self-signed",
        Cause::TlsChain => "Certificate not trusted, or chain incomplete",
        Cause::TlsWeakKey => "Certificate too weak",
        Cause::TlsClientCertificate => "Client certificate demanded",
        Cause::TlsUnknownName => "Host unknown to the server",
        Cause::TlsVersion => "No TLS 1.2 or newer",
        Cause::TlsCipher => "TLS handshake refused",
        Cause::TlsPlainHttp => "Plain HTTP instead of TLS",
        Cause::TlsNotSpoken => "Not a TLS port",
        Cause::TlsClosed => "Closed during the TLS handshake",
        Cause::TlsTimeout => "TLS handshake timed out",
        Cause::TlsFailed => "TLS failed (other reasons)",
        Cause::BlockedAddress => "Private address",
        Cause::Redirected => "Redirected",
        Cause::Http401403 => "Authentication rejected (401, 403)",
        Cause::Http404 => "Not found (404)",
        Cause::Http405 => "POST not allowed (405)",
        Cause::Http410 => "Gone (410)",
        Cause::Http413 => "Body too large (413)",
        Cause::Http4xx => "Rejected (other 4xx)",
        Cause::Http429 => "Rate limited (429)",
        Cause::Http5xx => "Server error (5xx)",
        Cause::Http502504 => "Bad gateway (502, 504)",
        Cause::Http520527 => "Reported by Cloudflare (520–527)",
        Cause::ResponseTimeout => "Response timed out",
        Cause::Reset => "Connection closed early",
        Cause::BadResponse => "Invalid HTTP response",
        Cause::NotSentNoEndpoint => "No subscribed endpoint",
        Cause::NotSentPaused => "Endpoint paused",
        Cause::NotSentSuspended => "Account suspended",
        Cause::OurFault => "Offhook error",
    }
}

/// The second line of a row: the cause and the number of attempts.
#[must_use]
pub fn line(row: &DeliveryRow, now: UnixMs) -> String {
    attempts(row).map_or_else(|| row.sentence(now), |count| format!("{} · {count}", row.sentence(now)))
}

/// The heading of a delivery's page: status and reason, naming the status only once.
#[must_use]
pub fn verdict(row: &DeliveryRow, now: UnixMs) -> String {
    let (word, sentence) = (row.status.label(), row.sentence(now));
    if sentence.starts_with(word) { sentence } else { format!("{word}: {sentence}") }
}

/// `4 of 12 attempts`. None before the first attempt and when the first one succeeded.
fn attempts(row: &DeliveryRow) -> Option<String> {
    let text = match (row.status, row.attempts) {
        (_, 0) | (Status::Delivered, 1) => return None,
        (Status::Delivered, made) => format!("on attempt {made}"),
        (status, 1) if status.is_final() => "1 attempt".to_owned(),
        (status, made) if status.is_final() => format!("{made} attempts"),
        (_, made) => format!("{made} of {} attempts", row.attempts_at_most()),
    };
    Some(text)
}

/// The cause sentence of a delivery as the list shows it, with a countdown to the next attempt.
#[component]
pub fn CauseLine(
    /// The delivery.
    row: DeliveryRow,
    /// The reader's clock.
    view: RenderContext,
) -> impl IntoView {
    let ink = if row.status == Status::Failed { "text-failed" } else { "text-ink-2" };
    let text = line(&row, view.now);
    let next = row.next_attempt_at.filter(|_| row.status == Status::Retrying);
    let next = next.map(|at| view! { " · next attempt " <UntilText at=at view=view/> });
    view! { <span class=format!("text-table leading-row wrap-anywhere {ink}")>{text} {next}</span> }
}

#[cfg(test)]
mod tests {
    use domain::{
        cause::{CauseFacts, Failure},
        time::MINUTE_MS,
    };

    use super::*;
    use crate::{components::sample, zone::Zone};

    #[test]
    fn a_retrying_row_shows_cause_attempts_and_next_attempt() {
        let facts = CauseFacts { status: Some(503), ..CauseFacts::default() };
        let row = DeliveryRow {
            failure: Some(Failure { cause: Cause::Http5xx, facts }),
            next_attempt_at: Some(UnixMs(30 * MINUTE_MS)),
            attempts: 4,
            ..sample::row(Status::Retrying)
        };
        assert_eq!(line(&row, UnixMs(4 * MINUTE_MS)), "Server error (503) · 4 of 12 attempts");
        let view = RenderContext { acct: String::new(), now: UnixMs(4 * MINUTE_MS), zone: Zone::default() };
        let html = view! { <CauseLine row=row view=view/> }.to_html();
        assert!(html.contains(" · next attempt ") && html.contains(">in 26 min</time>"), "{html}");
    }

    #[test]
    fn a_success_on_the_first_attempt_shows_no_count() {
        let row = DeliveryRow {
            attempts: 1,
            status_code: Some(200),
            duration_ms: Some(84),
            ..sample::row(Status::Delivered)
        };
        assert_eq!(line(&row, UnixMs(0)), "200 in 84 ms");
        assert_eq!(line(&DeliveryRow { attempts: 3, ..row }, UnixMs(0)), "200 in 84 ms · on attempt 3");
    }

    #[test]
    fn the_previous_cause_is_shown_while_an_attempt_is_in_progress() {
        let facts = CauseFacts { status: Some(502), ..CauseFacts::default() };
        let failure = Some(Failure { cause: Cause::Http502504, facts });
        let row = DeliveryRow { failure, attempts: 1, ..sample::row(Status::Sending) };
        let expected = "Sending now. Last failure: Your proxy couldn't reach your server (502) · 1 of 12 attempts";
        assert_eq!(line(&row, UnixMs(0)), expected);
    }

    #[test]
    fn a_verdict_names_its_status_once() {
        let verdict_of = |status| verdict(&sample::row(status), UnixMs(0));
        assert_eq!(verdict_of(Status::Held), "Held: endpoint paused");
        assert_eq!((verdict_of(Status::Sending), verdict_of(Status::Failed)), ("Sending now".into(), "Failed".into()));
        assert_eq!(verdict_of(Status::Queued), "Queued: Waiting to be sent");
    }

    #[test]
    fn every_cause_has_a_unique_name() {
        for cause in Cause::ALL {
            assert_eq!(Cause::ALL.iter().filter(|other| name(**other) == name(*cause)).count(), 1);
        }
    }
}
