//! The search that a support session begins with: most tickets name a phone number.

use leptos::prelude::*;

use crate::components::{
    button::{Button, Weight},
    field::CONTROL,
    render_context::RenderContext,
};

/// Finds deliveries of the account by number, call or id.
#[component]
pub fn SupportSearch(
    /// Whose account.
    view: RenderContext,
) -> impl IntoView {
    view! {
        <form method="get" action=view.path("deliveries") role="search" aria-label="Deliveries of this account" class="grid max-w-column gap-1">
            <label class="font-semibold" for="q">"Phone number, call or delivery"</label>
            <div class="flex flex-wrap gap-2">
                <input id="q" name="q" type="search" autocomplete="off" spellcheck="false" autofocus=true class=format!("{CONTROL} flex-1 basis-52")/>
                <Button weight=Weight::Primary>"Find deliveries"</Button>
            </div>
        </form>
    }
}
