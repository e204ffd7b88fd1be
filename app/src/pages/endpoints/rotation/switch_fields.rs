//! The fields of a form that switches to a next auth token.

use leptos::prelude::*;

use crate::components::button::{Button, Weight};
use crate::components::field::{Field, Tick};
use crate::components::render_context::RenderContext;

/// What is risked where no test has proved the next token.
#[derive(Debug, Clone)]
pub struct Doubt {
    /// What ticking the box means.
    pub tick: &'static str,
    /// What may happen.
    pub words: String,
}

/// Whether to switch without proof, when, and the two buttons.
#[component]
pub fn SwitchFields(
    /// None where all is proved.
    doubt: Option<Doubt>,
    /// On the button that switches at once.
    now: &'static str,
    /// On the button that sets a time.
    later: &'static str,
    /// Whose clock.
    view: RenderContext,
) -> impl IntoView {
    let weight = if doubt.is_none() { Weight::Primary } else { Weight::Secondary };
    let hint = format!("{}. Only for a switch at a set time.", view.clock());
    view! {
        <input type="hidden" name="form[zone]" value=view.zone.name().to_owned()/>
        {doubt.map(|doubt| view! { <Tick name="anyway" label=doubt.tick hint=doubt.words checked=false/> })}
        <Field name="switch_at" label="Time of the switch" kind="datetime-local" hint=hint/>
        <div class="flex flex-wrap gap-3">
            <Button weight=weight name="then" value="now">{now}</Button>
            <Button name="then" value="later">{later}</Button>
        </div>
    }
}
