//! What to recover: a GET form, so that a plan is an address that can be sent to a colleague.

use domain::{
    event::EventKind,
    recover::{RATE_MAX_PER_S, RecoverForm, Which},
    time::parse_utc,
};
use leptos::prelude::*;

use super::local;
use crate::components::{button::Button, field::CONTROL};

const LEGEND: &str = "mb-1 font-semibold";
const CHOICE: &str = "inline-flex items-center gap-2 min-h-7";

/// The form of a plan.
#[component]
pub fn PlanForm(
    /// What stands in it.
    form: RecoverForm,
    /// The page's path.
    base: String,
) -> impl IntoView {
    let rate = format!("At most {RATE_MAX_PER_S}. A server that has just come back may want less.");
    view! {
        <form method="get" action=base class="grid max-w-column gap-5" aria-label="What to recover">
            <div class="grid gap-4 sm:grid-cols-2">
                <Moment name="from" label="From (UTC)" hint="When the event was accepted." value=form.from.clone()/>
                <Moment name="to" label="To (UTC)" hint="Empty means now." value=form.to.clone()/>
            </div>
            <Kinds ticked=form.events.clone()/>
            <Kinship chosen=form.which.clone()/>
            <div class="grid gap-1 sm:max-w-60">
                <label class="font-semibold" for="rate_per_s">"Events per second"</label>
                <input class=CONTROL type="text" id="rate_per_s" name="rate_per_s" inputmode="numeric" autocomplete="off"
                    value=form.rate_per_s aria-describedby="rate-hint"/>
                <p class="text-table text-ink-2" id="rate-hint">{rate}</p>
            </div>
            <div><Button>"Count again"</Button></div>
        </form>
    }
    .into_any()
}

#[component]
fn Moment(name: &'static str, label: &'static str, hint: &'static str, value: String) -> impl IntoView {
    let value = parse_utc(&value).map(local).unwrap_or(value);
    let hint_id = format!("{name}-hint");
    view! {
        <div class="grid gap-1">
            <label class="font-semibold" for=name>{label}</label>
            <input class=CONTROL type="datetime-local" step="1" id=name name=name value=value aria-describedby=hint_id.clone()/>
            <p class="text-table text-ink-2" id=hint_id>{hint}</p>
        </div>
    }
}

#[component]
fn Kinds(ticked: Vec<String>) -> impl IntoView {
    let boxes = EventKind::ALL.map(|kind| {
        let checked = ticked.iter().any(|name| name == kind.as_str());
        view! {
            <label class=CHOICE>
                <input type="checkbox" class="size-5 accent-ink" name="event" value=kind.as_str() checked=checked/>
                <span class="font-mono text-table">{kind.as_str()}</span>
            </label>
        }
    });
    view! {
        <fieldset>
            <legend class=LEGEND>"Events"</legend>
            <div class="flex flex-wrap gap-x-6 gap-y-1">{boxes.collect_view()}</div>
        </fieldset>
    }
}

#[component]
fn Kinship(chosen: String) -> impl IntoView {
    let choices = Which::ALL.map(|which| {
        let words = match which {
            Which::Failed => "Failed only, and those that came too late",
            Which::AlsoNeverSent => "Also never sent: the endpoint did not exist yet, or did not listen",
        };
        let checked = chosen == which.as_str();
        view! {
            <label class=CHOICE>
                <input type="radio" class="size-5 accent-ink" name="which" value=which.as_str() checked=checked/>
                <span>{words}</span>
            </label>
        }
    });
    view! {
        <fieldset>
            <legend class=LEGEND>"Which"</legend>
            <div class="grid gap-1">{choices.collect_view()}</div>
        </fieldset>
    }
}
