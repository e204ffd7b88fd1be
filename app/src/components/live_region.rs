//! The part of a page that a live update replaces, and the link that stands in for it without script.

use leptos::prelude::*;

use super::viewpoint::Viewpoint;
use crate::html::{Html, IntoHtml};

/// What stands in for live updates without script. An empty address is the page itself.
#[component]
pub fn Refresh() -> impl IntoView {
    view! {
        <noscript>
            <a class="inline-flex min-h-9 items-center px-3 text-table" href="">"Refresh"</a>
        </noscript>
    }
}

/// What the island `Live` keeps up to date. One on a page.
#[component]
pub fn LiveRegion(
    /// Whose clock says when this was true.
    view: Viewpoint,
    /// Differs whenever the content differs for another reason than the passing of time.
    #[prop(into)]
    version: String,
    /// Whether nothing more will happen by itself.
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
