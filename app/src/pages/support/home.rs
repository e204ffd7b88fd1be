//! The first page of support: find an account, and the agent's own sessions.

use domain::{
    UnixMs,
    support::{FoundAccount, SupportSession},
};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::html::IntoHtml;
use crate::{
    api::support::{EndSupport, load_home},
    components::{
        button::{Button, LinkButton, Weight},
        field::CONTROL,
        heading::Heading,
    },
    links,
    pages::support_page,
    zone::Zone,
};

/// `/support`
#[component]
pub fn SupportHomePage() -> impl IntoView {
    support_page(async |place, visit| {
        let text = place.query_param("q");
        let home = load_home(text.clone()).await?;
        let (zone, now) = (visit.zone(), visit.now);
        let (open, past): (Vec<_>, Vec<_>) = home.sessions.into_iter().partition(|session| session.is_open(now));
        let lead = format!("Search by name, phone number, endpoint host or any ID. Times are in {}.", zone.name());
        let found = home.found.map(|found| view! { <Results found=found open=open.clone() text=text.clone()/> });
        Ok(view! {
            <Heading title="Find an account" lead=lead/>
            <FindForm text=text complaint=home.complaint/>
            {found}
            <ActiveSessions sessions=open zone=zone.clone() now=now/>
            <PastSessions sessions=past zone=zone/>
        }
        .into_html())
    })
}

#[component]
fn FindForm(text: String, complaint: Option<String>) -> impl IntoView {
    let invalid = complaint.is_some().then_some("true");
    view! {
        <form method="get" action=links::SUPPORT role="search" aria-label="Accounts" class="grid max-w-column gap-1">
            <label class="font-semibold" for="q">"Name, phone number, host or ID"</label>
            {complaint.map(|words| view! { <p class="font-semibold text-failed" id="q-error">{words}</p> })}
            <div class="flex flex-wrap gap-2">
                <input id="q" name="q" type="search" autocomplete="off" spellcheck="false" value=text
                    aria-invalid=invalid aria-describedby=invalid.map(|_| "q-error") class=format!("{CONTROL} flex-1 basis-52")/>
                <Button weight=Weight::Primary>"Search"</Button>
            </div>
        </form>
    }
}

#[component]
fn Results(found: Vec<FoundAccount>, open: Vec<SupportSession>, text: String) -> impl IntoView {
    if found.is_empty() {
        let words = format!("No account matches {text}.");
        return view! { <p class="max-w-column text-ink-2" role="status">{words}</p> }.into_html();
    }
    let rows = found.into_iter().map(|one| {
        let is_active = open.iter().any(|session| session.account == one.account.id);
        view! { <FoundRow found=one is_active=is_active/> }
    });
    view! {
        <section class="grid gap-2" aria-labelledby="found">
            <h2 class="text-large font-bold" id="found">"Results"</h2>
            <ul class="border-t border-line">{rows.collect_view()}</ul>
        </section>
    }
    .into_html()
}

#[component]
fn FoundRow(found: FoundAccount, is_active: bool) -> impl IntoView {
    let id = found.account.id.to_string();
    let name = found.account.name.clone();
    let of = view! { <Of name=name.clone()/> };
    let action = match (found.account.settings.support_access, is_active) {
        (false, _) => view! { <span class="text-retrying">"Support access not allowed"</span> }.into_html(),
        (true, true) => {
            view! { <LinkButton href=links::in_support(&id, &found.rest) weight=Weight::Primary>"Open"{of}</LinkButton> }
                .into_html()
        }
        (true, false) => {
            view! { <LinkButton href=links::support_start(&id, &found.rest)>"Start session"{of}</LinkButton> }.into_html()
        }
    };
    view! {
        <li class="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 border-b border-line py-2.5">
            <div class="min-w-0 wrap-anywhere">
                <p class="font-semibold">{name}</p>
                <p class="text-table text-ink-2">{format!("Matched by {}", found.by)} " · " <code class="text-meta">{found.account.id.to_string()}</code></p>
            </div>
            {action}
        </li>
    }
}

/// Tells screen readers which account the button is for.
#[component]
fn Of(name: String) -> impl IntoView {
    view! { <span class="sr-only">{format!(" in {name}")}</span> }
}

#[component]
fn ActiveSessions(sessions: Vec<SupportSession>, zone: Zone, now: UnixMs) -> impl IntoView {
    let none = sessions
        .is_empty()
        .then(|| view! { <p class="text-ink-2">"No active sessions. Find an account to start one."</p> });
    let rows = sessions.into_iter().map(|session| {
        let (open, end) = (session.account_name.clone(), session.account_name.clone());
        let left = domain::time::span(session.ends_at.since_ms(now));
        view! {
            <li class="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 border-b border-line py-2.5">
                <SessionFacts session=session.clone() when=format!("ends {} (in {left})", zone.short(session.ends_at))/>
                <div class="flex flex-wrap gap-2">
                    <LinkButton href=links::in_support(session.account.as_str(), "") weight=Weight::Primary>"Open"<Of name=open/></LinkButton>
                    <form method="post" action=EndSupport::PATH>
                        <input type="hidden" name="session" value=session.id.to_string()/>
                        <Button>"End"<Of name=end/></Button>
                    </form>
                </div>
            </li>
        }
    });
    let rows = rows.collect_view();
    view! {
        <section class="grid gap-2" aria-labelledby="running">
            <h2 class="text-large font-bold" id="running">"Active sessions"</h2>
            {match none {
                Some(none) => none.into_html(),
                None => view! { <ul class="border-t border-line">{rows}</ul> }.into_html(),
            }}
        </section>
    }
}

#[component]
fn PastSessions(sessions: Vec<SupportSession>, zone: Zone) -> impl IntoView {
    let any = !sessions.is_empty();
    let rows = sessions.into_iter().map(|session| {
        let ended = session.ended_at.unwrap_or(session.ends_at);
        let when = format!("{} to {}", zone.short(session.started_at), zone.short(ended));
        view! { <li class="border-b border-line py-2.5"><SessionFacts session=session when=when/></li> }
    });
    let rows = rows.collect_view();
    any.then(|| {
        view! {
            <section class="grid gap-2" aria-labelledby="past">
                <h2 class="text-large font-bold" id="past">"Past sessions"</h2>
                <ul class="border-t border-line">{rows}</ul>
            </section>
        }
    })
}

#[component]
fn SessionFacts(session: SupportSession, when: String) -> impl IntoView {
    view! {
        <div class="min-w-0 wrap-anywhere">
            <p class="font-semibold">{session.account_name}</p>
            <p class="text-table text-ink-2">{format!("Ticket {} · {when}", session.ticket)}</p>
            <p class="text-table text-ink-2">{session.reason}</p>
        </div>
    }
}
