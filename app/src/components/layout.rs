//! The layouts around pages.

use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::button::Button;
use super::icon::Logo;
use super::render_context::RenderContext;
use super::sidebar::{Part, Sidebar};
use super::support_band::SupportBand;
use super::suspended_band::SuspendedBand;
use super::top_bar::TopBar;
use crate::api::auth;
use crate::html::{Html, IntoHtml};
use crate::links;
use crate::visit::{Frame, Visit};
use islands::{ago::Ago, copy::Copy};

/// The layout of an account's page: top bar, sidebar, content.
#[component]
pub fn AccountLayout(
    /// The user, the account and the request.
    frame: Frame,
    /// The current section.
    here: Part,
    /// The content.
    children: Html,
) -> impl IntoView {
    let now = frame.now().0;
    view! {
        <SkipLink/>
        {match frame.support.clone() {
            Some(session) => view! {
                <div class="sticky top-0 z-20">
                    <SupportBand session=session zone=frame.visit.zone()/>
                    <TopBar frame=frame.clone()/>
                </div>
            }.into_html(),
            None => view! { <TopBar frame=frame.clone()/> }.into_html(),
        }}
        <SuspendedBand account=frame.here.account.clone() contact=frame.contact.clone() view=RenderContext::from(&frame)/>
        <div class="mx-auto grid max-w-page gap-x-8 px-4 md:grid-cols-[11rem_minmax(0,1fr)]">
            <Sidebar frame=frame.clone() here=here/>
            <main id="content" tabindex="-1" class="grid min-w-0 grid-cols-1 content-start gap-6 pt-6 pb-28 md:pb-16">{children}</main>
        </div>
        <Copy/>
        <Ago now=now/>
    }
}

/// The layout of a public page: logo, content.
#[component]
pub fn PublicLayout(
    /// The content.
    children: Html,
) -> impl IntoView {
    view! {
        <SkipLink/>
        <header class="mx-auto flex max-w-page items-center justify-between px-4 py-4">
            <a class="flex items-center gap-2 font-bold no-underline" href="/"><Logo/>"Offhook"</a>
            <a class="px-2 py-1 text-table" href=links::HELP>"Help"</a>
        </header>
        <main id="content" tabindex="-1" class="mx-auto grid max-w-page grid-cols-1 content-start gap-6 px-4 pt-4 pb-16">{children}</main>
    }
}

/// The two areas for the provider's staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaffArea {
    /// Support.
    Support,
    /// Operators.
    Operator,
}

impl StaffArea {
    /// Its name, and its sections with their paths.
    const fn parts(self) -> (&'static str, &'static [(&'static str, &'static str)]) {
        match self {
            Self::Support => ("Support", &[("Find", links::SUPPORT), ("Log", links::SUPPORT_LOG)]),
            Self::Operator => (
                "Operator",
                &[
                    ("Health", links::OPS),
                    ("Accounts", links::OPS_ACCOUNTS),
                    ("Connectors", links::OPS_CONNECTORS),
                    ("Tokens", links::OPS_TOKENS),
                    ("Staff", links::OPS_STAFF),
                    ("Policies", links::OPS_POLICIES),
                    ("Audit", links::OPS_AUDIT),
                ],
            ),
        }
    }
}

/// Whether the page at this path belongs to the section at `href`. The first section has no subpages.
fn is_within(path: &str, href: &str, first: &str) -> bool {
    path == href || (href != first && path.strip_prefix(href).is_some_and(|rest| rest.starts_with('/')))
}

/// The layout of a staff page: sections, the user, content.
#[component]
pub fn StaffLayout(
    /// Which area.
    area: StaffArea,
    /// Email address of the signed-in member of staff.
    agent: String,
    /// The request.
    visit: Visit,
    /// The content.
    children: Html,
) -> impl IntoView {
    let (name, parts) = area.parts();
    let home = parts.first().map_or("/", |(_, href)| href);
    let path = crate::flash::without_query(&visit.path).to_owned();
    let parts = parts.iter().map(move |(label, href)| {
        let open = is_within(&path, href, home);
        view! {
            <li>
                <a href=*href aria-current=open.then_some("page") class="inline-flex min-h-9 items-center px-2 text-table aria-[current]:font-bold">{*label}</a>
            </li>
        }
    });
    view! {
        <SkipLink/>
        <header class="border-b border-line">
            <div class="mx-auto flex max-w-page flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2">
                <a class="flex shrink-0 items-center gap-2 font-bold no-underline" href=home><Logo/>{format!("Offhook {}", name.to_lowercase())}</a>
                // On narrow screens the sections move to a line of their own.
                <nav aria-label=name class="order-last -mx-2 w-full md:order-none md:mx-0 md:w-auto">
                    <ul class="flex flex-wrap gap-x-1">{parts.collect_view()}</ul>
                </nav>
                <div class="flex min-w-0 flex-1 basis-0 items-center justify-end gap-x-3">
                    <a class="inline-flex min-h-9 min-w-0 items-center text-table" href=links::ME><span class="truncate">{agent}</span></a>
                    <form class="shrink-0" method="post" action=auth::SignOut::PATH>
                        <Button>"Sign out"</Button>
                    </form>
                </div>
            </div>
        </header>
        <main id="content" tabindex="-1" class="mx-auto grid max-w-page grid-cols-1 content-start gap-6 px-4 pt-6 pb-16">{children}</main>
    }
}

/// Lets keyboard users skip the navigation.
#[component]
fn SkipLink() -> impl IntoView {
    view! {
        <a class="sr-only z-30 bg-surface px-4 py-2 focus:not-sr-only focus:fixed focus:top-2 focus:left-2" href="#content">
            "Skip to content"
        </a>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_belongs_to_the_section_above_it() {
        assert!(
            is_within("/ops", links::OPS, links::OPS) && is_within("/ops/accounts/new", "/ops/accounts", links::OPS)
        );
        assert!(
            !is_within("/ops/accounts", links::OPS, links::OPS)
                && !is_within("/ops/staff-members", "/ops/staff", links::OPS)
        );
    }
}
