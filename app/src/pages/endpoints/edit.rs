//! Changing an endpoint. Somebody else's change meanwhile is shown beside the person's own, never overwritten unseen.

use domain::actor::Permission;
use domain::endpoint::{Endpoint, EndpointForm};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::api::endpoints::{UpdateEndpoint, load_endpoint_form};
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::endpoint_fields::{AdvancedFields, EventsField, UrlField, typed_or};
use crate::components::field::Field;
use crate::components::heading::Heading;
use crate::components::rail::Part;
use crate::flash::Flash;
use crate::html::IntoHtml;
use crate::links;
use crate::pages::account_page;

/// `/a/:acct/endpoints/:ep/edit`
#[component]
pub fn EditEndpointPage() -> impl IntoView {
    account_page(Part::Endpoints, async |place, frame| {
        frame.need(Permission::WriteEndpoints)?;
        let (endpoint, stored) = load_endpoint_form(place.acct.clone(), place.param("ep")).await?;
        let flash = frame.visit.flash;
        let typed = typed_or(&flash, stored.clone());
        let changed = changed_meanwhile(&flash, &endpoint).then(|| differences(&stored, &typed));
        Ok(view! {
            <Heading title=format!("Edit {}", endpoint.name)/>
            {changed.map(|both| view! { <Both differences=both/> })}
            <EditForm acct=place.acct endpoint=endpoint form=typed/>
        }
        .into_html())
    })
}

fn changed_meanwhile(flash: &Flash, endpoint: &Endpoint) -> bool {
    let began = flash.value("version").and_then(|version| version.parse::<u32>().ok());
    flash.refused() && began.is_some_and(|began| began != endpoint.version)
}

/// Label, what is stored now, what was typed.
type Difference = (&'static str, String, String);

fn differences(stored: &EndpointForm, typed: &EndpointForm) -> Vec<Difference> {
    let late = |form: &EndpointForm| if form.deliver_late { "yes" } else { "no" }.to_owned();
    let all = [
        ("URL", stored.url.clone(), typed.url.clone()),
        ("Events", stored.events.join(", "), typed.events.join(", ")),
        ("Name", stored.name.clone(), typed.name.clone()),
        ("Custom headers", stored.headers.clone(), typed.headers.clone()),
        ("Time limit", stored.timeout_s.clone(), typed.timeout_s.clone()),
        ("Rate", stored.rate_per_s.clone(), typed.rate_per_s.clone()),
        ("Deliver calls late", late(stored), late(typed)),
    ];
    all.into_iter().filter(|(_, stored, typed)| stored != typed).collect()
}

/// What is stored now beside what was typed. The form below holds what was typed, and saves it if sent again.
#[component]
fn Both(differences: Vec<Difference>) -> impl IntoView {
    let rows = differences.into_iter().map(|(label, stored, typed)| {
        view! {
            <tr class="border-t border-line align-top">
                <th class="py-1.5 pr-4 text-left font-semibold" scope="row">{label}</th>
                <td class="py-1.5 pr-4 wrap-anywhere whitespace-pre-line">{stored}</td>
                <td class="py-1.5 wrap-anywhere whitespace-pre-line">{typed}</td>
            </tr>
        }
    });
    view! {
        <section class="grid max-w-column gap-2" aria-labelledby="both">
            <h2 class="text-large font-bold" id="both">"Somebody changed it meanwhile"</h2>
            <p class="text-ink-2">"The form holds what you typed. Saving it again puts it in place of what is stored now."</p>
            <table class="text-table">
                <thead><tr class="text-left"><th class="py-1.5 pr-4" scope="col">"Field"</th><th class="py-1.5 pr-4" scope="col">"Stored now"</th><th class="py-1.5" scope="col">"Typed by you"</th></tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </section>
    }
}

#[component]
fn EditForm(acct: String, endpoint: Endpoint, form: EndpointForm) -> impl IntoView {
    let back = links::endpoint(&acct, endpoint.id.as_str(), "");
    view! {
        <form class="grid max-w-column gap-6" method="post" action=UpdateEndpoint::PATH>
            <input type="hidden" name="acct" value=acct/>
            <input type="hidden" name="ep" value=endpoint.id.to_string()/>
            <input type="hidden" name="version" value=endpoint.version/>
            <UrlField value=form.url.clone()/>
            <EventsField ticked=form.events.clone()/>
            <Field name="name" label="Name" value=form.name.clone() hint="For your eyes only. Without one we use the host."/>
            <AdvancedFields form=form/>
            <div class="flex flex-wrap gap-3">
                <Button weight=Weight::Primary name="then" value="save">"Save"</Button>
                <Button name="then" value="test">"Save and send test"</Button>
                <LinkButton href=back>"Keep it as it is"</LinkButton>
            </div>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_compared() {
        let stored = EndpointForm { url: "https://a.example/".into(), name: "A".into(), ..EndpointForm::default() };
        let typed = EndpointForm { name: "B".into(), ..stored.clone() };
        assert_eq!(differences(&stored, &typed), [("Name", "A".to_owned(), "B".to_owned())]);
    }
}
