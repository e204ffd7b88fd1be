//! All accounts, newest first, with a search.

use domain::ops::accounts::{AccountFilter, AccountRow};
use domain::ops::health::grouped;
use domain::time::counted;
use leptos::prelude::*;

use crate::html::IntoHtml;
use crate::{
    api::ops::load_accounts,
    components::{
        button::{Button, LinkButton, Weight},
        empty_state::EmptyState,
        field::CONTROL,
        heading::Heading,
        pager::{Pager, Paging, Trail},
        render_context::RenderContext,
    },
    links,
    pages::ops_page,
};

/// `/ops/accounts`
#[component]
pub fn AccountsPage() -> impl IntoView {
    ops_page(async |place, visit| {
        let filter = AccountFilter::parse(&place.query);
        let page = load_accounts(place.query.clone()).await?;
        let view = RenderContext::from(&visit);
        let at = filter.cursor.as_deref();
        let paging = Paging::around(&Trail::parse(&place.query), at, page.next.as_deref(), |cursor| {
            AccountFilter { cursor, ..filter.clone() }.to_query()
        });
        let content = if page.rows.is_empty() {
            empty(filter.text.as_deref()).into_html()
        } else {
            let rows = page.rows.into_iter().map(|row| view! { <Row row=row view=view.clone()/> }).collect_view();
            view! { <ul class="border-b border-line">{rows}</ul> }.into_html()
        };
        let new = links::ops_account("new", "");
        Ok(view! {
            <Heading title="Accounts" lead=format!("Newest first. {}.", view.clock())>
                <LinkButton weight=Weight::Primary href=new>"Create account"</LinkButton>
            </Heading>
            <SearchForm text=filter.text/>
            <div>{content} <Pager paging=paging/></div>
        }
        .into_html())
    })
}

#[component]
fn SearchForm(text: Option<String>) -> impl IntoView {
    view! {
        <form method="get" action=links::OPS_ACCOUNTS role="search" aria-label="Accounts" class="grid max-w-column gap-1">
            <label class="font-semibold" for="q">"Name, reference or ID"</label>
            <div class="flex flex-wrap gap-2">
                <input id="q" name="q" type="search" autocomplete="off" spellcheck="false" value=text class=format!("{CONTROL} flex-1 basis-52")/>
                <Button>"Search"</Button>
            </div>
        </form>
    }
}

fn empty(text: Option<&str>) -> impl IntoView + use<> {
    let (title, words, verb, href) = match text {
        Some(text) => (
            format!("No account matches {text}"),
            "You can search for part of a name, or for a complete reference or ID.",
            "All accounts",
            links::OPS_ACCOUNTS.to_owned(),
        ),
        None => (
            "No accounts yet".to_owned(),
            "Each customer of the phone platform has an account with its own endpoints and members.",
            "Create account",
            links::ops_account("new", ""),
        ),
    };
    view! { <EmptyState title=title words=words><LinkButton weight=Weight::Primary href=href>{verb}</LinkButton></EmptyState> }
}

/// `1 failed attempt`, `1,443 failed attempts`. A delivery may have several.
pub(super) fn failed_attempts(n: u64) -> String {
    format!("{} failed {}", grouped(n), if n == 1 { "attempt" } else { "attempts" })
}

#[component]
fn Row(row: AccountRow, view: RenderContext) -> impl IntoView {
    let AccountRow { account, created_at, endpoints, delivered_24h, failed_24h } = row;
    let page = links::ops_account(account.id.as_str(), "");
    let suspended = account.suspended.is_some();
    let endpoints = counted(i64::try_from(endpoints).unwrap_or(i64::MAX), "endpoint");
    let reference = account.reference.map(|reference| format!("{reference} · ")).unwrap_or_default();
    let day = format!("24 h: {} delivered, {}", grouped(delivered_24h), failed_attempts(failed_24h));
    view! {
        <li class="relative grid gap-x-4 border-t border-line px-3 py-2 hover:bg-sunk md:grid-cols-[minmax(0,1fr)_auto]">
            <p class="flex flex-wrap items-baseline gap-x-3">
                <a class="font-semibold wrap-anywhere after:absolute after:inset-0" href=page>{account.name}</a>
                {suspended.then(|| view! { <span class="text-table font-semibold text-held">"Suspended"</span> })}
            </p>
            <p class="text-table md:text-right">{endpoints}</p>
            <p class="text-table wrap-anywhere text-ink-2">
                {reference} <code class="text-meta">{account.id.to_string()}</code> {format!(" · created {}", view.zone.short(created_at))}
            </p>
            <p class="text-table text-ink-2 md:text-right">{day}</p>
        </li>
    }
}
