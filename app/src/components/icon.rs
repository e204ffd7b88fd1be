//! Icons: Lucide outlines (ISC licence), 1.5 px strokes on a 24 px grid. Always next to a label, so hidden from screen readers.

use leptos::prelude::*;

/// The icons in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    /// Overview.
    Activity,
    /// Endpoints.
    Plug,
    /// Deliveries.
    Send,
    /// Calls and events.
    Phone,
    /// Connectors.
    Cable,
    /// The test line.
    Voicemail,
    /// Members.
    Users,
    /// Help.
    Help,
    /// API tokens.
    Key,
    /// The audit log.
    Scroll,
    /// Settings.
    Sliders,
    /// Further items.
    More,
}

impl Icon {
    const fn path(self) -> &'static str {
        match self {
            Self::Activity => "M22 12h-4l-3 9L9 3l-3 9H2",
            Self::Plug => "M12 22v-5M9 8V2M15 8V2M18 8v5a4 4 0 0 1-4 4h-4a4 4 0 0 1-4-4V8Z",
            Self::Send => "M22 2 11 13M22 2l-7 20-4-9-9-4Z",
            Self::Phone => {
                "M22 16.92v3a2 2 0 0 1-2.18 2 19.79 19.79 0 0 1-8.63-3.07 19.5 19.5 0 0 1-6-6 19.79 19.79 0 0 1-3.07-8.67A2 2 0 0 1 4.11 2h3a2 2 0 0 1 2 1.72 12.84 12.84 0 0 0 .7 2.81 2 2 0 0 1-.45 2.11L8.09 9.91a16 16 0 0 0 6 6l1.27-1.27a2 2 0 0 1 2.11-.45 12.84 12.84 0 0 0 2.81.7A2 2 0 0 1 22 16.92z"
            }
            Self::Cable => {
                "M17 21v-2a1 1 0 0 1-1-1v-1a2 2 0 0 1 2-2h2a2 2 0 0 1 2 2v1a1 1 0 0 1-1 1M19 15V6.5a1 1 0 0 0-7 0v11a1 1 0 0 1-7 0V9M21 21v-2M3 5V3M4 10a2 2 0 0 1-2-2V6a1 1 0 0 1 1-1h4a1 1 0 0 1 1 1v2a2 2 0 0 1-2 2ZM7 5V3"
            }
            Self::Voicemail => "M6 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM18 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM6 16h12",
            Self::Key => "M7.5 21a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM21 2l-9.6 9.6M15.5 7.5l3 3L22 7l-3-3",
            Self::Scroll => {
                "M15 12h-5M15 8h-5M19 17V5a2 2 0 0 0-2-2H4M8 21h12a2 2 0 0 0 2-2v-1a1 1 0 0 0-1-1H11a1 1 0 0 0-1 1v1a2 2 0 1 1-4 0V5a2 2 0 1 0-4 0v2a1 1 0 0 0 1 1h3"
            }
            Self::Sliders => "M4 21v-7M4 10V3M12 21v-9M12 8V3M20 21v-5M20 12V3M2 14h4M10 8h4M18 16h4",
            Self::More => {
                "M4 12a1 1 0 1 0 2 0 1 1 0 1 0-2 0M11 12a1 1 0 1 0 2 0 1 1 0 1 0-2 0M18 12a1 1 0 1 0 2 0 1 1 0 1 0-2 0"
            }
            Self::Users => {
                "M16 21v-2a4 4 0 0 0-4-4H6a4 4 0 0 0-4 4v2M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM22 21v-2a4 4 0 0 0-3-3.87M16 3.13a4 4 0 0 1 0 7.75"
            }
            Self::Help => "M12 22a10 10 0 1 0 0-20 10 10 0 0 0 0 20ZM9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3M12 17h.01",
        }
    }
}

/// An icon of 20 px.
#[component]
pub fn Outline(
    /// Which one.
    icon: Icon,
) -> impl IntoView {
    view! {
        <svg class="size-5 shrink-0" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.5"
            stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
            <path d=icon.path()></path>
        </svg>
    }
}

/// The logo: a handset lifted off two short pulses.
#[component]
pub fn Logo() -> impl IntoView {
    view! {
        <svg class="size-6 shrink-0" viewBox="0 0 16 16" fill="currentColor" aria-hidden="true">
            <path d="M1 5.5C3.6 1 12.4 1 15 5.5l-.6 2.7-3.5-.7-.3-2c-1.6-.6-3.6-.6-5.2 0l-.3 2-3.5.7z"></path>
            <path class="fill-delivered" d="M3 10.5h2.5V15H3zM8.5 10.5h4V15h-4z"></path>
        </svg>
    }
}
