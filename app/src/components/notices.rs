//! What became of the form before this page: a line when it was carried out, a summary when it was refused.

use leptos::prelude::*;

use crate::flash::Flash;
use crate::html::IntoHtml;

/// The notices of the flash in the context; nothing without one.
#[component]
pub fn Notices() -> impl IntoView {
    let flash = use_context::<Flash>().unwrap_or_default();
    let refused = flash.refused();
    view! {
        {flash.ok.clone().map(|words| view! { <FlashLine words=words/> })}
        {refused.then(|| view! { <ErrorSummary flash=flash/> })}
    }
}

/// What was done and what comes next. Stays until the next page.
#[component]
pub fn FlashLine(
    /// The words.
    #[prop(into)]
    words: String,
) -> impl IntoView {
    view! {
        <p role="status" class="max-w-column border-l-4 border-delivered-fill bg-delivered-soft px-4 py-2 text-delivered">
            {words}
        </p>
    }
}

/// Every complaint with a link to its field. Takes the focus, so that it is read first.
#[component]
fn ErrorSummary(
    /// The refused form.
    flash: Flash,
) -> impl IntoView {
    let many = (flash.errors.len() > 1).then(|| format!("{} fields need a look", flash.errors.len()));
    let items = flash.errors.into_iter().map(|error| match error.field.as_str() {
        "" => view! { <li>{error.message}</li> }.into_html(),
        field => view! { <li><a class="text-failed" href=format!("#{field}")>{error.message}</a></li> }.into_html(),
    });
    view! {
        <div role="alert" tabindex="-1" autofocus=true
            class="max-w-column border-l-4 border-failed-fill bg-failed-soft px-4 py-3 text-failed">
            {many.map(|words| view! { <p class="font-bold">{words}</p> })}
            <ul class="grid gap-1">{items.collect_view()}</ul>
        </div>
    }
}
