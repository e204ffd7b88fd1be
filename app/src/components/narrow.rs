//! The narrow column of pages with a single form, such as signing in.

use leptos::prelude::*;

use crate::html::Html;

/// A narrow, centred column.
#[component]
pub fn Narrow(children: Html) -> impl IntoView {
    view! { <div class="mx-auto grid w-full max-w-96 gap-6 pt-4 md:pt-12">{children}</div> }
}
