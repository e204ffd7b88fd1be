//! What to recover: a GET form, so that a plan is an address that can be sent to a colleague.

use domain::{
    event::EventKind,
    recover::{RATE_MAX_PER_S, RecoverForm, Which},
    time::parse_utc,
};
use leptos::prelude::*;

use crate::html::IntoHtml;
use crate::{
    components::{
        button::Button,
        field::{CONTROL, Complaint, Said},
        filter_field::ZoneName,
    },
    zone::Zone,
};

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
    let said = Said::about("rate_per_s", true);
    view! {
        <form method="get" action=base class="grid max-w-column gap-5" aria-label="What to recover">
            <div class="grid gap-4 sm:grid-cols-2">
                <Moment name="from" label="From" hint="When the event was accepted." value=form.from.clone()/>
                <Moment name="to" label="To" hint="Empty means now." value=form.to.clone()/>
            </div>
            <Kinds ticked=form.events.clone()/>
            <Kinship chosen=form.which.clone()/>
            <div class="grid gap-1">
                <label class="font-semibold" for="rate_per_s">"Events per second"</label>
                <p class="text-table text-ink-2" id="rate_per_s-hint">{rate}</p>
                <Complaint name="rate_per_s" complaint=said.complaint.clone()/>
                <input class=format!("{CONTROL} sm:max-w-60") type="text" id="rate_per_s" name="rate_per_s" inputmode="numeric" autocomplete="off"
                    value=form.rate_per_s aria-invalid=said.invalid() aria-describedby=said.described_by/>
            </div>
            <ZoneName/>
            <div><Button>"Count again"</Button></div>
        </form>
    }
    .into_html()
}

#[component]
fn Moment(name: &'static str, label: &'static str, hint: &'static str, value: String) -> impl IntoView {
    let zone = use_context::<Zone>().unwrap_or_default();
    let value = parse_utc(&value).map(|at| zone.local(at)).unwrap_or(value);
    let label = format!("{label} ({})", zone.name());
    let (said, hint_id) = (Said::about(name, true), format!("{name}-hint"));
    view! {
        <div class="grid min-w-0 grid-cols-1 content-start gap-1">
            <label class="font-semibold" for=name>{label}</label>
            <p class="text-table text-ink-2" id=hint_id.clone()>{hint}</p>
            <Complaint name=name complaint=said.complaint.clone()/>
            <input class=format!("{CONTROL} min-w-0") type="datetime-local" step="1" id=name name=name value=value
                aria-invalid=said.invalid() aria-describedby=said.described_by/>
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
            Which::Failed => "Failed, and those that came too late; not those that the end of their call had overtaken",
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
