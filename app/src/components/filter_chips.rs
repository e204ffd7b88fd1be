//! The active filters, each with a link that removes it.

use leptos::prelude::*;

use crate::html::IntoHtml;

/// An active filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chip {
    /// Its label: `Failed`, `Last 24 hours`.
    pub label: String,
    /// The same list without it.
    pub href: String,
}

/// The active filters. Nothing if there are none.
#[component]
pub fn FilterChips(
    /// The filters.
    chips: Vec<Chip>,
    /// The unfiltered list.
    #[prop(into)]
    clear: String,
) -> impl IntoView {
    let clears = (chips.len() > 1).then(|| {
        view! {
            <li><a class="inline-flex items-center min-h-7 px-1 text-table" href=clear>"Clear filters"</a></li>
        }
    });
    (!chips.is_empty()).then(|| {
        view! {
            <ul aria-label="Active filters" class="flex flex-wrap items-center gap-2 py-1">
                {chips.into_iter().map(chip).collect_view()}
                {clears}
            </ul>
        }
    })
}

fn chip(chip: Chip) -> impl IntoView {
    view! {
        <li>
            <a
                class="inline-flex items-center gap-1.5 min-h-7 px-2 rounded-s bg-sunk border border-line text-table no-underline hover:border-control"
                href=chip.href
            >
                <span class="sr-only">"Remove filter: "</span>
                {chip.label}
                <svg class="size-3" viewBox="0 0 12 12" aria-hidden="true" focusable="false">
                    <path class="stroke-current" stroke-width="1.5" d="M2.5 2.5l7 7m0-7l-7 7"></path>
                </svg>
            </a>
        </li>
    }
    .into_html()
}
