//! The list of calls: one row each, found by any number.

use domain::{
    call::{CALL_STATUSES, CallFilter, Direction, Outcome},
    query::page_size,
};
use leptos::prelude::*;

use crate::html::IntoHtml;
use crate::{
    api,
    components::{
        button::{Button, LinkButton, Weight},
        call_row::{CallRows, status_label},
        empty_state::EmptyState,
        field::CONTROL,
        heading::Heading,
        pager::{Pager, Paging, Trail},
        render_context::RenderContext,
        sidebar::Part,
    },
    links,
    pages::account_page,
};

/// `/a/:acct/calls`
#[component]
pub fn CallsPage() -> impl IntoView {
    account_page(Part::Events, async |route, frame| {
        let page = api::events::list_calls(route.acct.clone(), route.query.clone()).await?;
        let filter = CallFilter::parse(&route.query);
        let view = RenderContext::from(&frame);
        let trail = Trail::parse(&route.query);
        let paging = Paging::around(&trail, filter.cursor.as_deref(), page.next.as_deref(), |cursor| {
            CallFilter { cursor, ..filter.clone() }.to_query()
        });
        let is_short = page.next.is_some() && page.rows.len() < page_size(filter.limit) as usize;
        let partial = is_short.then(|| view! {
            <p class="pt-3 text-table text-ink-2" role="status">"More calls may match further back. Go to Older to keep searching."</p>
        });
        let content = if page.rows.is_empty() && !is_short {
            empty(&filter, &view).into_html()
        } else {
            view! { <CallRows rows=page.rows view=view.clone()/> }.into_html()
        };
        Ok(view! {
            <Heading title="Calls" lead=view.clock()/>
            <CallTabs view=view.clone() calls=true/>
            <CallFilterForm filter=filter base=view.path("calls")/>
            <div>{content} {partial} <Pager paging=paging/></div>
        }
        .into_html())
    })
}

/// Calls, and the events that they consist of.
#[component]
pub fn CallTabs(
    /// The account.
    view: RenderContext,
    /// Whether this is the list of calls.
    calls: bool,
) -> impl IntoView {
    let link = |href: String, label: &'static str, here: bool| {
        view! {
            <li><a href=href aria-current=here.then_some("page")
                class="inline-flex min-h-9 items-center border-b-2 border-transparent px-1 no-underline hover:border-control aria-[current]:border-ink aria-[current]:font-semibold"
            >{label}</a></li>
        }
    };
    view! {
        <nav aria-label="Calls and events">
            <ul class="flex gap-5 border-b border-line text-table">
                {link(view.path("calls"), "Calls", calls)}
                {link(view.path("events"), "Events", !calls)}
            </ul>
        </nav>
    }
}

#[component]
fn CallFilterForm(filter: CallFilter, base: String) -> impl IntoView {
    let directions = Direction::ALL.map(|one| {
        let label = match one {
            Direction::Incoming => "Incoming",
            Direction::Outgoing => "Outgoing",
            Direction::Internal => "Internal",
        };
        (one.as_str(), label)
    });
    let outcomes = Outcome::ALL.map(|one| {
        let label = match one {
            Outcome::Failed => "Failed",
            Outcome::Waiting => "Waiting",
            Outcome::Delivered => "Delivered",
            Outcome::NotSent => "Not sent",
        };
        (one.as_str(), label)
    });
    let statuses = CALL_STATUSES.map(|status| (status, status_label(status)));
    let direction = filter.direction.map(Direction::as_str);
    let outcome = filter.outcome.map(Outcome::as_str);
    view! {
        <form method="get" action=base role="search" aria-label="Calls" class="flex flex-wrap items-center gap-2 text-table">
            <label class="sr-only" for="q">"Phone number, extension or ID"</label>
            <input
                id="q" name="q" type="search" placeholder="Phone number, extension or ID" autocomplete="off" spellcheck="false"
                class=format!("{CONTROL} max-w-96 flex-1 basis-64") value=filter.text.clone()
            />
            <Choice name="direction" label="Direction" any="Any direction" options=directions.to_vec() chosen=direction.map(str::to_owned)/>
            <Choice name="status" label="How it ended" any="Any ending" options=statuses.to_vec() chosen=filter.status.clone()/>
            <Choice name="deliveries" label="Deliveries" any="Any deliveries" options=outcomes.to_vec() chosen=outcome.map(str::to_owned)/>
            <Button weight=Weight::Secondary>"Search"</Button>
        </form>
    }
    .into_html()
}

#[component]
fn Choice(
    name: &'static str,
    label: &'static str,
    any: &'static str,
    options: Vec<(&'static str, &'static str)>,
    chosen: Option<String>,
) -> impl IntoView {
    let options = options.into_iter().map(|(value, label)| {
        view! { <option value=value selected=chosen.as_deref() == Some(value)>{label}</option> }
    });
    view! {
        <label class="sr-only" for=name>{label}</label>
        <select id=name name=name class=format!("{CONTROL} w-auto! max-md:flex-1 max-md:basis-36")>
            <option value="">{any}</option>
            {options.collect_view()}
        </select>
    }
}

fn empty(filter: &CallFilter, view: &RenderContext) -> impl IntoView + use<> {
    if filter.is_all() {
        return view! {
            <EmptyState title="No calls yet" words="Calls that your phone platform reports appear here, one row for each.">
                <LinkButton href=links::HELP weight=Weight::Primary>"Read the guides"</LinkButton>
            </EmptyState>
        }
        .into_html();
    }
    view! {
        <EmptyState title="No calls match this search"
            words="A phone number must be complete, in any spelling. National numbers need the account's country in Settings.">
            <LinkButton href=view.path("calls") weight=Weight::Primary>"Clear filters"</LinkButton>
        </EmptyState>
    }
    .into_html()
}
