//! Fields of a filter. They are posted by GET under their own name, so that every filter is an address.

use domain::{UnixMs, time::iso_utc};
use leptos::prelude::*;

use super::field::CONTROL;

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
        <div class="grid gap-1">
            <label class=LEGEND for=name>{label}</label>
            <select class=CONTROL id=name name=name>
                <option value="">{any}</option>
                {options.collect_view()}
            </select>
        </div>
    }
}

/// A moment to the second, in UTC.
#[component]
pub fn Moment(
    /// Name in the address.
    name: &'static str,
    /// What it is, above the field.
    label: &'static str,
    /// The moment that is set.
    at: Option<UnixMs>,
) -> impl IntoView {
    view! {
        <div class="grid gap-1">
            <label class=LEGEND for=name>{label}</label>
            <input class=CONTROL type="datetime-local" step="1" id=name name=name value=at.map(local)/>
        </div>
    }
}

/// A moment as `datetime-local` wants it, to the second, in UTC.
fn local(at: UnixMs) -> String {
    iso_utc(at).chars().take("2026-11-22T13:00:00".len()).collect()
}

#[cfg(test)]
mod tests {
    use domain::time::parse_utc;

    use super::*;

    #[test]
    fn a_moment_comes_back_from_its_field() {
        let at = parse_utc("2026-11-22T13:00:05Z").unwrap_or_default();
        assert_eq!(local(at), "2026-11-22T13:00:05");
        assert_eq!(parse_utc(&local(at)), Some(at));
    }
}
