//! The event list: what the platform has sent, and where it went.

use domain::{
    actor::Permission,
    event::{EventFilter, EventKind, EventRow},
    payload::is_uuid,
    phone,
    query::encode,
};
use leptos::prelude::*;

use super::{calls::CallTabs, outcome::Outcome};
use crate::html::IntoHtml;
use crate::{
    api,
    components::{
        button::{Button, LinkButton, Weight},
        empty_state::EmptyState,
        field::CONTROL,
        heading::Heading,
        pager::{Pager, Paging, Trail},
        render_context::RenderContext,
        sidebar::Part,
        status_badge::TestMark,
        time_text::{AgoText, TimeForm, TimeText},
    },
    event_filter, links,
    pages::account_page,
};

/// `/a/:acct/events`
#[component]
pub fn EventsPage() -> impl IntoView {
    account_page(Part::Events, async |route, frame| {
        let page = api::events::list(route.acct.clone(), route.query.clone()).await?;
        let filter = event_filter::parse(&route.query);
        let view = RenderContext::from(&frame);
        let paging =
            Paging::around(&Trail::parse(&route.query), filter.cursor.as_deref(), page.next.as_deref(), |cursor| {
                event_filter::write(&EventFilter { cursor, ..filter.clone() })
            });
        let content = if page.rows.is_empty() {
            empty(&filter, &view, frame.may(Permission::WriteEndpoints)).into_html()
        } else {
            view! { <EventRows rows=page.rows view=view.clone()/> }.into_html()
        };
        Ok(view! {
            <Heading title="Events" lead=view.clock()/>
            <CallTabs view=view.clone() calls=false/>
            <EventFilterForm filter=filter base=view.path("events")/>
            <div>{content} <Pager paging=paging/></div>
        }
        .into_html())
    })
}

#[component]
fn EventFilterForm(filter: EventFilter, base: String) -> impl IntoView {
    let boxes = EventKind::ALL.map(|kind| {
        let checked = filter.kinds.contains(&kind);
        view! { <FilterCheckbox name="event" value=kind.as_str() label=kind.as_str() checked=checked/> }
    });
    view! {
        <form method="get" action=base role="search" aria-label="Events" class="flex flex-wrap items-center gap-x-5 gap-y-2">
            <label class="sr-only" for="call">"Call ID"</label>
            <input
                id="call" name="call" type="search" placeholder="Call ID (UUID)" autocomplete="off" spellcheck="false"
                class=format!("{CONTROL} max-w-96 flex-1 basis-52") value=filter.call.clone()
            />
            <fieldset class="flex flex-wrap items-center gap-x-5 gap-y-1">
                <legend class="sr-only">"Event"</legend>
                {boxes.collect_view()}
            </fieldset>
            <FilterCheckbox name="not_sent" value="1" label="Not sent" checked=filter.not_sent/>
            <Button weight=Weight::Secondary>"Filter"</Button>
        </form>
    }
    .into_html()
}

#[component]
fn FilterCheckbox(name: &'static str, value: &'static str, label: &'static str, checked: bool) -> impl IntoView {
    view! {
        <label class="inline-flex items-center gap-1.5 min-h-7 text-table">
            <input type="checkbox" class="size-4.5 accent-ink" name=name value=value checked=checked/>
            {label}
        </label>
    }
}

fn empty(filter: &EventFilter, view: &RenderContext, may: bool) -> impl IntoView + use<> {
    if !event_filter::is_all(filter) {
        let title = "No events match this filter";
        let all = view.path("events");
        let no_call = filter.call.as_deref().filter(|call| !is_uuid(call));
        let words = match no_call {
            Some(_) => "A call ID is a UUID. To find a phone number, search the calls.",
            None => "Try another event type or call, or include events that were sent.",
        };
        let number = no_call.map(|text| format!("{}?q={}", view.path("calls"), encode(text)));
        return view! {
            <EmptyState title=title words=words>
                {number.map(|href| view! { <LinkButton href=href>"Search calls"</LinkButton> })}
                <LinkButton href=all weight=Weight::Primary>"Clear filters"</LinkButton>
            </EmptyState>
        }
        .into_html();
    }
    let (href, verb) =
        if may { (view.path("start"), "Send a test") } else { (links::HELP.to_owned(), "Read the guides") };
    view! {
        <EmptyState title="No events yet"
            words="Call events from your phone platform appear here.">
            <LinkButton href=href weight=Weight::Primary>{verb}</LinkButton>
        </EmptyState>
    }
    .into_html()
}

/// Events, newest first, grouped by the day they were accepted.
#[component]
fn EventRows(rows: Vec<EventRow>, view: RenderContext) -> impl IntoView {
    let mut day = String::new();
    let items = rows.into_iter().map(|event| {
        let its_day = view.zone.day(event.accepted_at);
        let header = (its_day != day).then(|| view! {
            <li class="border-b border-line bg-page px-3 py-1"><h2 class="text-meta font-semibold text-ink-2">{its_day.clone()}</h2></li>
        });
        day = its_day;
        view! { {header} <EventItem event=event view=view.clone()/> }
    });
    view! { <ol class="rounded-m border border-line border-b-0 bg-surface">{items.collect_view()}</ol> }
}

/// The grid of a row: event and time, parties, outcome on a phone; one line from 768 px.
const GRID: &str = "relative grid items-center gap-x-3 gap-y-0.5 px-3 py-2 border-b border-line text-table leading-row hover:bg-sunk \
    grid-cols-[minmax(0,1fr)_auto] md:grid-cols-[11rem_minmax(0,1fr)_minmax(0,1.2fr)_5rem_5rem]";

#[component]
fn EventItem(event: EventRow, view: RenderContext) -> impl IntoView {
    let parties = format!("{} → {}", phone::display(&event.caller), phone::display(&event.callee));
    view! {
        <li class=GRID>
            <div class="flex items-center gap-2">
                <a class="no-underline after:absolute after:inset-0" href=links::event(&view.acct, event.id.as_str())>
                    {event.kind.as_str()} <span class="sr-only">" " {event.id.to_string()}</span>
                </a>
                {event.test.then(|| view! { <TestMark/> })}
            </div>
            <div class="truncate max-md:row-start-2 max-md:col-span-2">{parties}</div>
            <div class="wrap-anywhere text-ink-2 max-md:row-start-3 max-md:col-span-2"><Outcome event=event.clone() view=view.clone()/></div>
            <div class="text-right max-md:row-start-1 max-md:col-start-2"><TimeText at=event.accepted_at form=TimeForm::Clock view=view.clone()/></div>
            <div class="hidden md:block text-right text-meta text-ink-3"><AgoText at=event.accepted_at view=view.clone()/></div>
        </li>
    }
    .into_html()
}
