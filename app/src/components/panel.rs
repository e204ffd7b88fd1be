//! A bordered section of a page. Panels do not nest.

use leptos::prelude::*;

use crate::html::Html;

/// A section with its own heading.
#[component]
pub fn Panel(
    /// The heading.
    #[prop(into)]
    title: String,
    /// Id of the heading, for links.
    #[prop(into)]
    id: String,
    /// The content.
    children: Html,
) -> impl IntoView {
    view! {
        <section class="rounded-m border border-line bg-surface p-4 md:p-6" aria-labelledby=id.clone()>
            <h2 class="mb-3 text-large font-bold" id=id.clone()>{title}</h2>
            {children}
        </section>
    }
}
