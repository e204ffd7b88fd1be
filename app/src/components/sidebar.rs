//! The navigation of an account: a sidebar; on small screens a bar at the bottom, with the remaining items under "More".

use domain::actor::Permission;
use leptos::prelude::*;

use super::icon::{Icon, Outline};
use crate::links;
use crate::visit::Frame;

/// The sections of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Overview.
    Overview,
    /// Endpoints.
    Endpoints,
    /// Deliveries.
    Deliveries,
    /// Calls and events.
    Events,
    /// Connectors of phone systems.
    Connectors,
    /// The account's test endpoint.
    TestLine,
    /// Members.
    Members,
    /// API tokens.
    Tokens,
    /// The audit log.
    Audit,
    /// Settings.
    Settings,
}

impl Part {
    /// The main sections, in order. The bar on small screens has room for no more.
    pub const FIRST: [Self; 4] = [Self::Overview, Self::Endpoints, Self::Deliveries, Self::Events];
    /// How calls get here, and tools for users who can make changes.
    pub const TOOLS: [Self; 2] = [Self::Connectors, Self::TestLine];
    /// Account management, below the rule.
    pub const ACCOUNT: [Self; 4] = [Self::Tokens, Self::Members, Self::Audit, Self::Settings];

    const fn item(self) -> (&'static str, Icon, &'static str) {
        match self {
            Self::Overview => ("Overview", Icon::Activity, ""),
            Self::Endpoints => ("Endpoints", Icon::Plug, "endpoints"),
            Self::Deliveries => ("Deliveries", Icon::Send, "deliveries"),
            Self::Events => ("Calls & events", Icon::Phone, "calls"),
            Self::Connectors => ("Connectors", Icon::Cable, "connectors"),
            Self::TestLine => ("Test line", Icon::Voicemail, "test-line"),
            Self::Tokens => ("API tokens", Icon::Key, "tokens"),
            Self::Members => ("Members", Icon::Users, "members"),
            Self::Audit => ("Audit", Icon::Scroll, "audit"),
            Self::Settings => ("Settings", Icon::Sliders, "settings"),
        }
    }

    /// The permission without which the link is hidden.
    const fn needs(self) -> Permission {
        match self {
            Self::Overview | Self::Endpoints => Permission::ReadEndpoints,
            Self::Deliveries => Permission::ReadDeliveries,
            Self::Events => Permission::ReadEvents,
            Self::Connectors => Permission::ReadConnectors,
            Self::TestLine => Permission::WriteEndpoints,
            Self::Tokens => Permission::ManageTokens,
            Self::Members => Permission::ManageMembers,
            Self::Audit => Permission::ReadAudit,
            Self::Settings => Permission::ManageAccount,
        }
    }
}

fn of<const N: usize>(parts: [Part; N], frame: &Frame) -> Vec<Part> {
    parts.into_iter().filter(|part| frame.may(part.needs())).collect()
}

const BAR: &str = "fixed inset-x-0 bottom-0 z-10 border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] md:sticky md:top-14 md:z-0 md:self-start md:border-0 md:bg-transparent md:pt-6";
const ITEM: &str = "flex h-full w-full flex-col items-center justify-center gap-0.5 px-1 py-2 text-center text-meta leading-row text-ink-2 no-underline hover:text-ink hover:underline aria-[current]:font-bold aria-[current]:text-ink max-md:aria-[current]:border-t-2 md:flex-row md:justify-start md:gap-3 md:border-l-4 md:border-transparent md:px-3 md:text-left md:text-body md:aria-[current]:border-ink";

const ROW: &str = "flex min-h-11 items-center gap-3 px-2 text-ink-2 no-underline hover:bg-sunk hover:text-ink aria-[current]:font-bold aria-[current]:text-ink";

/// Links to all sections, with the current one marked.
#[component]
pub fn Sidebar(
    /// The user, the account and the request.
    frame: Frame,
    /// The current section.
    here: Part,
) -> impl IntoView {
    let acct = frame.acct().to_owned();
    let (first, tools, account) = (of(Part::FIRST, &frame), of(Part::TOOLS, &frame), of(Part::ACCOUNT, &frame));
    let rest: Vec<Part> = tools.iter().chain(&account).copied().collect();
    let item = |class: &'static str| {
        let acct = acct.clone();
        move |part: Part| view! { <Item acct=acct.clone() part=part open=part == here class=class/> }
    };
    let below = (!account.is_empty()).then(|| {
        let items = account.into_iter().map(item("")).collect_view();
        view! { <ul class="hidden gap-1 border-line md:mt-3 md:grid md:border-t md:pt-3">{items}</ul> }
    });
    let more = (!rest.is_empty()).then(|| view! { <More open=rest.contains(&here)/> });
    let menu = (!rest.is_empty()).then(|| {
        let acct = acct.clone();
        let item = move |part| view! { <Item acct=acct.clone() part=part open=part == here class="" look=ROW/> };
        let items = rest.into_iter().map(item).collect_view();
        view! { <div class=MENU id="more-parts" popover="auto"><ul class="grid gap-1">{items}</ul></div> }
    });
    view! {
        <nav aria-label="Account" class=BAR>
            <ul class="grid grid-flow-col auto-cols-fr md:auto-cols-auto md:grid-flow-row md:gap-1">
                {first.into_iter().map(item("")).collect_view()}
                {tools.into_iter().map(item("max-md:hidden")).collect_view()}
                {more}
            </ul>
            {below}
            {menu}
        </nav>
    }
}

const MENU: &str = "fixed inset-auto right-2 bottom-20 m-0 w-52 rounded-m border border-line bg-surface p-2 text-ink shadow-menu md:hidden";

/// The button that opens the menu of remaining sections.
#[component]
fn More(open: bool) -> impl IntoView {
    view! {
        <li class="md:hidden">
            <button type="button" popovertarget="more-parts" class=ITEM aria-current=open.then_some("true")>
                <Outline icon=Icon::More/>
                "More"
            </button>
        </li>
    }
}

#[component]
fn Item(
    acct: String,
    part: Part,
    open: bool,
    class: &'static str,
    #[prop(default = ITEM)] look: &'static str,
) -> impl IntoView {
    let (label, icon, rest) = part.item();
    view! {
        <li class=class>
            <a href=links::account(&acct, rest) aria-current=open.then_some("page") class=look>
                <Outline icon=icon/>
                {label}
            </a>
        </li>
    }
}
