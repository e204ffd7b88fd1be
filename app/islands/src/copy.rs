//! One listener for all copy buttons of the page, including those that live updates add.

use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, Event};

/// How long a button shows "Copied".
const FEEDBACK_FOR: Duration = Duration::from_secs(2);

/// Copies the `data-copy` of the button that is clicked. Renders nothing.
#[island]
pub fn Copy() -> impl IntoView {
    Effect::new(|_| {
        let on_click = Closure::<dyn FnMut(Event)>::new(|event: Event| {
            let clicked = event.target().and_then(|target| target.dyn_into::<Element>().ok());
            if let Some(button) = clicked.and_then(|element| element.closest("[data-copy]").ok().flatten()) {
                copy(&button);
            }
        });
        let _ = document().add_event_listener_with_callback("click", on_click.as_ref().unchecked_ref());
        // The listener lives as long as the page.
        on_click.forget();
    });
}

fn copy(button: &Element) {
    let Some(text) = button.get_attribute("data-copy") else { return };
    // Browsers only allow clipboard access in secure contexts.
    if window().is_secure_context() {
        let _ = window().navigator().clipboard().write_text(&text);
        show(button, "Copied");
    } else {
        show(button, "Needs HTTPS");
    }
}

/// Shows a text on the button for a while.
fn show(button: &Element, text: &str) {
    let Some(label) = button.first_element_child() else { return };
    let before = label.get_attribute("data-word").or_else(|| label.text_content()).unwrap_or_default();
    let _ = label.set_attribute("data-word", &before);
    label.set_text_content(Some(text));
    set_timeout(move || label.set_text_content(Some(&before)), FEEDBACK_FOR);
}
