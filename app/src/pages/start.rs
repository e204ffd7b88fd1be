//! The first delivery: a checklist that is the form. One click with a server, one click without.

use domain::delivery::{DeliveryDetail, Status};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::account_page;
use crate::api::tries::{self, Start, UseTestLine};
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::endpoint_fields::{EventsField, UrlField, fresh, typed_or};
use crate::components::heading::Heading;
use crate::components::rail::Part;
use crate::components::secret::NewCredentials;
use crate::components::try_result::TryResult;
use crate::components::viewpoint::Viewpoint;
use crate::flash::Flash;
use crate::html::{Html, IntoHtml};
use crate::links;
use crate::pages::endpoints::duplicate::Duplicate;

/// `/a/:acct/start`
#[component]
pub fn StartPage() -> impl IntoView {
    account_page(Part::Overview, async |place, frame| {
        frame.need(domain::actor::Permission::WriteEndpoints)?;
        let tried = tries::load_try(place.acct.clone(), place.asked("dlv")).await?;
        let view = Viewpoint::from(&frame);
        let flash = frame.visit.flash;
        Ok(match tried {
            Some(detail) => outcome(detail, view, &flash).into_html(),
            None => checklist(place.acct, &flash).into_html(),
        })
    })
}

/// The form that is the list.
fn checklist(acct: String, flash: &Flash) -> impl IntoView + use<> {
    let form = typed_or(flash, fresh());
    let duplicate = view! { <Duplicate acct=acct.clone()/> };
    view! {
        <Heading title="Receive your first event" lead="Three lines, then a test event is on its way to you."/>
        <form class="max-w-column" method="post" action=Start::PATH>
            <input type="hidden" name="acct" value=acct.clone()/>
            <ol class="grid gap-6">
                <Step n=1><UrlField value=form.url/> {duplicate}</Step>
                <Step n=2><EventsField ticked=form.events/></Step>
                <Step n=3>
                    <Button weight=Weight::Primary>"Save and send test"</Button>
                </Step>
            </ol>
        </form>
        <section class="max-w-column border-t border-line pt-6" aria-labelledby="without">
            <h2 class="text-large font-bold" id="without">"No server yet?"</h2>
            <p class="mt-1 mb-3 text-ink-2">
                "Your account has a test line: a receiver of ours that answers every event and shows you what arrived."
            </p>
            <form method="post" action=UseTestLine::PATH>
                <input type="hidden" name="acct" value=acct/>
                <Button>"Use a test line"</Button>
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

/// What became of the test, and the one next step.
fn outcome(detail: DeliveryDetail, view: Viewpoint, flash: &Flash) -> impl IntoView + use<> {
    let row = &detail.row;
    let title = match row.status {
        Status::Delivered => "Your first event has arrived",
        Status::Queued | Status::Sending => "Your first event is on its way",
        _ => "The test did not arrive yet",
    };
    let endpoint = links::endpoint(&view.acct, row.endpoint_id.as_str(), "");
    let again = format!("{}?dlv={}", links::account(&view.acct, "start"), row.id);
    let next = next_step(row.status, &endpoint, &again, &view.acct).into_html();
    view! {
        <Heading title=title/>
        <TryResult detail=detail view=view/>
        <NewCredentials flash=flash.clone()/>
        <div class="flex flex-wrap items-center gap-3">{next}</div>
    }
}

fn next_step(status: Status, endpoint: &str, again: &str, acct: &str) -> impl IntoView + use<> {
    let (edit, test) = (format!("{endpoint}/edit"), format!("{endpoint}/test"));
    match status {
        Status::Delivered => view! {
            <LinkButton weight=Weight::Primary href=format!("{}/verify", links::HELP)>"Next: verify the signature"</LinkButton>
            <LinkButton href=links::account(acct, "")>"Go to the overview"</LinkButton>
        }
        .into_html(),
        Status::Queued | Status::Sending => view! {
            <LinkButton weight=Weight::Primary href=again.to_owned()>"Check again"</LinkButton>
            <LinkButton href=endpoint.to_owned()>"Open the endpoint"</LinkButton>
        }
        .into_html(),
        _ => view! {
            <LinkButton weight=Weight::Primary href=test>"Send another test"</LinkButton>
            <LinkButton href=edit>"Edit the endpoint"</LinkButton>
            <a href=again.to_owned()>"Check again"</a>
        }
        .into_html(),
    }
}
