//! From signing up to the first delivery, and what arrives.

use domain::{
    attempt::RESPONSE_KEPT_BYTES,
    body::{body, pretty},
    endpoint::ATTEMPT_TIMEOUT_MS,
    event::{EVENT_BODY_MAX_BYTES, EventKind},
    time::span,
};
use leptos::prelude::*;

use super::guide::{Grid, Part, Sample, guide_page, rows};
use crate::components::code_block::FoldedCode;
use crate::html::IntoHtml;
use crate::links;

/// The record of an outgoing call: cost and destination in their other forms.
const OUTGOING_RECORD: &str = r#"{"event":"CallProcessed","call_id":"3dc54a92-aaaf-11e7-b600-7ac8e42434d2","call_cost":"0.01","call_type":"outgoing","call_duration":5,"call_status":"answered","source":{"type":"extension","id":7048},"destination":"01234567890"}"#;

/// Title, name in the page, payload, time of the event and auth token of each example.
const EXAMPLES: [(&str, &str, &str, i64, &str); 4] = [
    ("IncomingCall: a call comes in", "incoming-call", EventKind::IncomingCall.example(), 1_507_305_504, "my-token"),
    ("OutgoingCall: a call goes out", "outgoing-call", EventKind::OutgoingCall.example(), 1_507_305_529, "my-token"),
    (
        "CallProcessed: the incoming call is over",
        "call-processed",
        EventKind::CallProcessed.example(),
        1_507_305_512,
        "my-token",
    ),
    ("CallProcessed: the outgoing call is over", "call-processed-outgoing", OUTGOING_RECORD, 1_507_305_538, "my-token"),
];

/// Signs the example; nothing else.
const SECRET: &str = "whsec_YW4gZXhhbXBsZSwgbm90IHVzZWQgYW55d2hlcmUgOik=";

const HEAD: &str = "POST /calls HTTP/1.1
Host: crm.acme.example
Content-Type: application/json
User-Agent: Offhook/0.1.0
webhook-id: evt_01k9q4x2m8f7r5v3c0tn6hjwzd
webhook-timestamp: 1507305505
webhook-signature: v1,Eae/QBvYyo0N7mWAtsxpIWsE9lxMxVEQnr54IQApFTw=
Offhook-Event: IncomingCall
Offhook-Delivery: dlv_01k9q4x2m9a1b2c3d4e5f6g7h8
Offhook-Attempt: 1";

const FIELDS: [[&str; 4]; 12] = [
    ["payload.event", "all", "string", "IncomingCall, OutgoingCall or CallProcessed."],
    ["payload.call_id", "all", "string", "UUID of the call: the same in all its events."],
    ["payload.callee_number", "calls", "string", "Who is called."],
    ["payload.caller_number", "calls", "string", "Who calls."],
    ["payload.call_cost", "CallProcessed", "number or string", "What the call cost: 0.0 or \"0.01\". Accept both."],
    ["payload.call_type", "CallProcessed", "string", "incoming, outgoing or internal."],
    ["payload.call_duration", "CallProcessed", "integer", "Seconds of talk."],
    ["payload.call_status", "CallProcessed", "string", "answered, not_answered, busy, failed, cancelled or voicemail."],
    [
        "payload.source",
        "CallProcessed",
        "object or string",
        "Who called. {\"type\", \"id\"} where the phone system knows the party (extension, address_contact, …), else the number.",
    ],
    ["payload.destination", "CallProcessed", "object or string", "Who was called, likewise."],
    ["timestamp", "all", "integer", "Unix second of the event itself, the same in every attempt."],
    ["auth_token", "all", "string", "The auth token of the endpoint."],
];

const HEADERS: [[&str; 2]; 6] = [
    ["webhook-id", "Id of the event, the same in every attempt. Drop repeats by it."],
    ["webhook-timestamp", "Unix second of this attempt."],
    ["webhook-signature", "One signature or more; see the guide on verifying."],
    ["Offhook-Event", "Kind of event, to route by without reading the body."],
    ["Offhook-Delivery", "Id of the delivery, as the dashboard shows it."],
    ["Offhook-Attempt", "1, 2, …"],
];

/// `/help/setting-up`.
#[component]
pub fn SettingUpPage() -> impl IntoView {
    let lead = "Your own software hears of calls as they happen: each event is posted as JSON to a URL of yours.";
    guide_page("/setting-up", "Set up a webhook", lead, || {
        view! {
            <Steps/>
            <Part id="events" title="The three events">
                <Grid caption="Events" head=&["Event", "When"] rows=kinds() code=true/>
                <p>"The bodies, indented here for reading. They are sent on one line without spaces, with their fields in this order."</p>
                {EXAMPLES.map(example).collect_view()}
            </Part>
            <Part id="headers" title="The headers">
                <Sample what="example of headers" text=HEAD/>
                <Grid caption="Headers" head=&["Header", "Meaning"] rows=rows(&HEADERS) code=true/>
                <p>
                    "The signature is that of the first body above, on one line, with the secret "<code class="wrap-anywhere">{SECRET}</code>
                    ": your own code must come to the same. Headers that you have added to the endpoint come along."
                </p>
            </Part>
            <Part id="fields" title="The fields">
                <Grid caption="Fields" head=&["Field", "In", "Type", "Meaning"] rows=rows(&FIELDS) code=true/>
                <p>"A newer phone system may send more fields. They follow the known ones; ignore those that you do not know."</p>
            </Part>
            <Answer/>
            <WithoutServer/>
        }
        .into_html()
    })
}

#[component]
fn Steps() -> impl IntoView {
    view! {
        <Part id="steps" title="In four steps">
            <ol>
                <li><a href=links::SIGN_UP>"Sign up"</a>", or ask the operator for a place in your company's account."</li>
                <li>"Enter the URL of your server and pick the events that it should receive."</li>
                <li>"Press "<strong>"Save and send test"</strong>". A first event goes out at once, and the page shows what your server answered."</li>
                <li>
                    "Copy the signing secret or the auth token from the endpoint's page into your server, and "
                    <a href="/help/verify">"check each request"</a>" with it."
                </li>
            </ol>
            <p>"From then on every call is delivered, and each delivery has a page that says what was sent, what came back and what comes next."</p>
        </Part>
    }
}

fn kinds() -> Vec<Vec<String>> {
    EventKind::ALL.iter().map(|kind| vec![kind.as_str().to_owned(), format!("{}.", kind.meaning())]).collect()
}

fn example(
    (title, id, payload, timestamp, token): (&'static str, &'static str, &'static str, i64, &'static str),
) -> impl IntoView {
    view! { <FoldedCode title=title id=id text=pretty(&body(payload, timestamp, token)) open=id == "incoming-call"/> }
}

#[component]
fn Answer() -> impl IntoView {
    view! {
        <Part id="answer" title="What to answer">
            <ul>
                <li>
                    <strong>"2xx, and fast. "</strong>"Store the event, answer, and work on it afterwards. After "
                    {span(i64::from(ATTEMPT_TIMEOUT_MS))}" without an answer the attempt has failed, unless the endpoint sets another limit of 1 to 30 s."
                </li>
                <li>
                    <strong>"Drop repeats. "</strong>"An event comes at least once. Its "<code>"webhook-id"</code>
                    " is the same each time: keep those that you have processed, and answer 2xx to them."
                </li>
                <li>
                    <strong>"Order. "</strong>"The events of one call come one after the other, in their order. Different calls come side by side, up to 64 at a time."
                </li>
                <li>
                    <strong>"Size. "</strong>"A body is a few hundred bytes and "{EVENT_BODY_MAX_BYTES / 1_024}
                    " KiB at the most. Of your answer the first "{RESPONSE_KEPT_BYTES / 1_024}" KiB are kept for you to read."
                </li>
                <li>
                    <strong>"Anything but 2xx "</strong>"is a failure and is "
                    <a href="/help/retries">"tried again"</a>". 410 pauses the endpoint."
                </li>
            </ul>
        </Part>
    }
}

#[component]
fn WithoutServer() -> impl IntoView {
    view! {
        <Part id="test-line" title="No server yet?">
            <p>
                "Every account has a test line: a receiver of its own that shows what it got. It can be told to answer 500 or 410, \
                 to be slow, or to hang up, so that you can watch retries before you write a line of code."
            </p>
            <p>
                "The URL must have a public address. To receive on your own machine, use a tunnel, or an Offhook of your own: started with "
                <code>"make run"</code>" it also calls this machine."
            </p>
        </Part>
    }
}

#[cfg(test)]
mod tests {
    use domain::{payload::Payload, secret::SigningSecret, signature};

    use super::*;

    #[test]
    fn the_examples_keep_the_contract_and_the_table_names_each_of_their_fields() {
        for (title, _, payload, ..) in EXAMPLES {
            assert_eq!(Payload::parse(payload).unwrap().text, payload, "{title}");
            // The fields of the payload itself stand one step in, those of a party two.
            for field in pretty(payload)
                .lines()
                .filter_map(|line| line.strip_prefix("  \"")?.split('"').next().map(str::to_owned))
            {
                assert!(FIELDS.iter().any(|row| row[0] == format!("payload.{field}")), "{field}");
            }
        }
    }

    #[test]
    fn the_signature_of_the_example_is_true() {
        let value = |header: &str| HEAD.lines().find_map(|line| line.strip_prefix(header)?.strip_prefix(": ")).unwrap();
        let (_, _, payload, timestamp, token) = EXAMPLES[0];
        let (secret, body) = (SigningSecret::parse(SECRET).unwrap(), body(payload, timestamp, token));
        let at_s = value(signature::TIMESTAMP_HEADER).parse().unwrap();
        let signed = signature::sign(&secret, value(signature::ID_HEADER), at_s, body.as_bytes());
        assert_eq!(signed, value(signature::SIGNATURE_HEADER));
    }

    #[test]
    fn the_headers_of_the_example_are_explained() {
        for [header, _] in HEADERS {
            assert!(HEAD.contains(&format!("\n{header}: ")), "{header}");
        }
    }
}
