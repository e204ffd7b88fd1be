//! Shown when another endpoint has the same URL: open that one, or create another one anyway.

use leptos::prelude::*;

use crate::flash::Flash;
use crate::links;

/// The options, inside the form that was rejected for this reason; nothing otherwise.
#[component]
pub fn Duplicate(
    /// The account ID.
    acct: String,
) -> impl IntoView {
    let flash = use_context::<Flash>().unwrap_or_default();
    let other = flash.value("existing").filter(|_| flash.refused())?;
    Some(view! {
        <div class="mt-2 flex flex-wrap items-center gap-x-5 gap-y-1">
            <a class="inline-flex min-h-7 items-center" href=links::endpoint(&acct, other, "")>"View existing endpoint"</a>
            // A checkbox, because Enter would press a button that precedes the form's own.
            <label class="inline-flex min-h-7 items-center gap-2">
                <input type="checkbox" class="size-5 accent-ink" name="duplicate" value="allow"/>
                "Create anyway"
            </label>
        </div>
    })
}
