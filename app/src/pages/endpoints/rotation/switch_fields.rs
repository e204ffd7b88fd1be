//! The fields of a form that switches to the next auth token.

use leptos::prelude::*;

use crate::components::button::{Button, Weight};
use crate::components::field::{Checkbox, Field};
use crate::components::render_context::RenderContext;

/// The confirmation needed if no test has succeeded with the next token.
#[derive(Debug, Clone)]
pub struct UnverifiedWarning {
    /// Label of the checkbox.
    pub label: &'static str,
    /// The risk.
    pub hint: String,
}

/// The confirmation, the time, and the two buttons.
#[component]
pub fn SwitchFields(
    /// None if all tokens are verified.
    warning: Option<UnverifiedWarning>,
    /// Label of the button that switches now.
    now: &'static str,
    /// Label of the button that schedules the switch.
    later: &'static str,
    /// The reader's clock.
    view: RenderContext,
) -> impl IntoView {
    let weight = if warning.is_none() { Weight::Primary } else { Weight::Secondary };
    let hint = format!("{}. Only needed to schedule the switch.", view.clock());
    view! {
        <input type="hidden" name="form[zone]" value=view.zone.name().to_owned()/>
        {warning.map(|warning| view! { <Checkbox name="anyway" label=warning.label hint=warning.hint checked=false/> })}
        <Field name="switch_at" label="Switch at" kind="datetime-local" hint=hint/>
        <div class="flex flex-wrap gap-3">
            <Button weight=weight name="then" value="now">{now}</Button>
            <Button name="then" value="later">{later}</Button>
        </div>
    }
}
