//! The setup page: one form to a first delivery, with or without a server.

use domain::delivery::{DeliveryDetail, Status};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::account_page;
use crate::api::test_events::{self, Start, UseTestLine};
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::endpoint_fields::{EventsField, UrlField, blank_form, typed_or};
use crate::components::heading::Heading;
use crate::components::render_context::RenderContext;
use crate::components::secret::NewCredentials;
use crate::components::sidebar::Part;
use crate::components::test_result::TestResult;
use crate::flash::Flash;
use crate::html::{Html, IntoHtml};
use crate::links;
use crate::pages::endpoints::duplicate::Duplicate;

/// `/a/:acct/start`
#[component]
pub fn StartPage() -> impl IntoView {
    account_page(Part::Overview, async |route, frame| {
        frame.need(domain::actor::Permission::WriteEndpoints)?;
        let test = test_events::load_test(route.acct.clone(), route.query_param("dlv")).await?;
        let view = RenderContext::from(&frame);
        let flash = frame.visit.flash;
        Ok(match test {
            Some(detail) => outcome(detail, view, &flash).into_html(),
            None => checklist(route.acct, &flash).into_html(),
        })
    })
}

/// The form as a list of steps.
fn checklist(acct: String, flash: &Flash) -> impl IntoView + use<> {
    let form = typed_or(flash, blank_form());
    let duplicate = view! { <Duplicate acct=acct.clone()/> };
    view! {
        <Heading title="Set up your first endpoint" lead="Three steps to your first event"/>
        <form class="max-w-column" method="post" action=Start::PATH>
            <input type="hidden" name="acct" value=acct.clone()/>
            <ol class="grid gap-6">
                <Step n=1><UrlField value=form.url/> {duplicate}</Step>
                <Step n=2><EventsField selected=form.events/></Step>
                <Step n=3>
                    <Button weight=Weight::Primary>"Save and send test"</Button>
                </Step>
            </ol>
        </form>
        <section class="max-w-column border-t border-line pt-6" aria-labelledby="without">
            <h2 class="text-large font-bold" id="without">"No server yet?"</h2>
            <p class="mt-1 mb-3 text-ink-2">
                "Your account has a test line: a built-in test endpoint that accepts events and shows you each request."
            </p>
            <form method="post" action=UseTestLine::PATH>
                <input type="hidden" name="acct" value=acct/>
                <Button>"Use the test line"</Button>
            </form>
        </section>
    }
}

#[component]
fn Step(n: u32, children: Html) -> impl IntoView {
    view! {
        <li class="grid grid-cols-[2rem_minmax(0,1fr)] gap-x-3">
            <span class="flex size-8 items-center justify-center rounded-s border border-control bg-surface font-bold" aria-hidden="true">
                {n}
            </span>
            <div class="pt-1">{children}</div>
        </li>
    }
}

/// The result of the test, and the next step.
fn outcome(detail: DeliveryDetail, view: RenderContext, flash: &Flash) -> impl IntoView + use<> {
    let row = &detail.row;
    let title = match row.status {
        Status::Delivered => "Your first event was delivered",
        Status::Queued | Status::Sending => "Sending your first event…",
        _ => "The test hasn't been delivered yet",
    };
    let endpoint = links::endpoint(&view.acct, row.endpoint_id.as_str(), "");
    let refresh = format!("{}?dlv={}", links::account(&view.acct, "start"), row.id);
    let next = next_step(row.status, &endpoint, &refresh, &view.acct).into_html();
    view! {
        <Heading title=title/>
        <TestResult detail=detail view=view/>
        <NewCredentials flash=flash.clone()/>
        <div class="flex flex-wrap items-center gap-3">{next}</div>
    }
}

fn next_step(status: Status, endpoint: &str, refresh: &str, acct: &str) -> impl IntoView + use<> {
    let (edit, test) = (format!("{endpoint}/edit"), format!("{endpoint}/test"));
    match status {
        Status::Delivered => view! {
            <LinkButton weight=Weight::Primary href=format!("{}/verify", links::HELP)>"Next: verify the signature"</LinkButton>
            <LinkButton href=links::account(acct, "")>"Go to overview"</LinkButton>
        }
        .into_html(),
        Status::Queued | Status::Sending => view! {
            <LinkButton weight=Weight::Primary href=refresh.to_owned()>"Refresh"</LinkButton>
            <LinkButton href=endpoint.to_owned()>"View endpoint"</LinkButton>
        }
        .into_html(),
        _ => view! {
            <LinkButton weight=Weight::Primary href=test>"Send another test"</LinkButton>
            <LinkButton href=edit>"Edit endpoint"</LinkButton>
            <a href=refresh.to_owned()>"Refresh"</a>
        }
        .into_html(),
    }
}
