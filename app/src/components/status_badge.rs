//! The status badge: shape, label and colour of a status. Never colour alone.

use domain::delivery::Status;
use leptos::prelude::*;

/// The icon of a status as an SVG path in a 16-unit square, drawn in the current colour.
fn shape(status: Status) -> &'static str {
    match status {
        Status::Delivered => "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2Z",
        // ring with its left half filled
        Status::Retrying => "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2ZM8 3.6a4.4 4.4 0 0 1 0 8.8Z",
        Status::Failed => "M8 1.8 15 14H1Z",
        Status::Held => "M3.6 2h3v12h-3ZM9.4 2h3v12h-3Z",
        Status::Queued => "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2ZM8 3.6a4.4 4.4 0 1 0 0 8.8 4.4 4.4 0 0 0 0-8.8Z",
        // ring around a dot
        Status::Sending => {
            "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2ZM8 3.6a4.4 4.4 0 1 0 0 8.8 4.4 4.4 0 0 0 0-8.8ZM8 5.8a2.2 2.2 0 1 1 0 4.4 2.2 2.2 0 0 1 0-4.4Z"
        }
        // the failed triangle, hollow
        Status::Expired => "M8 1.8 15 14H1ZM8 5 3.8 12.4h8.4Z",
        Status::Cancelled => "M3.2 2 8 6.8 12.8 2 14 3.2 9.2 8 14 12.8 12.8 14 8 9.2 3.2 14 2 12.8 6.8 8 2 3.2Z",
    }
}

/// The hollow diamond of a test.
const TEST_SHAPE: &str = "M8 1 15 8 8 15 1 8ZM8 3.4 3.4 8 8 12.6 12.6 8Z";

/// The text colour class of a status.
#[must_use]
pub const fn ink(status: Status) -> &'static str {
    match status {
        Status::Delivered => "text-delivered",
        Status::Retrying | Status::Sending => "text-retrying",
        Status::Failed => "text-failed",
        Status::Held | Status::Queued | Status::Cancelled => "text-held",
        Status::Expired => "text-ink-2",
    }
}

/// The soft background class of a status.
#[must_use]
pub const fn soft(status: Status) -> &'static str {
    match status {
        Status::Delivered => "bg-delivered-soft",
        Status::Retrying | Status::Sending => "bg-retrying-soft",
        Status::Failed => "bg-failed-soft",
        Status::Held | Status::Queued | Status::Cancelled | Status::Expired => "bg-held-soft",
    }
}

/// The icon of a status as a character, for plain text such as a tab title.
#[must_use]
pub const fn glyph(status: Status) -> &'static str {
    match status {
        Status::Delivered => "●",
        Status::Sending => "◉",
        Status::Retrying => "◐",
        Status::Failed => "▲",
        Status::Held => "‖",
        Status::Queued => "○",
        Status::Expired => "△",
        Status::Cancelled => "×",
    }
}

/// Only the icon, for use next to a label.
#[component]
pub fn StatusIcon(
    /// The status.
    status: Status,
    /// Size and colour classes.
    #[prop(default = "size-3.5")]
    class: &'static str,
) -> impl IntoView {
    view! {
        <svg class=class viewBox="0 0 16 16" aria-hidden="true" focusable="false">
            <path fill="currentColor" fill-rule="evenodd" d=shape(status)></path>
        </svg>
    }
}

/// A status with its icon and label, and the test mark if it was a test.
#[component]
pub fn StatusBadge(
    /// The status.
    status: Status,
    /// Whether it was sent as a test.
    #[prop(optional)]
    test: bool,
) -> impl IntoView {
    view! {
        <span class="inline-flex items-center gap-2 whitespace-nowrap text-table leading-row">
            <span class=format!("inline-flex items-center gap-1.5 font-semibold {}", ink(status))>
                <StatusIcon status=status/>
                {status.label()}
            </span>
            {test.then(|| view! { <TestMark/> })}
        </span>
    }
}

/// Marks a test.
#[component]
pub fn TestMark() -> impl IntoView {
    view! {
        <span class="inline-flex items-center gap-1 text-meta text-test">
            <svg class="size-3" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
                <path fill="currentColor" fill-rule="evenodd" d=TEST_SHAPE></path>
            </svg>
            "Test"
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_unique_icon() {
        for status in Status::ALL {
            let same = |other: &&Status| shape(**other) == shape(status) || glyph(**other) == glyph(status);
            assert_eq!(Status::ALL.iter().filter(same).count(), 1, "{status:?}");
        }
    }
}
