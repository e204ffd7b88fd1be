//! Sending a test event with an editable payload.

use domain::actor::Permission;
use domain::body::pretty;
use domain::event::EventKind;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::api::endpoints::load_endpoint;
use crate::api::test_events::{SendTest, load_test};
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::field::Lines;
use crate::components::heading::Heading;
use crate::components::render_context::RenderContext;
use crate::components::sidebar::Part;
use crate::components::test_result::TestResult;
use crate::html::IntoHtml;
use crate::links;
use crate::pages::account_page;

/// `/a/:acct/endpoints/:ep/test`
#[component]
pub fn TestPage() -> impl IntoView {
    account_page(Part::Endpoints, async |route, frame| {
        frame.need(Permission::WriteEndpoints)?;
        let (summary, _) = load_endpoint(route.acct.clone(), route.param("ep")).await?;
        let test = load_test(route.acct.clone(), route.query_param("dlv")).await?;
        let first = summary.endpoint.events.first().copied().unwrap_or(EventKind::IncomingCall);
        let kind = EventKind::parse(&route.query_param("type")).unwrap_or(first);
        let kept = frame.visit.flash.value("payload").map(str::to_owned);
        let view = RenderContext::from(&frame);
        let page = links::endpoint(&route.acct, summary.endpoint.id.as_str(), "test");
        Ok(view! {
            <Heading title=format!("Send a test to {}", summary.endpoint.name)
                lead="Tests are sent only to this endpoint and are marked as tests in every list."/>
            {test.map(|detail| view! { <TestResult detail=detail view=view/> })}
            <Kinds page=page.clone() current=kind/>
            <TestBody acct=route.acct ep=summary.endpoint.id.to_string() kind=kind
                payload=kept.unwrap_or_else(|| pretty(kind.example())) reset=format!("{page}?type={kind}")/>
        }
        .into_html())
    })
}

/// The event types as tabs.
#[component]
fn Kinds(page: String, current: EventKind) -> impl IntoView {
    let tabs = EventKind::ALL.map(|kind| {
        let selected = (kind == current).then_some("page");
        view! {
            <li>
                <a href=format!("{page}?type={kind}") aria-current=selected
                    class="inline-block border-b-4 border-transparent px-1 py-1.5 font-mono text-table text-ink-2 no-underline hover:text-ink hover:underline aria-[current]:border-ink aria-[current]:font-semibold aria-[current]:text-ink">
                    {kind.as_str()}
                </a>
            </li>
        }
    });
    view! { <nav aria-label="Event"><ul class="flex flex-wrap gap-x-5 border-b border-line">{tabs.collect_view()}</ul></nav> }
}

#[component]
fn TestBody(acct: String, ep: String, kind: EventKind, payload: String, reset: String) -> impl IntoView {
    view! {
        <form class="grid max-w-column gap-4" method="post" action=SendTest::PATH>
            <input type="hidden" name="acct" value=acct/>
            <input type="hidden" name="ep" value=ep/>
            <input type="hidden" name="form[kind]" value=kind.as_str()/>
            <Lines name="payload" label="Payload" required=true rows=14 value=payload
                hint="Edit as you like; your changes are kept after each test. Timestamp and auth token are added when the test is sent."/>
            <div class="flex flex-wrap gap-3">
                <Button weight=Weight::Primary>"Send test"</Button>
                <LinkButton href=reset>"Reset example"</LinkButton>
            </div>
        </form>
    }
}
