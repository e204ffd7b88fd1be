//! The cause of a failure in words.

use domain::{
    UnixMs,
    cause::Cause,
    delivery::{DeliveryRow, Status},
};
use leptos::prelude::*;

use super::{time_text::UntilText, render_context::RenderContext};

/// The name of a cause in a list of choices, where no facts are known yet.
#[must_use]
pub const fn name(cause: Cause) -> &'static str {
    match cause {
        Cause::DnsNotFound => "No DNS record",
        Cause::DnsTimeout => "DNS did not answer",
        Cause::ConnectRefused => "Connection refused",
        Cause::ConnectTimeout => "No answer to the connection",
        Cause::TlsExpired => "Certificate expired",
        Cause::TlsName => "Certificate for another host",
        Cause::TlsChain => "Certificate chain incomplete",
        Cause::TlsVersion => "No TLS 1.2 or newer",
        Cause::BlockedAddress => "Private address",
        Cause::Redirected => "Redirected",
        Cause::Http401403 => "Refused us (401, 403)",
        Cause::Http404 => "No such path (404)",
        Cause::Http405 => "POST not accepted (405)",
        Cause::Http410 => "Gone (410)",
        Cause::Http413 => "Body too large (413)",
        Cause::Http4xx => "Rejected (other 4xx)",
        Cause::Http429 => "Asked to slow down (429)",
        Cause::Http5xx => "Error in your server (5xx)",
        Cause::Http502504 => "Proxy could not reach your server (502, 504)",
        Cause::ResponseTimeout => "No answer in time",
        Cause::Reset => "Connection cut",
        Cause::BadResponse => "Not valid HTTP",
        Cause::NotSentNoEndpoint => "Nobody listens",
        Cause::NotSentPaused => "Endpoint paused",
        Cause::NotSentSuspended => "Account suspended",
        Cause::OurFault => "Our side failed",
    }
}

/// The second line of a row: the cause, and how many attempts of how many.
#[must_use]
pub fn line(row: &DeliveryRow, now: UnixMs) -> String {
    attempts(row).map_or_else(|| row.sentence(now), |made| format!("{} · {made}", row.sentence(now)))
}

/// The heading of a delivery's page: status and reason, the status word once.
#[must_use]
pub fn verdict(row: &DeliveryRow, now: UnixMs) -> String {
    let (word, sentence) = (row.status.word(), row.sentence(now));
    if sentence.starts_with(word) { sentence } else { format!("{word}: {sentence}") }
}

/// `4 of 12 attempts`. Nothing where a first try has settled it, or none was made.
fn attempts(row: &DeliveryRow) -> Option<String> {
    let said = match (row.status, row.attempts) {
        (_, 0) | (Status::Delivered, 1) => return None,
        (Status::Delivered, made) => format!("at attempt {made}"),
        (status, 1) if status.is_final() => "1 attempt".to_owned(),
        (status, made) if status.is_final() => format!("{made} attempts"),
        (_, made) => format!("{made} of {} attempts", row.attempts_at_most()),
    };
    Some(said)
}

/// The cause sentence of a delivery as the list shows it, with a countdown to the next attempt.
#[component]
pub fn CauseLine(
    /// The delivery.
    row: DeliveryRow,
    /// Whose clock.
    view: RenderContext,
) -> impl IntoView {
    let ink = if row.status == Status::Failed { "text-failed" } else { "text-ink-2" };
    let said = line(&row, view.now);
    let next = row.next_attempt_at.filter(|_| row.status == Status::Retrying);
    let next = next.map(|at| view! { " · next " <UntilText at=at view=view/> });
    view! { <span class=format!("text-table leading-row wrap-anywhere {ink}")>{said} {next}</span> }
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
    fn a_retrying_row_says_why_how_often_and_when_next() {
        let facts = CauseFacts { status: Some(503), ..CauseFacts::default() };
        let row = DeliveryRow {
            failure: Some(Failure { cause: Cause::Http5xx, facts }),
            next_attempt_at: Some(UnixMs(30 * MINUTE_MS)),
            attempts: 4,
            ..sample::row(Status::Retrying)
        };
        assert_eq!(line(&row, UnixMs(4 * MINUTE_MS)), "Error in your server (503) · 4 of 12 attempts");
        let view = RenderContext { acct: String::new(), now: UnixMs(4 * MINUTE_MS), zone: Zone::default() };
        let html = view! { <CauseLine row=row view=view/> }.to_html();
        assert!(html.contains(" · next ") && html.contains(">in 26 min</time>"), "{html}");
    }

    #[test]
    fn a_success_at_the_first_attempt_has_nothing_to_add() {
        let row = DeliveryRow {
            attempts: 1,
            status_code: Some(200),
            duration_ms: Some(84),
            ..sample::row(Status::Delivered)
        };
        assert_eq!(line(&row, UnixMs(0)), "200 in 84 ms");
        assert_eq!(line(&DeliveryRow { attempts: 3, ..row }, UnixMs(0)), "200 in 84 ms · at attempt 3");
    }

    #[test]
    fn the_cause_stays_while_the_next_attempt_is_under_way() {
        let facts = CauseFacts { status: Some(502), ..CauseFacts::default() };
        let failure = Some(Failure { cause: Cause::Http502504, facts });
        let row = DeliveryRow { failure, attempts: 1, ..sample::row(Status::Sending) };
        let said = "Sending now. Before: Your proxy could not reach your server (502) · 1 of 12 attempts";
        assert_eq!(line(&row, UnixMs(0)), said);
    }

    #[test]
    fn a_verdict_says_its_status_once() {
        let said = |status| verdict(&sample::row(status), UnixMs(0));
        assert_eq!(said(Status::Held), "Held: endpoint paused");
        assert_eq!((said(Status::Sending), said(Status::Failed)), ("Sending now".into(), "Failed".into()));
        assert_eq!(said(Status::Queued), "Queued: Waiting for its turn");
    }

    #[test]
    fn every_cause_has_a_name_of_its_own() {
        for cause in Cause::ALL {
            assert_eq!(Cause::ALL.iter().filter(|other| name(**other) == name(*cause)).count(), 1);
        }
    }
}
