//! The way around an account: a rail on the left, a bar at the bottom of small screens.

use leptos::prelude::*;

use super::icon::{Icon, Outline};
use crate::links;

/// The parts of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// How things stand.
    Overview,
    /// Endpoints.
    Endpoints,
    /// Deliveries.
    Deliveries,
    /// Calls and events.
    Events,
    /// The account's own receiver.
    TestLine,
    /// Who belongs to the account; reached from the person's menu.
    Members,
}

impl Part {
    /// The parts in the rail, in its order.
    pub const ALL: [Self; 5] = [Self::Overview, Self::Endpoints, Self::Deliveries, Self::Events, Self::TestLine];

    const fn place(self) -> (&'static str, Icon, &'static str) {
        match self {
            Self::Overview => ("Overview", Icon::Activity, ""),
            Self::Endpoints => ("Endpoints", Icon::Plug, "endpoints"),
            Self::Deliveries => ("Deliveries", Icon::Send, "deliveries"),
            Self::Events => ("Calls & events", Icon::Phone, "events"),
            Self::TestLine => ("Test line", Icon::Voicemail, "test-line"),
            Self::Members => ("Members", Icon::Users, "members"),
        }
    }
}

/// Links to all parts; the one that is open is marked.
#[component]
pub fn Rail(
    /// The account's id.
    acct: String,
    /// The part that is open.
    here: Part,
    /// Whether the person may change endpoints: those who only read have no use for a test line.
    changes: bool,
) -> impl IntoView {
    let parts = Part::ALL.into_iter().filter(|part| changes || *part != Part::TestLine);
    let stops = parts.map(|part| view! { <Stop acct=acct.clone() part=part open=part == here/> }).collect_view();
    view! {
        <nav aria-label="Account"
            class="fixed inset-x-0 bottom-0 z-10 border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] md:sticky md:top-14 md:z-0 md:self-start md:border-0 md:bg-transparent md:pt-6">
            <ul class="grid grid-flow-col auto-cols-fr md:auto-cols-auto md:grid-flow-row md:gap-1">
                {stops}
            </ul>
        </nav>
    }
}

#[component]
fn Stop(acct: String, part: Part, open: bool) -> impl IntoView {
    let (label, icon, rest) = part.place();
    view! {
        <li>
            <a href=links::account(&acct, rest) aria-current=open.then_some("page")
                class="flex h-full flex-col items-center justify-center gap-0.5 px-1 py-2 text-center text-meta leading-row text-ink-2 no-underline hover:text-ink hover:underline aria-[current]:font-bold aria-[current]:text-ink max-md:aria-[current]:border-t-2 md:flex-row md:justify-start md:gap-3 md:border-l-4 md:border-transparent md:px-3 md:text-left md:text-body md:aria-[current]:border-ink">
                <Outline icon=icon/>
                {label}
            </a>
        </li>
    }
}
