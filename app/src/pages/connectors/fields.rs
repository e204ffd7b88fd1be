//! The fields of a connector's form.

use domain::connector::{AMI_ADDRESS_FIELD, Way};
use leptos::prelude::*;

use crate::{
    components::field::{CONTROL, Checkbox, Field, FieldErrorText, FieldState},
    flash::Flash,
    zone::Zone,
};

/// Its name.
#[component]
pub(super) fn NameField(value: String, #[prop(optional)] first: bool) -> impl IntoView {
    view! {
        <Field name="name" label="Name" value=value required=true first=first
            hint="A name to recognise the phone system by, such as pbx-leeds."/>
    }
}

/// How it is connected, if there is a choice.
#[component]
pub(super) fn WayField(ways: Vec<Way>) -> impl IntoView {
    let flash = use_context::<Flash>().unwrap_or_default();
    let chosen = flash.value("way").and_then(Way::parse).or_else(|| ways.first().copied());
    let has_ami = ways.contains(&Way::Ami);
    let several = ways.len() > 1;
    let error = FieldState::of("way", false).error;
    let choices = ways.into_iter().enumerate().map(|(at, way)| {
        let id = if at == 0 { "way".to_owned() } else { format!("way-{}", way.as_str()) };
        let described_by = format!("way-{}-description", way.as_str());
        let recommended = (at == 0).then_some(" (recommended)");
        view! {
            <div class="grid grid-cols-[auto_1fr] items-baseline gap-x-3">
                <input class="size-5 translate-y-1 accent-ink" type="radio" id=id.clone() name="form[way]" value=way.as_str()
                    checked=Some(way) == chosen aria-describedby=described_by.clone()/>
                <label class="font-semibold" for=id>{way.label()}{recommended}</label>
                <span class="col-start-2 text-table text-ink-2" id=described_by>{meaning(way)}</span>
            </div>
        }
    });
    several.then(|| {
        view! {
            <fieldset class="grid gap-2">
                <legend class="mb-1 font-semibold">"How it is connected"</legend>
                <FieldErrorText name="way" error=error/>
                {choices.collect_view()}
            </fieldset>
            {has_ami.then(|| view! {
                <Field name=AMI_ADDRESS_FIELD label="AMI address" value="127.0.0.1:5038"
                    hint="Only for AMI on this server’s machine."/>
            })}
        }
    })
}

const fn meaning(way: Way) -> &'static str {
    match way {
        Way::Beside => {
            "You run the offhook program on the phone system’s machine. It keeps events on disk while the network is down."
        }
        Way::Ari => {
            "Asterisk 22.5 or newer (also 20.15 and 21.10) opens a WebSocket to this server. Nothing to install."
        }
        Way::Ami => {
            "Asterisk runs on this server’s machine. Calls that end while the connection is lost are reported as incomplete."
        }
        Way::Http => "The phone system posts requests to a secret address.",
        Way::Files => "You upload files of past calls. Nothing is reported while a call is in progress.",
    }
}

/// A time zone to choose.
#[component]
pub(super) fn ZoneField(value: String) -> impl IntoView {
    let name = "time_zone";
    let flash = use_context::<Flash>().unwrap_or_default();
    let typed = flash.refused().then(|| flash.value(name).unwrap_or_default().to_owned());
    let chosen = typed.unwrap_or(value);
    let state = FieldState::of(name, true);
    let options = Zone::names().into_iter().map(|zone| {
        let selected = zone == chosen;
        view! { <option value=zone.clone() selected=selected>{zone.clone()}</option> }
    });
    view! {
        <div class="grid gap-1">
            <label class="font-semibold" for=name>"Time zone"</label>
            <p class="text-table text-ink-2" id="time_zone-hint">"For times in call records and requests that don’t state a zone."</p>
            <FieldErrorText name=name error=state.error.clone()/>
            <select class=CONTROL id=name name=format!("form[{name}]") aria-invalid=state.invalid() aria-describedby=state.described_by>
                <option value="" selected=chosen.is_empty()>"Not set"</option>
                {options.collect_view()}
            </select>
        </div>
    }
}

/// Where its numbers are dialled, and which calls are reported.
#[component]
pub(super) fn PlaceFields(
    country: String,
    /// Whether internal calls are reported; `None` where the field is not offered.
    internal: Option<bool>,
) -> impl IntoView {
    view! {
        <Field name="country" label="Country" value=country
            hint="Code of the country where the phone system is, such as GB. It completes numbers dialled without a country code."/>
        {internal.map(|checked| view! {
            <Checkbox name="include_internal" label="Report internal calls" checked=checked
                hint="Calls between extensions then give a CallProcessed event. Most applications don’t need them."/>
        })}
    }
}
