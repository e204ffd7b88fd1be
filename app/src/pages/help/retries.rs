//! The retry schedule, made from the same rules that the sender goes by.

use domain::{
    delivery::Status,
    endpoint::{FAILING_AFTER_ATTEMPTS, FAILING_AFTER_MS},
    retry::{EndReason, JITTER_PERCENT, NEWS_FRESH_MS, RETRY_AFTER_MAX_MS, Rhythm},
    time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, span},
};
use leptos::prelude::*;

use super::guide::{Grid, Part, guide_page, rows};
use crate::components::status_lamp::StatusLamp;
use crate::html::IntoHtml;

/// `/help/retries`.
#[component]
pub fn RetriesPage() -> impl IntoView {
    let lead = "What happens after a failed attempt, for how long, and in which order events arrive.";
    guide_page("/retries", "Retries and order", lead, || {
        view! {
            <Schedule/>
            <Answers/>
            <Statuses/>
            <Order/>
            <Endpoints/>
        }
        .into_html()
    })
}

#[component]
fn Schedule() -> impl IntoView {
    let head = &["Attempt", "After the one before", "After the event, about"];
    view! {
        <Part id="schedule" title="The schedule">
            <p>
                "An attempt succeeds when your server answers with a 2xx. After anything else the delivery is tried again. Each wait is up to "
                {JITTER_PERCENT}" % shorter or longer at random, so that retries do not come in step."
            </p>
            <h3 id="record">"CallProcessed: a record"</h3>
            <p>"A finished call must arrive: "{Rhythm::Record.attempts()}" attempts over "{total(Rhythm::Record)}"."</p>
            <Grid caption="Attempts of CallProcessed" head=head rows=schedule(Rhythm::Record)/>
            <h3 id="news">"IncomingCall and OutgoingCall: news"</h3>
            <p>
                "That a phone is ringing is worth nothing later. "{Rhythm::News.attempts()}" attempts within "
                {span(NEWS_FRESH_MS)}" of the event; then the delivery expires. It expires earlier when the call has ended and its "
                "CallProcessed waits behind it."
            </p>
            <Grid caption="Attempts of IncomingCall and OutgoingCall" head=head rows=schedule(Rhythm::News)/>
            <p>"An endpoint can be set to deliver calls however late they are. They are then tried like records."</p>
        </Part>
    }
}

/// Number, wait before it, and time since the first attempt, for each attempt of a rhythm.
fn schedule(rhythm: Rhythm) -> Vec<Vec<String>> {
    let first = vec!["1".to_owned(), "at once".to_owned(), "0 s".to_owned()];
    let later = rhythm.waits_ms().iter().enumerate().map(|(at, wait_ms)| {
        let since_ms = rhythm.waits_ms()[..=at].iter().sum();
        vec![(at + 2).to_string(), length(*wait_ms), length(since_ms)]
    });
    std::iter::once(first).chain(later).collect()
}

/// How long a rhythm lasts from the first to the last attempt.
fn total(rhythm: Rhythm) -> String {
    length(rhythm.waits_ms().iter().sum())
}

/// A length of time in its two largest units: `1 h 42 min`.
fn length(ms: i64) -> String {
    let units = [(DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "min"), (SECOND_MS, "s")];
    let largest = units.iter().position(|(unit_ms, _)| ms >= *unit_ms).unwrap_or(units.len() - 1);
    let mut left_ms = ms;
    let mut parts = Vec::new();
    for (unit_ms, name) in units.iter().skip(largest).take(2) {
        let count = left_ms / unit_ms;
        left_ms -= count * unit_ms;
        if count > 0 {
            parts.push(format!("{count} {name}"));
        }
    }
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

#[component]
fn Answers() -> impl IntoView {
    view! {
        <Part id="answers" title="What your answers do">
            <ul>
                <li><strong>"2xx "</strong>"ends the delivery as delivered. What else you answer is kept for you to read, and means nothing to us."</li>
                <li><strong>"410 "</strong>"ends the delivery as failed and pauses the endpoint: you want no more."</li>
                <li>
                    <strong>"429 and 503 with Retry-After "</strong>"in seconds put the next attempt off, up to "
                    {span(RETRY_AFTER_MAX_MS)}". They never bring it forward."
                </li>
                <li><strong>"3xx "</strong>"is a failure. Redirects are not followed."</li>
                <li><strong>"Anything else, or no answer, "</strong>"is a failure and is tried again, also 4xx: what is wrong today may be mended tomorrow."</li>
            </ul>
        </Part>
    }
}

/// What a status means for whoever waits for the event.
const fn meaning(status: Status) -> &'static str {
    match status {
        Status::Delivered => "Your server has answered with a 2xx.",
        Status::Sending => "An attempt is under way.",
        Status::Retrying => "At least one attempt has failed; the next one is due at the time shown.",
        Status::Failed => "Ended without success. It can be resent.",
        Status::Held => "The endpoint is paused, or the account suspended. The event waits and is not lost.",
        Status::Queued => "Accepted and not tried yet, or waiting for an earlier event of the same call.",
        Status::Expired => "Ended because it was no longer worth sending. It can be resent.",
        Status::Cancelled => "Ended by a person, or with its endpoint. It can be resent while the endpoint exists.",
    }
}

#[component]
fn Statuses() -> impl IntoView {
    let row = |status: Status| {
        view! {
            <div class="grid sm:grid-cols-[9rem_minmax(0,1fr)] gap-x-4 py-1.5 border-t border-line">
                <dt><StatusLamp status=status/></dt>
                <dd>{meaning(status)}</dd>
            </div>
        }
    };
    let reasons =
        EndReason::ALL.iter().map(|reason| vec![reason.as_str().to_owned(), format!("{}.", reason.sentence())]);
    view! {
        <Part id="statuses" title="What each status means">
            <dl class="mt-4 text-table">{Status::ALL.into_iter().map(row).collect_view()}</dl>
            <p>"Why a delivery has ended without success:"</p>
            <Grid caption="Reasons of an end" head=&["Reason", "Meaning"] rows=reasons.collect() code=true/>
        </Part>
    }
}

#[component]
fn Order() -> impl IntoView {
    view! {
        <Part id="order" title="Order and repeats">
            <p>
                "To one endpoint the events of one call go out one after the other, in the order in which they were accepted: the \
                 next one starts when the one before it has ended. Different calls do not wait for each other."
            </p>
            <p>
                "An event arrives at least once. After a lost answer, or a restart on either side, the same event may come again, with the same "
                <code>"webhook-id"</code>": keep the ids that you have processed, and answer 2xx to those you know."
            </p>
            <p>"A resend begins a new round of attempts with the same "<code>"webhook-id"</code>"."</p>
            <p>
                "After an outage, Recover on the page of an endpoint resends all that it has missed, oldest first, at a rate that \
                 your server can take. News are fresh again then."
            </p>
        </Part>
    }
}

#[component]
fn Endpoints() -> impl IntoView {
    let failing = format!("{FAILING_AFTER_ATTEMPTS} attempts in a row, or {}", span(FAILING_AFTER_MS));
    let mut all = rows(&[
        ["Active", "Receives events."],
        ["Paused", "By a person, or because it answered 410. Events are held."],
        ["Disabled", "Failing for five days without a success. Events are held until somebody resumes it."],
        ["Deleted", "Receives nothing. Its deliveries stay readable; those that waited are cancelled."],
    ]);
    all.insert(1, vec!["Failing".to_owned(), format!("Active, but without a success for {failing}. Still tried.")]);
    view! {
        <Part id="endpoints" title="When an endpoint keeps failing">
            <Grid caption="States of an endpoint" head=&["Endpoint", "Meaning"] rows=all/>
            <p>"Held events go out when the endpoint is resumed, each call in its order. News of calls that are over by then expire."</p>
        </Part>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_row_for_each_attempt_and_adds_up() {
        for rhythm in [Rhythm::News, Rhythm::Record] {
            assert_eq!(schedule(rhythm).len(), rhythm.attempts() as usize);
        }
        assert_eq!(schedule(Rhythm::Record)[2], ["3", "30 s", "35 s"]);
        assert_eq!(schedule(Rhythm::News)[4], ["5", "20 s", "32 s"]);
        assert_eq!(total(Rhythm::Record), "2 d 22 h");
    }

    #[test]
    fn a_length_has_its_two_largest_units() {
        let said = [0, 5_000, 155_000, 6_155_000, 2 * DAY_MS, 2 * DAY_MS + 30 * MINUTE_MS].map(length);
        assert_eq!(said, ["0 s", "5 s", "2 min 35 s", "1 h 42 min", "2 d", "2 d"]);
    }
}
