//! The outcome of the previous form: a line if it succeeded, an error summary if it was rejected.

use leptos::prelude::*;

use crate::flash::Flash;
use crate::html::IntoHtml;

/// The notices of the flash in the context, if there is one.
#[component]
pub fn Notices() -> impl IntoView {
    let flash = use_context::<Flash>().unwrap_or_default();
    let refused = flash.refused();
    view! {
        {flash.ok.clone().map(|words| view! { <FlashLine words=words/> })}
        {refused.then(|| view! { <ErrorSummary flash=flash/> })}
    }
}

/// What was done and what to do next. Stays until the next page.
#[component]
pub fn FlashLine(
    /// The text.
    #[prop(into)]
    words: String,
) -> impl IntoView {
    view! {
        <p role="status" class="max-w-column border-l-4 border-delivered-fill bg-delivered-soft px-4 py-2 text-delivered">
            {words}
        </p>
    }
}

/// Every error with a link to its field. Takes the focus, so that screen readers read it first.
#[component]
fn ErrorSummary(
    /// The rejected form.
    flash: Flash,
) -> impl IntoView {
    let many = (flash.errors.len() > 1).then(|| format!("{} fields need your attention", flash.errors.len()));
    let items = flash.errors.into_iter().map(|error| match error.field.as_str() {
        "" => view! { <li>{error.message}</li> }.into_html(),
        field => view! { <li><a class="text-failed" href=format!("#{field}")>{error.message}</a></li> }.into_html(),
    });
    view! {
        <div role="alert" tabindex="-1" autofocus=true
            class="max-w-column border-l-4 border-failed-fill bg-failed-soft px-4 py-3 text-failed">
            {many.map(|text| view! { <p class="font-bold">{text}</p> })}
            <ul class="grid gap-1">{items.collect_view()}</ul>
        </div>
    }
}
