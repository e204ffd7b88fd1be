//! The help in `docs/help` agrees with the rules that the code follows.
#![expect(clippy::unwrap_used, reason = "a test may stop where it fails")]

use std::path::Path;

use domain::{
    attempt::RESPONSE_KEPT_BYTES,
    body::{body, pretty},
    cause::Cause,
    delivery::Status,
    endpoint::{ATTEMPT_TIMEOUT_MS, DISABLED, FAILING},
    event::{BATCH_MAX_EVENTS, EVENT_BODY_MAX_BYTES, EventKind},
    payload::{NESTING_MAX_LEVELS, Payload},
    query::PAGE_MAX_ROWS,
    retry::{DURABLE_MAX_MS, EPHEMERAL_FRESH_MS, EndReason, JITTER_PERCENT, RETRY_AFTER_MAX_MS, RetryPolicy},
    secret::SigningSecret,
    signature,
    time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, span},
    token::Scope,
};

/// The endpoint's auth token in the examples.
const TOKEN: &str = "my-token";
/// Signs the example request and nothing else.
const SECRET: &str = "whsec_YW4gZXhhbXBsZSwgbm90IHVzZWQgYW55d2hlcmUgOik=";
/// Call, cost and destination of the example of an outgoing call differ from the domain's example.
const OUTGOING_CALL: &str = r#"{"event":"CallProcessed","call_id":"3dc54a92-aaaf-11e7-b600-7ac8e42434d2","call_cost":"0.01","call_type":"outgoing","call_duration":5,"call_status":"answered","source":{"type":"extension","id":7048},"destination":"01234567890"}"#;
/// Payload and time of each example.
const EXAMPLES: [(&str, i64); 4] = [
    (EventKind::IncomingCall.example(), 1_507_305_504),
    (EventKind::OutgoingCall.example(), 1_507_305_529),
    (EventKind::CallProcessed.example(), 1_507_305_512),
    (OUTGOING_CALL, 1_507_305_538),
];

fn page(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/help/{name}.md"));
    std::fs::read_to_string(file).unwrap()
}

/// A part of a page, from its heading to the next of the same or a higher level.
fn part<'a>(page: &'a str, id: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("<a id=\"{id}\"></a>")).unwrap();
    let end = ["\n## ", "\n### "].iter().filter_map(|heading| rest.find(heading)).min();
    &rest[..end.unwrap_or(rest.len())]
}

/// The cells of the rows of a part's table, without those of its head and without backticks.
fn rows(part: &str) -> Vec<Vec<String>> {
    let lines = part.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    lines.skip(2).map(|line| line.split(" | ").map(|cell| cell.replace('`', "")).collect()).collect()
}

fn first_cells(part: &str) -> Vec<String> {
    rows(part).into_iter().map(|mut row| row.remove(0)).collect()
}

#[test]
fn the_retry_tables_show_the_schedule_that_the_sender_follows() {
    let page = page("retries");
    for (id, policy) in [("call-end", RetryPolicy::Durable), ("call-start", RetryPolicy::Ephemeral)] {
        assert_eq!(rows(part(&page, id)), schedule(policy), "{id}");
        assert_eq!(schedule(policy).len(), policy.attempts() as usize);
        assert!(part(&page, id).contains(&format!("{} attempts ", policy.attempts())), "{id}");
    }
    let record = length(RetryPolicy::Durable.waits_ms().iter().sum());
    assert!(part(&page, "call-end").contains(&format!("attempts over {record}.")));
    assert!(
        part(&page, "call-start")
            .contains(&format!("attempts within {} s of the event", EPHEMERAL_FRESH_MS / SECOND_MS))
    );
    assert!(part(&page, "schedule").contains(&format!("up to {JITTER_PERCENT} %")));
    assert!(part(&page, "answers").contains(&format!(", up to {}.", span(RETRY_AFTER_MAX_MS))));
    assert!(part(&page, "pauses").contains(&format!("up to {JITTER_PERCENT} % longer.")));
    let days = DURABLE_MAX_MS / DAY_MS;
    assert!(days == 3 && part(&page, "pauses").contains("fails after three days."));
    let [many, long] = FAILING;
    assert_eq!(long.failing_for_ms, HOUR_MS);
    let failing =
        format!("the last {} attempts failed, or at least {} within an hour or more", many.attempts, long.attempts);
    let disabled = format!("At least {} attempts on at least {} days failed", DISABLED.attempts, DISABLED.days);
    assert!(part(&page, "endpoints").contains(&failing) && part(&page, "endpoints").contains(&disabled));
}

/// Number of the attempt, delay before it, and time since the first attempt.
fn schedule(policy: RetryPolicy) -> Vec<Vec<String>> {
    let first = ["1", "none", "0 s"].map(str::to_owned).to_vec();
    let later = policy.waits_ms().iter().enumerate().map(|(at, wait_ms)| {
        let since_ms = policy.waits_ms()[..=at].iter().sum();
        vec![(at + 2).to_string(), length(*wait_ms), length(since_ms)]
    });
    std::iter::once(first).chain(later).collect()
}

/// A duration in its two largest units: `1 h 42 min`.
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

#[test]
fn a_duration_has_its_two_largest_units() {
    let lengths = [0, 5_000, 155_000, 6_155_000, 2 * DAY_MS, 2 * DAY_MS + 30 * MINUTE_MS].map(length);
    assert_eq!(lengths, ["0 s", "5 s", "2 min 35 s", "1 h 42 min", "2 d", "2 d"]);
}

#[test]
fn every_status_and_every_end_reason_is_explained() {
    let page = page("retries");
    assert_eq!(first_cells(part(&page, "statuses")), Status::ALL.map(Status::label));
    assert_eq!(first_cells(part(&page, "end-reasons")), EndReason::ALL.map(EndReason::as_str));
    assert!(part(&page, "end-reasons").contains(&format!("more than {} s old", EPHEMERAL_FRESH_MS / SECOND_MS)));
}

#[test]
fn the_example_bodies_are_valid_and_each_of_their_fields_is_explained() {
    let page = page("setting-up");
    assert_eq!(first_cells(part(&page, "events")), EventKind::ALL.map(EventKind::as_str));
    let fields = first_cells(part(&page, "fields"));
    for (payload, timestamp) in EXAMPLES {
        assert_eq!(Payload::parse(payload).unwrap().text, payload);
        assert!(page.contains(&format!("\n{}\n```", pretty(&body(payload, None, timestamp, TOKEN)))), "{payload}");
        // Fields of the payload are indented by one step, those of a party by two.
        let names = pretty(payload);
        for field in names.lines().filter_map(|line| line.strip_prefix("  \"")?.split('"').next()) {
            assert!(fields.contains(&format!("payload.{field}")), "{field}");
        }
    }
}

#[test]
fn the_example_request_has_a_valid_signature_and_each_of_its_headers_is_explained() {
    let page = page("setting-up");
    let part = part(&page, "headers");
    assert!(part.contains(SECRET));
    let value = |header: &str| part.lines().find_map(|line| line.strip_prefix(header)?.strip_prefix(": ")).unwrap();
    let (payload, timestamp) = EXAMPLES[0];
    let body = body(payload, None, timestamp, TOKEN);
    let at_s = value(signature::TIMESTAMP_HEADER).parse().unwrap();
    let secret = SigningSecret::parse(SECRET).unwrap();
    let signed = signature::sign(&secret, value(signature::ID_HEADER), at_s, body.as_bytes());
    assert_eq!(signed, value(signature::SIGNATURE_HEADER));
    let explained = first_cells(part);
    assert_eq!(explained.len(), 6);
    for header in explained {
        assert!(part.contains(&format!("\n{header}: ")), "{header}");
    }
}

#[test]
fn the_limits_are_those_of_the_code() {
    let (setting_up, api) = (page("setting-up"), page("api"));
    let body_max = format!("{} KiB", EVENT_BODY_MAX_BYTES / 1_024);
    for text in [
        format!("times out after {},", span(i64::from(ATTEMPT_TIMEOUT_MS))),
        format!("the first {} KiB of your response", RESPONSE_KEPT_BYTES / 1_024),
        format!("never more than {body_max}."),
        format!("at most {} levels", NESTING_MAX_LEVELS + 1),
    ] {
        assert!(part(&setting_up, "answer").contains(&text), "{text}");
    }
    let batch = format!("up to {},000 events at once", BATCH_MAX_EVENTS / 1_000);
    for text in [
        format!("between 1 and {PAGE_MAX_ROWS}."),
        batch,
        format!("at most {body_max}."),
        format!("at most {NESTING_MAX_LEVELS} levels"),
    ] {
        assert!(api.contains(&text), "{text}");
    }
    for scope in Scope::ALL {
        assert!(part(&api, "basics").contains(&format!("`{}`", scope.as_str())), "{scope:?}");
    }
}

#[test]
fn every_cause_has_a_complete_text() {
    for cause in Cause::ALL {
        let code = cause.code();
        let text = page(&format!("causes/{code}"));
        assert!(text.starts_with(&format!("---\ntitle: {code}\nlead: ")), "{code}");
        let sections: Vec<_> = text.split("\n## ").skip(1).filter_map(|section| section.split_once("\n\n")).collect();
        let titles: Vec<_> = sections.iter().map(|(title, _)| *title).collect();
        assert_eq!(titles, ["Possible causes", "How to check", "How to fix", "In the meantime"], "{code}");
        for (title, section) in sections {
            let sentences = section.lines().filter(|line| line.ends_with('.')).count();
            assert!(sentences > 0 && section.trim().len() > 20 && !section.contains("TODO"), "{code}: {title}");
            for point in section.lines().filter(|line| line.starts_with("- ")) {
                assert!(point.len() > 20 && point.ends_with('.'), "{code}: {point}");
            }
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/help/causes");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), Cause::ALL.len());
}

#[test]
fn the_unit_of_the_connector_is_in_the_files_for_deployment_alone() {
    let page = page("connect-asterisk");
    assert!(!page.contains("[Service]"), "a second unit");
    assert!(part(&page, "service").contains("\n[offhook-connect.service](../deploy/offhook-connect.service)\n"));
}
