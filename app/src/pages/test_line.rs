//! The account's test line: its URL, how it responds, and the requests it has received.

use domain::actor::Permission;
use domain::body::pretty;
use domain::test_line::{Behaviour, TestLine, TestLineRequest};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::account_page;
use crate::api::test_events::UseTestLine;
use crate::api::test_line::{ClearRequests, SetBehaviour, load_test_line};
use crate::components::button::{Button, Weight};
use crate::components::code_block::{CodeBlock, FoldedCode};
use crate::components::empty_state::EmptyState;
use crate::components::heading::Heading;
use crate::components::render_context::RenderContext;
use crate::components::sidebar::Part;
use crate::components::time_text::{AgoText, TimeForm, TimeText};
use crate::html::IntoHtml;

/// `/a/:acct/test-line`
#[component]
pub fn TestLinePage() -> impl IntoView {
    account_page(Part::TestLine, async |route, frame| {
        frame.need(Permission::WriteEndpoints)?;
        let line = load_test_line(route.acct.clone()).await?;
        let view = RenderContext::from(&frame);
        let TestLine { url, behaviour, requests } = line;
        Ok(view! {
            <Heading title="Test line" lead="A built-in test endpoint for your account. It keeps the last 50 requests for 7 days."/>
            <div class="max-w-column"><CodeBlock text=url what="test line URL"/></div>
            <BehaviourForm acct=route.acct.clone() current=behaviour/>
            <Requests acct=route.acct requests=requests view=view/>
        }
        .into_html())
    })
}

#[component]
fn BehaviourForm(acct: String, current: Behaviour) -> impl IntoView {
    let choices = Behaviour::ALL.map(|behaviour| {
        let id = format!("behaviour-{}", behaviour.as_str());
        view! {
            <div class="flex items-baseline gap-3">
                <input class="size-5 translate-y-1 accent-ink" type="radio" name="behaviour" id=id.clone()
                    value=behaviour.as_str() checked=behaviour == current/>
                <label class="py-0.5" for=id>{behaviour.label()}</label>
            </div>
        }
    });
    view! {
        <form class="grid max-w-column gap-3" method="post" action=SetBehaviour::PATH>
            <input type="hidden" name="acct" value=acct/>
            <fieldset class="grid gap-1" id="behaviour" tabindex="-1">
                <legend class="mb-1 font-semibold">"Response"</legend>
                {choices.collect_view()}
            </fieldset>
            <div><Button>"Save"</Button></div>
        </form>
    }
}

#[component]
fn Requests(acct: String, requests: Vec<TestLineRequest>, view: RenderContext) -> impl IntoView {
    if requests.is_empty() {
        return view! {
            <EmptyState title="No requests yet" words="Requests appear here when an event is sent to this URL.">
                <form method="post" action=UseTestLine::PATH>
                    <input type="hidden" name="acct" value=acct/>
                    <Button weight=Weight::Primary>"Send a test to the test line"</Button>
                </form>
            </EmptyState>
        }
        .into_html();
    }
    let items = requests
        .into_iter()
        .enumerate()
        .map(|(index, request)| view! { <Request index=index request=request view=view.clone()/> });
    view! {
        <section class="grid gap-3" aria-labelledby="requests">
            <div class="flex flex-wrap items-center justify-between gap-3">
                <h2 class="text-large font-bold" id="requests">"Requests, newest first"</h2>
                <form method="post" action=ClearRequests::PATH>
                    <input type="hidden" name="acct" value=acct/>
                    <Button>"Clear"</Button>
                </form>
            </div>
            <ul class="border-t border-line">{items.collect_view()}</ul>
        </section>
    }
    .into_html()
}

#[component]
fn Request(index: usize, request: TestLineRequest, view: RenderContext) -> impl IntoView {
    view! {
        <li class="grid gap-1 border-b border-line py-3">
            <p class="flex flex-wrap items-baseline gap-x-3 text-table">
                <TimeText at=request.received_at form=TimeForm::Clock view=view.clone()/>
                <span class="text-ink-3"><AgoText at=request.received_at view=view/></span>
                <span class="text-ink-2">{request.behaviour.label()}</span>
            </p>
            <FoldedCode id=format!("body-{index}") title="Body" text=pretty(&request.body) open=index == 0/>
            {request.is_cut().then(|| view! {
                <p class="text-meta text-ink-3">"Truncated: this is only the beginning of the body."</p>
            })}
            <FoldedCode id=format!("headers-{index}") title="Headers" text=request.headers/>
        </li>
    }
}
