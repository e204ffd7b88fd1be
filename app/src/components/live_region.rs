//! The part of a page that live updates replace, and the refresh link for browsers without script.

use leptos::prelude::*;

use super::render_context::RenderContext;
use crate::html::{Html, IntoHtml};

/// Reloads the page in browsers without script. An empty `href` is the page itself.
#[component]
pub fn Refresh() -> impl IntoView {
    view! {
        <noscript>
            <a class="inline-flex min-h-9 items-center px-3 text-table" href="">"Refresh"</a>
        </noscript>
    }
}

/// The region that the `Live` island updates. At most one per page.
#[component]
pub fn LiveRegion(
    /// The reader's clock, for the time of the last update.
    view: RenderContext,
    /// Changes whenever the content changes for a reason other than the passing of time.
    #[prop(into)]
    version: String,
    /// Whether the content is final.
    #[prop(optional)]
    ended: bool,
    /// The content.
    children: Html,
) -> impl IntoView {
    let clock = view.zone.clock(view.now);
    view! {
        <div id="live" class="grid gap-3" data-v=version data-now=clock data-ended=ended.then_some("")>{children}</div>
    }
    .into_html()
}
