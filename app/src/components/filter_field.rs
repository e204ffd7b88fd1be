//! Filter fields. They are submitted by GET, so that every filter is part of the URL.

use domain::UnixMs;
use leptos::prelude::*;

use super::field::CONTROL;
use crate::zone::Zone;

/// Classes of the label above a field or a group of checkboxes.
pub const LEGEND: &str = "text-table font-semibold";

/// A select with an option for "any".
#[component]
pub fn Choice(
    /// Query parameter.
    name: &'static str,
    /// Label above the field.
    label: &'static str,
    /// Label of the "any" option.
    any: &'static str,
    /// Values and labels.
    options: Vec<(String, String)>,
    /// The selected value.
    chosen: Option<String>,
) -> impl IntoView {
    let options = options.into_iter().map(|(value, label)| {
        let selected = chosen.as_ref() == Some(&value);
        view! { <option value=value selected=selected>{label}</option> }
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

/// A date and time to the second, in the time zone of the page. The form needs a [`ZoneName`].
#[component]
pub fn Moment(
    /// Query parameter.
    name: &'static str,
    /// Label above the field.
    label: &'static str,
    /// The current value.
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

/// Submits the time zone of the form's dates; see [`crate::zone::in_utc`].
#[component]
pub fn ZoneName() -> impl IntoView {
    let zone = use_context::<Zone>().unwrap_or_default();
    view! { <input type="hidden" name="zone" value=zone.name().to_owned()/> }
}
