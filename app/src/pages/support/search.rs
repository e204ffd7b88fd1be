//! The search at the start of a support session, since most tickets mention a phone number.

use leptos::prelude::*;

use crate::components::{
    button::{Button, Weight},
    field::CONTROL,
    render_context::RenderContext,
};

/// Finds deliveries by phone number, call or delivery ID.
#[component]
pub fn SupportSearch(
    /// The account.
    view: RenderContext,
) -> impl IntoView {
    view! {
        <form method="get" action=view.path("deliveries") role="search" aria-label="Deliveries of this account" class="grid max-w-column gap-1">
            <label class="font-semibold" for="q">"Phone number, call ID or delivery ID"</label>
            <div class="flex flex-wrap gap-2">
                <input id="q" name="q" type="search" autocomplete="off" spellcheck="false" autofocus=true class=format!("{CONTROL} flex-1 basis-52")/>
                <Button weight=Weight::Primary>"Search deliveries"</Button>
            </div>
        </form>
    }
}
