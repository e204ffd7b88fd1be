//! Account settings.

use domain::{account::Account, actor::Permission};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::account_page;
use crate::html::IntoHtml;
use crate::{
    api::settings::{SaveSettings, load_settings},
    components::{
        button::{Button, Weight},
        field::{Checkbox, Field},
        heading::Heading,
        key_value::{Facts, IdText, KeyValue},
        sidebar::Part,
    },
    links,
};

/// `/a/:acct/settings`
#[component]
pub fn SettingsPage() -> impl IntoView {
    account_page(Part::Settings, async |place, frame| {
        frame.need(Permission::ManageAccount)?;
        let account = load_settings(place.acct.clone()).await?;
        let reference = account.reference.clone().map(|reference| {
            view! { <KeyValue name="Phone platform reference"><code class="text-meta">{reference}</code></KeyValue> }
        });
        let id = account.id.to_string();
        Ok(view! {
            <Heading title="Settings"/>
            <SettingsForm acct=place.acct account=account/>
            <div class="max-w-column">
                <Facts>
                    <KeyValue name="Account ID"><IdText id=id what="account ID"/></KeyValue>
                    {reference}
                </Facts>
            </div>
        }
        .into_html())
    })
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
