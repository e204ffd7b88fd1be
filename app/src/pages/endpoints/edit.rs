//! Editing an endpoint. If another user has changed it meanwhile, both versions are shown before one is overwritten.

use domain::actor::Permission;
use domain::endpoint::{Endpoint, EndpointForm};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::api::endpoints::{UpdateEndpoint, load_endpoint_form};
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::endpoint_fields::{AdvancedFields, EventsField, UrlField, typed_or};
use crate::components::field::Field;
use crate::components::heading::Heading;
use crate::components::sidebar::Part;
use crate::flash::Flash;
use crate::html::IntoHtml;
use crate::links;
use crate::pages::account_page;

/// `/a/:acct/endpoints/:ep/edit`
#[component]
pub fn EditEndpointPage() -> impl IntoView {
    account_page(Part::Endpoints, async |route, frame| {
        frame.need(Permission::WriteEndpoints)?;
        let (endpoint, stored) = load_endpoint_form(route.acct.clone(), route.param("ep")).await?;
        let flash = frame.visit.flash;
        let typed = typed_or(&flash, stored.clone());
        let changed = changed_meanwhile(&flash, &endpoint).then(|| differences(&stored, &typed));
        Ok(view! {
            <Heading title=format!("Edit {}", endpoint.name)/>
            {changed.map(|differences| view! { <Conflict differences=differences/> })}
            <EditForm acct=route.acct.clone() endpoint=endpoint form=typed fix=route.query_param("fix")/>
        }
        .into_html())
    })
}

fn changed_meanwhile(flash: &Flash, endpoint: &Endpoint) -> bool {
    let base = flash.value("version").and_then(|version| version.parse::<u32>().ok());
    flash.refused() && base.is_some_and(|base| base != endpoint.version)
}

/// Label, stored value, entered value.
type Difference = (&'static str, String, String);

fn differences(stored: &EndpointForm, typed: &EndpointForm) -> Vec<Difference> {
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let all = [
        ("URL", stored.url.clone(), typed.url.clone()),
        ("Events", stored.events.join(", "), typed.events.join(", ")),
        ("Name", stored.name.clone(), typed.name.clone()),
        ("Custom headers", stored.headers.clone(), typed.headers.clone()),
        ("Timeout", stored.timeout_s.clone(), typed.timeout_s.clone()),
        ("Rate limit", stored.rate_per_s.clone(), typed.rate_per_s.clone()),
        ("Late delivery", yes(stored.deliver_late), yes(typed.deliver_late)),
        ("Details", yes(stored.send_details), yes(typed.send_details)),
    ];
    all.into_iter().filter(|(_, stored, typed)| stored != typed).collect()
}

/// The stored values next to the entered ones. The form below has the entered ones and saves them if resubmitted.
#[component]
fn Conflict(differences: Vec<Difference>) -> impl IntoView {
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
        <section class="grid max-w-column gap-2" aria-labelledby="conflict">
            <h2 class="text-large font-bold" id="conflict">"Another user changed this endpoint"</h2>
            <p class="text-ink-2">"The form below contains your changes. Saving it overwrites the current values."</p>
            <table class="text-table">
                <thead><tr class="text-left"><th class="py-1.5 pr-4" scope="col">"Field"</th><th class="py-1.5 pr-4" scope="col">"Current value"</th><th class="py-1.5" scope="col">"Your change"</th></tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </section>
    }
}

#[component]
fn EditForm(acct: String, endpoint: Endpoint, form: EndpointForm, fix: String) -> impl IntoView {
    let back = links::endpoint(&acct, endpoint.id.as_str(), "");
    // After a fix, a test shows whether it works.
    let buttons = if fix.is_empty() {
        view! {
            <Button weight=Weight::Primary name="then" value="save">"Save"</Button>
            <Button name="then" value="test">"Save and send test"</Button>
        }
        .into_html()
    } else {
        view! {
            <Button weight=Weight::Primary name="then" value="test">"Save and send test"</Button>
            <Button name="then" value="save">"Save"</Button>
        }
        .into_html()
    };
    view! {
        <form class="grid max-w-column gap-6" method="post" action=UpdateEndpoint::PATH>
            <input type="hidden" name="acct" value=acct/>
            <input type="hidden" name="ep" value=endpoint.id.to_string()/>
            <input type="hidden" name="version" value=endpoint.version/>
            <UrlField value=form.url.clone()/>
            <EventsField selected=form.events.clone()/>
            <Field name="name" label="Name" value=form.name.clone() hint="Shown only to your team. Defaults to the host."/>
            <AdvancedFields form=form open=fix == "rate"/>
            <div class="flex flex-wrap gap-3">
                {buttons}
                <LinkButton href=back>"Cancel"</LinkButton>
            </div>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_differences_are_listed() {
        let stored = EndpointForm { url: "https://a.example/".into(), name: "A".into(), ..EndpointForm::default() };
        let typed = EndpointForm { name: "B".into(), ..stored.clone() };
        assert_eq!(differences(&stored, &typed), [("Name", "A".to_owned(), "B".to_owned())]);
    }
}
