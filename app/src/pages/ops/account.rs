//! One account: how it stands, its name, its limits, its suspension.

use domain::account::{Account, Suspension};
use domain::endpoint::ENDPOINTS_MAX;
use domain::installation::accounts::{AccountCard, EVENTS_PER_S, LimitsForm};
use domain::installation::health::grouped;
use domain::time::counted;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::{accounts::failed_attempts, viewpoint};
use crate::html::IntoHtml;
use crate::{
    api::ops::{LimitAccount, RenameAccount, ResumeAccount, load_account},
    components::{
        button::{Button, LinkButton, Weight},
        field::Field,
        heading::Heading,
        key_value::{Facts, IdText, KeyValue},
        panel::Panel,
        viewpoint::Viewpoint,
    },
    links,
    pages::ops_page,
};

/// `/ops/accounts/:acct`
#[component]
pub fn AccountPage() -> impl IntoView {
    ops_page(async |place, visit| {
        let card = load_account(place.acct.clone()).await?;
        let view = viewpoint(&visit);
        let account = card.row.account.clone();
        let suspension = match account.suspended.clone() {
            Some(suspension) => suspended(&account, &suspension, &view).into_html(),
            None => awake(&account).into_html(),
        };
        let most_days = card.retention_max_days;
        Ok(view! {
            <Heading title=account.name.clone()><LinkButton href=links::OPS_ACCOUNTS>"All accounts"</LinkButton></Heading>
            <Standing card=card view=view/>
            {suspension}
            <Naming account=account.clone()/>
            <Limits account=account most_days=most_days/>
        }
        .into_html())
    })
}

#[component]
fn Standing(card: AccountCard, view: Viewpoint) -> impl IntoView {
    let AccountCard { row, members, .. } = card;
    let count = |n: u64, noun: &str| counted(i64::try_from(n).unwrap_or(i64::MAX), noun);
    let facts = [
        ("Opened", view.zone.short(row.created_at)),
        ("People", if members == 0 { "Nobody yet".to_owned() } else { count(members, "member") }),
        ("Endpoints", count(row.endpoints, "endpoint")),
        ("Last 24 hours", format!("{} delivered, {}", grouped(row.delivered_24h), failed_attempts(row.failed_24h))),
    ];
    let facts = facts.map(|(name, value)| view! { <KeyValue name=name>{value}</KeyValue> });
    let id = row.account.id.to_string();
    let audit = format!("{}?object={id}", links::OPS_AUDIT);
    view! {
        <div class="max-w-column">
            <Facts>
                {facts}
                <KeyValue name="Account ID"><IdText id=id what="account id"/></KeyValue>
                <KeyValue name="What operators did"><a href=audit>"Audit log of this account"</a></KeyValue>
            </Facts>
        </div>
    }
}

fn suspended(account: &Account, suspension: &Suspension, view: &Viewpoint) -> impl IntoView + use<> {
    let since = view.zone.short(suspension.since);
    let (id, change) = (account.id.to_string(), links::ops_account(account.id.as_str(), "suspend"));
    let reason = suspension.reason.clone();
    view! {
        <Panel title="Suspended" id="suspended">
            <div class="grid max-w-column gap-4">
                <p class="wrap-anywhere">{format!("Since {since}: {reason}")}</p>
                <p class="text-ink-2">"Its events are taken in and held, its API tokens are refused, its people only read."</p>
                <form class="flex flex-wrap gap-3" method="post" action=ResumeAccount::PATH>
                    <input type="hidden" name="acct" value=id/>
                    <Button weight=Weight::Primary>"Resume account"</Button>
                    <LinkButton href=change>"Change the reason"</LinkButton>
                </form>
            </div>
        </Panel>
    }
}

fn awake(account: &Account) -> impl IntoView + use<> {
    let suspend = links::ops_account(account.id.as_str(), "suspend");
    view! {
        <div class="flex flex-wrap items-center gap-3">
            <LinkButton weight=Weight::Danger href=suspend>"Suspend"</LinkButton>
            <span class="text-table text-ink-2">"Asks for the reason first."</span>
        </div>
    }
}

#[component]
fn Naming(account: Account) -> impl IntoView {
    view! {
        <Panel title="Name" id="naming">
            <form class="grid max-w-column gap-4" method="post" action=RenameAccount::PATH>
                <input type="hidden" name="acct" value=account.id.to_string()/>
                <Field name="name" label="Name" required=true value=account.name/>
                <Field name="reference" label="Reference of the phone platform" value=account.reference.unwrap_or_default()
                    hint="A platform token may name it instead of the account’s id. Events that still name the old one are refused."/>
                <div><Button weight=Weight::Primary>"Save name"</Button></div>
            </form>
        </Panel>
    }
}

#[component]
fn Limits(account: Account, most_days: u32) -> impl IntoView {
    let form = LimitsForm::of(account.limits);
    let endpoints = format!("Without a number, {ENDPOINTS_MAX}. Those there are stay, also where they are more.");
    let events = format!(
        "All tokens of the account together, on each node. Without a number, {} for each token. Platform tokens are not counted.",
        grouped(u64::from(EVENTS_PER_S))
    );
    let days = format!(
        "Without a number, {most_days}, as for all accounts. What is older is taken away, also where the account chose longer."
    );
    view! {
        <Panel title="Limits" id="limits">
            <form class="grid max-w-column gap-4" method="post" action=LimitAccount::PATH>
                <input type="hidden" name="acct" value=account.id.to_string()/>
                <Field name="endpoints_max" label="Most endpoints" value=form.endpoints_max hint=endpoints/>
                <Field name="events_per_s" label="Most events per second by its tokens" value=form.events_per_s hint=events/>
                <Field name="retention_max_days" label="Longest retention in days" value=form.retention_max_days hint=days/>
                <div><Button weight=Weight::Primary>"Save limits"</Button></div>
            </form>
        </Panel>
    }
}
