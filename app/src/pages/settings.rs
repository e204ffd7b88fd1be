//! An account's settings: its name, and what its admins decide for it.

use domain::{account::Account, actor::Permission};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::account_page;
use crate::html::IntoHtml;
use crate::{
    api::settings::{SaveSettings, load_settings},
    components::{
        button::{Button, Weight},
        field::{Field, Tick},
        heading::Heading,
        key_value::{Facts, IdText, KeyValue},
        rail::Part,
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
            view! { <KeyValue name="Reference of the phone platform"><code class="text-meta">{reference}</code></KeyValue> }
        });
        let id = account.id.to_string();
        Ok(view! {
            <Heading title="Settings"/>
            <SettingsForm acct=place.acct account=account/>
            <div class="max-w-column">
                <Facts>
                    <KeyValue name="Account ID"><IdText id=id what="account id"/></KeyValue>
                    {reference}
                </Facts>
            </div>
        }
        .into_html())
    })
}

#[component]
fn SettingsForm(acct: String, account: Account) -> impl IntoView {
    let looks = format!("{}?area=support", links::account(&acct, "audit"));
    let rotate = "Rotating auth tokens and signing secrets is for admins otherwise.";
    let support = "Staff of your provider may then read endpoints, deliveries and events in a session with a reason and a ticket. \
                   They change nothing, see no credentials, and phone numbers are masked. Without it they are refused at their next click.";
    view! {
        <form class="grid max-w-column gap-6" method="post" action=SaveSettings::PATH>
            <input type="hidden" name="acct" value=acct/>
            <Field name="name" label="Account name" value=account.name required=true/>
            <Tick name="developers_rotate" label="Developers may rotate credentials" hint=rotate checked=account.settings.developers_rotate/>
            <div class="grid gap-1">
                <Tick name="support_access" label="The provider’s support may look into this account" hint=support checked=account.settings.support_access/>
                <p class="pl-8 text-table"><a href=looks>"What support has looked at"</a></p>
            </div>
            <Field name="bodies_days" label="Days that payloads and answers are kept" value=account.settings.bodies_days.to_string()
                hint="Later a delivery still says when it was sent and what came of it, and can no longer be sent again."/>
            <Field name="rows_days" label="Days that events and deliveries are kept" value=account.settings.rows_days.to_string()
                hint="Later they are gone. What still waits to be sent stays, however old it is."/>
            <div><Button weight=Weight::Primary>"Save settings"</Button></div>
        </form>
    }
}
