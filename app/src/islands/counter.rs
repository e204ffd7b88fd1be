//! The smallest island: proves that the browser's half loads and wakes.

use leptos::prelude::*;

/// A button that counts its presses.
#[island]
pub fn Counter(start: i32) -> impl IntoView {
    let (pressed, set_pressed) = signal(start);
    view! {
        <button class="border border-control rounded-s px-3 py-1" on:click=move |_| set_pressed.update(|n| *n += 1)>
            "Pressed " {pressed}
        </button>
    }
}
