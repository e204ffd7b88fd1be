//! The way around an account: a sidebar on the left; on small screens a bar at the bottom, with what does not fit in it
//! behind "More".

use domain::actor::Permission;
use leptos::prelude::*;

use super::icon::{Icon, Outline};
use crate::links;
use crate::visit::Frame;

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
    /// Who belongs to the account.
    Members,
    /// How programs come in.
    Tokens,
    /// Who did what.
    Audit,
    /// What the account's admins decide.
    Settings,
}

impl Part {
    /// What everybody works with, in the order of the sidebar: the bar of small screens has room for no more.
    pub const FIRST: [Self; 4] = [Self::Overview, Self::Endpoints, Self::Deliveries, Self::Events];
    /// More of the same, for those who change things.
    pub const TOOLS: [Self; 1] = [Self::TestLine];
    /// What stands below the rule: the account itself.
    pub const ACCOUNT: [Self; 4] = [Self::Tokens, Self::Members, Self::Audit, Self::Settings];

    const fn place(self) -> (&'static str, Icon, &'static str) {
        match self {
            Self::Overview => ("Overview", Icon::Activity, ""),
            Self::Endpoints => ("Endpoints", Icon::Plug, "endpoints"),
            Self::Deliveries => ("Deliveries", Icon::Send, "deliveries"),
            Self::Events => ("Calls & events", Icon::Phone, "events"),
            Self::TestLine => ("Test line", Icon::Voicemail, "test-line"),
            Self::Tokens => ("API tokens", Icon::Key, "tokens"),
            Self::Members => ("Members", Icon::Users, "members"),
            Self::Audit => ("Audit", Icon::Scroll, "audit"),
            Self::Settings => ("Settings", Icon::Sliders, "settings"),
        }
    }

    /// Without this a part is of no use to a person, and its link is absent.
    const fn needs(self) -> Permission {
        match self {
            Self::Overview | Self::Endpoints => Permission::ReadEndpoints,
            Self::Deliveries => Permission::ReadDeliveries,
            Self::Events => Permission::ReadEvents,
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
const STOP: &str = "flex h-full w-full flex-col items-center justify-center gap-0.5 px-1 py-2 text-center text-meta leading-row text-ink-2 no-underline hover:text-ink hover:underline aria-[current]:font-bold aria-[current]:text-ink max-md:aria-[current]:border-t-2 md:flex-row md:justify-start md:gap-3 md:border-l-4 md:border-transparent md:px-3 md:text-left md:text-body md:aria-[current]:border-ink";

const ROW: &str = "flex min-h-11 items-center gap-3 px-2 text-ink-2 no-underline hover:bg-sunk hover:text-ink aria-[current]:font-bold aria-[current]:text-ink";

/// Links to all parts; the one that is open is marked.
#[component]
pub fn Sidebar(
    /// Who looks at what.
    frame: Frame,
    /// The part that is open.
    here: Part,
) -> impl IntoView {
    let acct = frame.acct().to_owned();
    let (first, tools, account) = (of(Part::FIRST, &frame), of(Part::TOOLS, &frame), of(Part::ACCOUNT, &frame));
    let rest: Vec<Part> = tools.iter().chain(&account).copied().collect();
    let stop = |class: &'static str| {
        let acct = acct.clone();
        move |part: Part| view! { <Stop acct=acct.clone() part=part open=part == here class=class/> }
    };
    let below = (!account.is_empty()).then(|| {
        let stops = account.into_iter().map(stop("")).collect_view();
        view! { <ul class="hidden gap-1 border-line md:mt-3 md:grid md:border-t md:pt-3">{stops}</ul> }
    });
    let more = (!rest.is_empty()).then(|| view! { <More open=rest.contains(&here)/> });
    let menu = (!rest.is_empty()).then(|| {
        let acct = acct.clone();
        let stop = move |part| view! { <Stop acct=acct.clone() part=part open=part == here class="" look=ROW/> };
        let stops = rest.into_iter().map(stop).collect_view();
        view! { <div class=MENU id="more-parts" popover="auto"><ul class="grid gap-1">{stops}</ul></div> }
    });
    view! {
        <nav aria-label="Account" class=BAR>
            <ul class="grid grid-flow-col auto-cols-fr md:auto-cols-auto md:grid-flow-row md:gap-1">
                {first.into_iter().map(stop("")).collect_view()}
                {tools.into_iter().map(stop("max-md:hidden")).collect_view()}
                {more}
            </ul>
            {below}
            {menu}
        </nav>
    }
}

const MENU: &str = "fixed inset-auto right-2 bottom-20 m-0 w-52 rounded-m border border-line bg-surface p-2 text-ink shadow-menu md:hidden";

/// What opens the parts that the bar has no room for.
#[component]
fn More(open: bool) -> impl IntoView {
    view! {
        <li class="md:hidden">
            <button type="button" popovertarget="more-parts" class=STOP aria-current=open.then_some("true")>
                <Outline icon=Icon::More/>
                "More"
            </button>
        </li>
    }
}

#[component]
fn Stop(
    acct: String,
    part: Part,
    open: bool,
    class: &'static str,
    #[prop(default = STOP)] look: &'static str,
) -> impl IntoView {
    let (label, icon, rest) = part.place();
    view! {
        <li class=class>
            <a href=links::account(&acct, rest) aria-current=open.then_some("page") class=look>
                <Outline icon=icon/>
                {label}
            </a>
        </li>
    }
}
