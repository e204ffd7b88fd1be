//! One account: key facts, name, limits and suspension.

use domain::account::{Account, Suspension};
use domain::account::{AccountUsage, Limit, LimitsForm};
use domain::ops::accounts::AccountDetail;
use domain::ops::health::grouped;
use domain::time::counted;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::accounts::failed_attempts;
use crate::html::IntoHtml;
use crate::{
    api::ops::{LimitAccount, RenameAccount, ResumeAccount, load_account},
    components::{
        button::{Button, LinkButton, Weight},
        field::Field,
        heading::Heading,
        key_value::{Facts, IdText, KeyValue},
        panel::Panel,
        render_context::RenderContext,
        secret::NewInvitationLink,
    },
    links,
    pages::ops_page,
};

/// `/ops/accounts/:acct`
#[component]
pub fn AccountPage() -> impl IntoView {
    ops_page(async |place, visit| {
        let card = load_account(place.acct.clone()).await?;
        let view = RenderContext::from(&visit);
        let account = card.row.account.clone();
        let suspension = match account.suspended.clone() {
            Some(suspension) => suspended(&account, &suspension, &view).into_html(),
            None => suspend_link(&account).into_html(),
        };
        let (days_max, usage) = (card.retention_max_days, card.usage.clone());
        Ok(view! {
            <Heading title=account.name.clone()><LinkButton href=links::OPS_ACCOUNTS>"All accounts"</LinkButton></Heading>
            <NewInvitationLink flash=visit.flash.clone()/>
            <AccountFacts card=card view=view/>
            {suspension}
            <NameForm account=account.clone()/>
            <LimitsPanel account=account usage=usage days_max=days_max/>
        }
        .into_html())
    })
}

#[component]
fn AccountFacts(card: AccountDetail, view: RenderContext) -> impl IntoView {
    let AccountDetail { row, usage, .. } = card;
    let members = u64::from(usage.members);
    let count = |n: u64, noun: &str| counted(i64::try_from(n).unwrap_or(i64::MAX), noun);
    let facts = [
        ("Created", view.zone.short(row.created_at)),
        ("Members", if members == 0 { "None yet".to_owned() } else { count(members, "member") }),
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
                <KeyValue name="Account ID"><IdText id=id what="account ID"/></KeyValue>
                <KeyValue name="Operator actions"><a href=audit>"Audit log of this account"</a></KeyValue>
            </Facts>
        </div>
    }
}

fn suspended(account: &Account, suspension: &Suspension, view: &RenderContext) -> impl IntoView + use<> {
    let since = view.zone.short(suspension.since);
    let (id, change) = (account.id.to_string(), links::ops_account(account.id.as_str(), "suspend"));
    let reason = suspension.reason.clone();
    view! {
        <Panel title="Suspended" id="suspended">
            <div class="grid max-w-column gap-4">
                <p class="wrap-anywhere">{format!("Since {since}: {reason}")}</p>
                <p class="text-ink-2">"Events are accepted and held, API tokens are rejected, and members have read-only access."</p>
                <form class="flex flex-wrap gap-3" method="post" action=ResumeAccount::PATH>
                    <input type="hidden" name="acct" value=id/>
                    <Button weight=Weight::Primary>"Resume account"</Button>
                    <LinkButton href=change>"Edit reason"</LinkButton>
                </form>
            </div>
        </Panel>
    }
}

fn suspend_link(account: &Account) -> impl IntoView + use<> {
    let suspend = links::ops_account(account.id.as_str(), "suspend");
    view! {
        <div class="flex flex-wrap items-center gap-3">
            <LinkButton weight=Weight::Danger href=suspend>"Suspend"</LinkButton>
            <span class="text-table text-ink-2">"You’ll be asked for a reason."</span>
        </div>
    }
}

#[component]
fn NameForm(account: Account) -> impl IntoView {
    view! {
        <Panel title="Name" id="naming">
            <form class="grid max-w-column gap-4" method="post" action=RenameAccount::PATH>
                <input type="hidden" name="acct" value=account.id.to_string()/>
                <Field name="name" label="Name" required=true value=account.name/>
                <Field name="reference" label="Phone platform reference" value=account.reference.unwrap_or_default()
                    hint="The platform can use it instead of the account ID. Events with the old reference are rejected."/>
                <div><Button weight=Weight::Primary>"Save name"</Button></div>
            </form>
        </Panel>
    }
}

#[component]
fn LimitsPanel(account: Account, usage: AccountUsage, days_max: u32) -> impl IntoView {
    let form = LimitsForm::of(account.limits);
    let fields = Limit::ALL.map(|limit| {
        let hint = limit_hint(limit, &usage, days_max);
        view! { <Field name=limit.field() label=limit.label() value=form.text(limit).clone() hint=hint/> }
    });
    view! {
        <Panel title="Limits" id="limits">
            <form class="grid max-w-column gap-4" method="post" action=LimitAccount::PATH>
                <input type="hidden" name="acct" value=account.id.to_string()/>
                {fields}
                <div><Button weight=Weight::Primary>"Save limits"</Button></div>
            </form>
        </Panel>
    }
}

/// What applies if the field is blank, what is used, and what the limit means.
fn limit_hint(limit: Limit, usage: &AccountUsage, days_max: u32) -> String {
    let default = match limit {
        Limit::RetentionDays => format!("{days_max}, as for all accounts"),
        _ => grouped(u64::from(limit.default())),
    };
    let meaning = match limit {
        Limit::Endpoints => " Existing endpoints are kept even above the limit.",
        Limit::EndpointsPerHost => " Each event may cost a host as many requests.",
        Limit::EventsPerS => " For all tokens of the account together, per node. Platform tokens don’t count.",
        Limit::Members => " Pending invitations count.",
        Limit::Tokens => "",
        Limit::StoredMb => {
            " Above it, responses are not kept and the oldest payloads are deleted early; at 120 %, events from its own tokens are refused."
        }
        Limit::RetentionDays => " Older data is deleted, even if the account has set a longer period.",
    };
    let used = usage.of(limit).map(|used| format!(" In use: {}.", grouped(u64::from(used)))).unwrap_or_default();
    format!("Defaults to {default}.{used}{meaning}")
}
