//! The choice of a rate at which many events are sent, so that a recovering server is not overloaded.

use domain::recover::{RATE_MAX_PER_S, RATE_PER_S};
use leptos::prelude::*;

use super::field::CONTROL;

/// The rates to choose from, in events per second.
const RATES: [u32; 4] = [10, RATE_PER_S, 200, RATE_MAX_PER_S];

/// The rates, with the default selected.
#[component]
pub fn RateField(
    /// Id of the field: a page may have several.
    id: &'static str,
) -> impl IntoView {
    let rates = RATES.map(|rate| {
        view! { <option value=rate selected=rate == RATE_PER_S>{format!("{rate} per second")}</option> }
    });
    view! {
        <label class="flex items-center gap-2 text-table whitespace-nowrap">
            "Up to"
            <select class=CONTROL id=id name="rate">{rates}</select>
        </label>
    }
}
