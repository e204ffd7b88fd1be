//! Account settings.

use domain::{
    account::{Account, AccountUsage, Limit},
    actor::Permission,
};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::account_page;
use crate::html::IntoHtml;
use crate::{
    api::settings::{SaveSettings, load_settings},
    components::{
        button::{Button, Weight},
        count_text::grouped,
        field::{Checkbox, Field},
        heading::Heading,
        key_value::{Facts, IdText, KeyValue},
        panel::Panel,
        sidebar::Part,
    },
    links,
};

/// `/a/:acct/settings`
#[component]
pub fn SettingsPage() -> impl IntoView {
    account_page(Part::Settings, async |place, frame| {
        frame.need(Permission::ManageAccount)?;
        let (account, usage) = load_settings(place.acct.clone()).await?;
        let storage = usage.storage.notice().map(|words| view! { <StorageNotice words=words/> });
        let limits = view! { <LimitsPanel account=account.clone() usage=usage/> };
        let reference = account.reference.clone().map(|reference| {
            view! { <KeyValue name="Phone platform reference"><code class="text-meta">{reference}</code></KeyValue> }
        });
        let id = account.id.to_string();
        Ok(view! {
            <Heading title="Settings"/>
            {storage}
            <SettingsForm acct=place.acct account=account/>
            <div class="max-w-column">
                <Facts>
                    <KeyValue name="Account ID"><IdText id=id what="account ID"/></KeyValue>
                    {reference}
                </Facts>
            </div>
            <div class="max-w-column">{limits}</div>
        }
        .into_html())
    })
}

/// That the account stores nearly as much as it may, or more.
#[component]
fn StorageNotice(words: &'static str) -> impl IntoView {
    view! {
        <p class="max-w-column border-l-4 border-held-fill px-4 py-2" id="storage">{words}</p>
    }
}

/// What the account may use, and what it uses of it.
#[component]
fn LimitsPanel(account: Account, usage: AccountUsage) -> impl IntoView {
    let facts = Limit::ALL.into_iter().filter(|limit| *limit != Limit::RetentionDays).map(|limit| {
        let most = grouped(account.limits.of(limit));
        let value = match (limit, usage.of(limit), &usage.busiest_host) {
            (Limit::EndpointsPerHost, Some(used), Some((host, _))) => format!("{used} of {most} ({host})"),
            (_, Some(used), _) => format!("{} of {most}", grouped(used)),
            (_, None, _) => format!("Up to {most}"),
        };
        view! { <KeyValue name=limit.label()>{value}</KeyValue> }
    });
    view! {
        <Panel title="Limits" id="limits">
            <div class="grid gap-3">
                <p class="text-ink-2">"Set by your provider. Members include pending invitations; events are counted across your API tokens."</p>
                <Facts>{facts.collect_view()}</Facts>
            </div>
        </Panel>
    }
}

#[component]
fn SettingsForm(acct: String, account: Account) -> impl IntoView {
    let support_log = format!("{}?area=support", links::account(&acct, "audit"));
    let rotate = "Otherwise only admins can rotate auth tokens and signing secrets.";
    let support = "Your provider’s support staff can read endpoints, deliveries and events in sessions with a reason and a ticket. \
                   Their access is read-only, without credentials, and phone numbers are masked. If you turn this off, they lose access immediately.";
    view! {
        <form class="grid max-w-column gap-6" method="post" action=SaveSettings::PATH>
            <input type="hidden" name="acct" value=acct/>
            <Field name="name" label="Account name" value=account.name required=true/>
            <Field name="country" label="Country" value=account.settings.country.map(String::from).unwrap_or_default()
                hint="Its code, such as GB. Numbers are then found in their national spelling, too."/>
            <Checkbox name="developers_rotate" label="Allow developers to rotate credentials" hint=rotate checked=account.settings.developers_rotate/>
            <div class="grid gap-1">
                <Checkbox name="support_access" label="Allow support access to this account" hint=support checked=account.settings.support_access/>
                <p class="pl-8 text-table"><a href=support_log>"View support access log"</a></p>
            </div>
            <Field name="bodies_days" label="Payload retention (days)" value=account.settings.bodies_days.to_string()
                hint="Payloads and responses are then deleted. The delivery keeps its times and result, but can no longer be resent."/>
            <Field name="rows_days" label="Event retention (days)" value=account.settings.rows_days.to_string()
                hint="Then they’re deleted. Unsent events are kept."/>
            <div><Button weight=Weight::Primary>"Save settings"</Button></div>
        </form>
    }
}
