//! The column of a page that asks for one thing, such as signing in.

use leptos::prelude::*;

use crate::html::Html;

/// A narrow column in the middle.
#[component]
pub fn Narrow(children: Html) -> impl IntoView {
    view! { <div class="mx-auto grid w-full max-w-96 gap-6 pt-4 md:pt-12">{children}</div> }
}
