//! Copy: one listener for all copy buttons of the page, also for those that a live update brings.

use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, Event};

/// How long a button says that it has copied.
const SAID_FOR: Duration = Duration::from_secs(2);

/// Copies what stands in `data-copy` of the button that is pressed. Shows nothing itself.
#[island]
pub fn Copy() -> impl IntoView {
    Effect::new(|_| {
        let on_click = Closure::<dyn FnMut(Event)>::new(|event: Event| {
            let pressed = event.target().and_then(|target| target.dyn_into::<Element>().ok());
            if let Some(button) = pressed.and_then(|element| element.closest("[data-copy]").ok().flatten()) {
                copy(&button);
            }
        });
        let _ = document().add_event_listener_with_callback("click", on_click.as_ref().unchecked_ref());
        // It listens as long as the page lives.
        on_click.forget();
    });
}

fn copy(button: &Element) {
    let Some(text) = button.get_attribute("data-copy") else { return };
    // Browsers hand out the clipboard on secure addresses only.
    if window().is_secure_context() {
        let _ = window().navigator().clipboard().write_text(&text);
        say(button, "Copied");
    } else {
        say(button, "Needs https");
    }
}

/// Says something on the button for a while.
fn say(button: &Element, words: &str) {
    let Some(label) = button.first_element_child() else { return };
    let before = label.get_attribute("data-word").or_else(|| label.text_content()).unwrap_or_default();
    let _ = label.set_attribute("data-word", &before);
    label.set_text_content(Some(words));
    set_timeout(move || label.set_text_content(Some(&before)), SAID_FOR);
}
