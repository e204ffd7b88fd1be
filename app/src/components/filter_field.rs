//! Fields of a filter. They are posted by GET under their own name, so that every filter is an address.

use domain::UnixMs;
use leptos::prelude::*;

use super::field::CONTROL;
use crate::zone::Zone;

/// The name above a field or a group of boxes.
pub const LEGEND: &str = "text-table font-semibold";

/// One choice out of several, or any.
#[component]
pub fn Choice(
    /// Name in the address.
    name: &'static str,
    /// What it is, above the field.
    label: &'static str,
    /// What stands for no choice.
    any: &'static str,
    /// Values with what people read.
    options: Vec<(String, String)>,
    /// The value that is chosen.
    chosen: Option<String>,
) -> impl IntoView {
    let options = options.into_iter().map(|(value, words)| {
        let selected = chosen.as_ref() == Some(&value);
        view! { <option value=value selected=selected>{words}</option> }
    });
    view! {
        <div class="grid min-w-0 grid-cols-1 gap-1">
            <label class=LEGEND for=name>{label}</label>
            <select class=CONTROL id=name name=name>
                <option value="">{any}</option>
                {options.collect_view()}
            </select>
        </div>
    }
}

/// A moment to the second, in the zone that the page is written in. Its form has a [`ZoneName`].
#[component]
pub fn Moment(
    /// Name in the address.
    name: &'static str,
    /// What it is, above the field.
    label: &'static str,
    /// The moment that is set.
    at: Option<UnixMs>,
) -> impl IntoView {
    let zone = use_context::<Zone>().unwrap_or_default();
    view! {
        <div class="grid min-w-0 grid-cols-1 gap-1">
            <label class=LEGEND for=name>{format!("{label} ({})", zone.name())}</label>
            <input class=format!("{CONTROL} min-w-0 pointer-fine:text-table") type="datetime-local" step="1" id=name name=name value=at.map(|at| zone.local(at))/>
        </div>
    }
}

/// Says in the address which zone the form's moments are in; see [`crate::zone::in_utc`].
#[component]
pub fn ZoneName() -> impl IntoView {
    let zone = use_context::<Zone>().unwrap_or_default();
    view! { <input type="hidden" name="zone" value=zone.name().to_owned()/> }
}
