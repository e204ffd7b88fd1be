//! What to recover: a GET form, so that a plan has a URL to share.

use domain::{
    event::EventKind,
    recover::{RATE_MAX_PER_S, RecoverForm, RecoveryScope},
    time::parse_utc,
};
use leptos::prelude::*;

use crate::html::IntoHtml;
use crate::{
    components::{
        button::Button,
        field::{CONTROL, FieldErrorText, FieldState},
        filter_field::ZoneName,
    },
    zone::Zone,
};

const LEGEND: &str = "mb-1 font-semibold";
const CHOICE: &str = "inline-flex items-center gap-2 min-h-7";

/// The form of a recovery plan.
#[component]
pub fn PlanForm(
    /// Its values.
    form: RecoverForm,
    /// The rings in this time, in words: `97 rings up to 12 hours old`; empty if there are none.
    rings: String,
    /// Path of the page.
    base: String,
) -> impl IntoView {
    let rate = format!("Up to {RATE_MAX_PER_S}. Choose a lower rate if your server has only just recovered.");
    let state = FieldState::of("rate_per_s", true);
    view! {
        <form method="get" action=base class="grid max-w-column gap-5" aria-label="What to recover">
            <div class="grid gap-4 sm:grid-cols-2">
                <Moment name="from" label="From" hint="Time the event was accepted." value=form.from.clone()/>
                <Moment name="to" label="To" hint="Defaults to now." value=form.to.clone()/>
            </div>
            <Kinds selected=form.events.clone() rings=rings/>
            <Scope chosen=form.which.clone()/>
            <div class="grid gap-1">
                <label class="font-semibold" for="rate_per_s">"Events per second"</label>
                <p class="text-table text-ink-2" id="rate_per_s-hint">{rate}</p>
                <FieldErrorText name="rate_per_s" error=state.error.clone()/>
                <input class=format!("{CONTROL} sm:max-w-60") type="text" id="rate_per_s" name="rate_per_s" inputmode="numeric" autocomplete="off"
                    value=form.rate_per_s aria-invalid=state.invalid() aria-describedby=state.described_by/>
            </div>
            <ZoneName/>
            <div><Button>"Update count"</Button></div>
        </form>
    }
    .into_html()
}

#[component]
fn Moment(name: &'static str, label: &'static str, hint: &'static str, value: String) -> impl IntoView {
    let zone = use_context::<Zone>().unwrap_or_default();
    let value = parse_utc(&value).map(|at| zone.local(at)).unwrap_or(value);
    let label = format!("{label} ({})", zone.name());
    let (state, hint_id) = (FieldState::of(name, true), format!("{name}-hint"));
    view! {
        <div class="grid min-w-0 grid-cols-1 content-start gap-1">
            <label class="font-semibold" for=name>{label}</label>
            <p class="text-table text-ink-2" id=hint_id.clone()>{hint}</p>
            <FieldErrorText name=name error=state.error.clone()/>
            <input class=format!("{CONTROL} min-w-0") type="datetime-local" step="1" id=name name=name value=value
                aria-invalid=state.invalid() aria-describedby=state.described_by/>
        </div>
    }
}

#[component]
fn Kinds(selected: Vec<String>, rings: String) -> impl IntoView {
    let checkbox = |kind: EventKind| {
        let checked = selected.iter().any(|name| name == kind.as_str());
        view! {
            <label class=CHOICE>
                <input type="checkbox" class="size-5 accent-ink" name="event" value=kind.as_str() checked=checked/>
                <span class="font-mono text-table">{kind.as_str()}</span>
            </label>
        }
    };
    let (ringing, others): (Vec<EventKind>, Vec<EventKind>) =
        EventKind::ALL.into_iter().partition(|kind| kind.is_ring());
    let count = if rings.is_empty() { "None were missed in this time.".to_owned() } else { format!("{rings}.") };
    view! {
        <fieldset>
            <legend class=LEGEND>"Events"</legend>
            <div class="flex flex-wrap gap-x-6 gap-y-1">{others.into_iter().map(checkbox).collect_view()}</div>
        </fieldset>
        <fieldset aria-describedby="rings-hint">
            <legend class=LEGEND>"Ringing events"</legend>
            <p class="mb-1 text-table text-ink-2" id="rings-hint">
                {count} " They announce calls that have ended: your software may show them as calls that ring now."
            </p>
            <div class="flex flex-wrap gap-x-6 gap-y-1">{ringing.into_iter().map(checkbox).collect_view()}</div>
        </fieldset>
    }
}

#[component]
fn Scope(chosen: String) -> impl IntoView {
    let choices = RecoveryScope::ALL.map(|which| {
        let label = match which {
            RecoveryScope::Failed => "Failed and expired, except events superseded by the end of their call",
            RecoveryScope::AlsoNeverSent => {
                "Also events never sent, because the endpoint didn't exist yet or wasn't subscribed"
            }
        };
        let checked = chosen == which.as_str();
        view! {
            <label class=CHOICE>
                <input type="radio" class="size-5 accent-ink" name="which" value=which.as_str() checked=checked/>
                <span>{label}</span>
            </label>
        }
    });
    view! {
        <fieldset>
            <legend class=LEGEND>"Include"</legend>
            <div class="grid gap-1">{choices.collect_view()}</div>
        </fieldset>
    }
}
