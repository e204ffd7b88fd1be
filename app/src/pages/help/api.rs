//! The REST API in short; the OpenAPI document has the rest.

use domain::{
    event::{BATCH_MAX_EVENTS, EVENT_BODY_MAX_BYTES},
    query::PAGE_MAX_ROWS,
    token::Scope,
};
use leptos::prelude::*;

use super::guide::{Grid, Part, Sample, guide_page, rows};
use crate::html::IntoHtml;

const POST_EVENT: &str = r#"curl -i "$OFFHOOK/api/v1/events" \
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \
  -d '{
    "id": "call-2f533604-incoming",
    "payload": {
      "event": "IncomingCall",
      "call_id": "2f533604-aaaf-11e7-b600-7ac8e42434d2",
      "callee_number": "01202912204",
      "caller_number": "01202901222"
    },
    "timestamp": 1507305504
  }'"#;

const CREATE_ENDPOINT: &str = r#"curl "$OFFHOOK/api/v1/endpoints" \
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \
  -d '{"url": "https://crm.acme.example/calls", "events": ["IncomingCall", "CallProcessed"]}'"#;

const LIST_FAILED: &str = r#"curl -G "$OFFHOOK/api/v1/deliveries" -H "Authorization: Bearer $TOKEN" \
  -d status=failed -d from=2026-11-24T00:00Z -d limit=50"#;

const RESEND: &str = r#"curl -X POST "$OFFHOOK/api/v1/deliveries/$DELIVERY/resend" -H "Authorization: Bearer $TOKEN""#;

const PROBLEM: &str = r#"{
  "type": "/api/v1/openapi.json#/components/responses/Invalid",
  "title": "A field cannot be accepted",
  "status": 422,
  "detail": "payload.call_id: A call id is a UUID, the same in all events of a call.",
  "errors": { "payload.call_id": ["A call id is a UUID, the same in all events of a call."] }
}"#;

const CALLS: [[&str; 3]; 17] = [
    ["POST /api/v1/events", "events:write", "Accept one event."],
    ["POST /api/v1/events/batch", "events:write", "Accept many at once."],
    ["GET /api/v1/events", "events:read", "List events, newest first."],
    ["GET /api/v1/events/{id}", "events:read", "One event: its deliveries, or why there are none."],
    ["GET /api/v1/endpoints", "endpoints:read", "List endpoints."],
    ["POST /api/v1/endpoints", "endpoints:write", "Create one; its credentials are in the answer, this once."],
    ["GET /api/v1/endpoints/{id}", "endpoints:read", "One endpoint."],
    ["PATCH /api/v1/endpoints/{id}", "endpoints:write", "Change some of its fields."],
    ["DELETE /api/v1/endpoints/{id}", "endpoints:write", "Delete it; what waits for it is cancelled."],
    ["POST /api/v1/endpoints/{id}/pause, /resume", "endpoints:write", "Hold its events; send them again."],
    ["POST /api/v1/endpoints/{id}/test", "endpoints:write", "Send it a test event."],
    ["GET /api/v1/deliveries", "deliveries:read", "List deliveries, newest first, filtered as in the dashboard."],
    ["GET /api/v1/deliveries/{id}", "deliveries:read", "One delivery with its attempts."],
    ["POST /api/v1/deliveries/{id}/resend", "deliveries:write", "Send it again."],
    ["POST /api/v1/endpoints/{id}/recover", "deliveries:write", "Send again all that it has missed in a time."],
    ["GET /api/v1/jobs/{id}", "deliveries:read", "How far that is."],
    ["POST /api/v1/jobs/{id}/pause, /resume, /cancel", "deliveries:write", "Halt it, let it go on, end it."],
];

/// `/help/api`.
#[component]
pub fn ApiPage() -> impl IntoView {
    let lead = "Everything that a phone platform or a script needs: events in, endpoints, deliveries.";
    guide_page("/api", "REST API", lead, || {
        view! {
            <Basics/>
            <Part id="events" title="Post an event">
                <Sample what="command" text=POST_EVENT/>
                <p>
                    <code>"202"</code>" with the event's id and the number of its deliveries means that both are stored. With your own "
                    <code>"id"</code>" a request can be repeated safely: the same event again is answered "<code>"200"</code>
                    ", the same id with another body "<code>"409"</code>". "<code>"timestamp"</code>" is a Unix second and now when left out."
                </p>
                <p>
                    "A platform token names the account with "<code>"\"account\""</code>", by its id or its reference. "
                    <code>"/events/batch"</code>" takes "<code>"{\"events\": […]}"</code>" with up to "{BATCH_MAX_EVENTS}
                    " of them and answers one result for each, in order. One event has at most "{EVENT_BODY_MAX_BYTES / 1_024}" KiB."
                </p>
            </Part>
            <Part id="endpoints" title="Create an endpoint">
                <Sample what="command" text=CREATE_ENDPOINT/>
                <p>"The answer holds "<code>"auth_token"</code>" and "<code>"signing_secret"</code>" in full, this once."</p>
            </Part>
            <Part id="deliveries" title="Find and resend deliveries">
                <Sample what="command" text=LIST_FAILED/>
                <Sample what="command" text=RESEND/>
            </Part>
            <Part id="calls" title="All calls">
                <Grid caption="Calls with their scopes" head=&["Call", "Scope", "What it does"] rows=rows(&CALLS) code=true/>
                <p><a href="/api/v1/openapi.json">"OpenAPI 3.1 document"</a>": every field, for people and generators."</p>
            </Part>
            <Errors/>
        }
        .into_html()
    })
}

#[component]
fn Basics() -> impl IntoView {
    let scopes: Vec<_> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    view! {
        <Part id="basics" title="Basics">
            <p>
                "Send an API token with each request: "<code>"Authorization: Bearer oh_…"</code>
                ". A token may only do what its scopes say: "{scopes.join(", ")}". Writing does not include reading."
            </p>
            <p>
                "Bodies are JSON. Fields that do not exist are refused, except inside "<code>"payload"</code>
                ". Another account's object looks like one that does not exist: "<code>"404"</code>"."
            </p>
            <p>
                "Lists are "<code>"{\"data\": […], \"next\": …}"</code>". While "<code>"next"</code>
                " is not null, ask for the next page with "<code>"cursor"</code>" set to it. "<code>"limit"</code>" is 1 to "{PAGE_MAX_ROWS}"."
            </p>
        </Part>
    }
}

#[component]
fn Errors() -> impl IntoView {
    let text = rows(&[
        ["400", "The body is not JSON.", "Correct it."],
        ["401", "No token, or not a valid one.", "Check the header."],
        ["403", "The token lacks a scope; the detail names it.", "Use another token."],
        ["404", "There is no such object in this account.", "Check the id."],
        ["409", "The present state stands against it.", "Read the detail."],
        ["413", "Larger than the limit.", "Send less."],
        ["422", "A field cannot be accepted; see errors.", "Correct the fields."],
        ["429", "Too many requests.", "Wait as long as Retry-After says."],
        ["503", "Nothing can be stored just now.", "Send the same request again after Retry-After."],
    ]);
    view! {
        <Part id="errors" title="Errors">
            <p>"Problem documents (RFC 9457), as "<code>"application/problem+json"</code>"."</p>
            <Sample what="example of an error" text=PROBLEM/>
            <Grid caption="Errors and what to do" head=&["Status", "What happened", "What to do"] rows=text/>
        </Part>
    }
}
