//! A URL that another endpoint already has: open that one, or create a second all the same.

use leptos::prelude::*;

use crate::flash::Flash;
use crate::links;

/// The offer, inside the form that was refused for it; nothing at other times.
#[component]
pub fn Duplicate(
    /// The account's id.
    acct: String,
) -> impl IntoView {
    let flash = use_context::<Flash>().unwrap_or_default();
    let other = flash.value("existing").filter(|_| flash.refused())?;
    Some(view! {
        <div class="mt-2 flex flex-wrap items-center gap-x-5 gap-y-1">
            <a class="inline-flex min-h-7 items-center" href=links::endpoint(&acct, other, "")>"Open the other endpoint"</a>
            // A box and no button: a button above the form's own would be the one that Enter presses.
            <label class="inline-flex min-h-7 items-center gap-2">
                <input type="checkbox" class="size-5 accent-ink" name="duplicate" value="allow"/>
                "Create it all the same"
            </label>
        </div>
    })
}
