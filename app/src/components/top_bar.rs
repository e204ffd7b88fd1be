//! The top bar: account, help, time zone, user menu.

use domain::actor::Permission;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::icon::Logo;
use crate::api::{auth, me};
use crate::html::IntoHtml;
use crate::links;
use crate::visit::{Frame, Theme};

const MENU: &str = "fixed inset-auto top-13 right-2 m-0 w-72 max-w-[calc(100vw-1rem)] rounded-m border border-line bg-surface p-4 text-ink shadow-menu";
const CHIP: &str = "inline-flex min-h-8 items-center gap-1 rounded-s border border-control bg-surface px-2 text-table text-ink pointer-coarse:min-h-11";

/// The top bar of an account's pages.
#[component]
pub fn TopBar(
    /// The user, the account and the request.
    frame: Frame,
) -> impl IntoView {
    let zone = frame.visit.zone();
    let offset = zone.offset(frame.now());
    let clock = if offset == zone.name() { offset } else { format!("{} ({offset})", zone.name()) };
    let home = links::account(frame.acct(), "");
    view! {
        <header class="sticky top-0 z-20 border-b border-line bg-page">
            <div class="mx-auto flex min-h-14 max-w-page flex-wrap items-center gap-x-4 gap-y-1 px-4 py-1">
                <a class="flex items-center gap-2 font-bold no-underline" href=home>
                    <Logo/><span class="max-sm:sr-only">"Offhook"</span>
                </a>
                <AccountName frame=frame.clone()/>
                <div class="ml-auto flex items-center gap-2">
                    <a class="px-2 py-1 text-table max-sm:hidden" href=links::HELP>"Help"</a>
                    <a class=format!("{CHIP} no-underline max-md:hidden") href=links::ME>
                        <span class="sr-only">"Times in "</span>{clock}
                    </a>
                    <UserMenu frame=frame/>
                </div>
            </div>
        </header>
    }
}

/// The account's name; an account switcher for users with several.
#[component]
fn AccountName(frame: Frame) -> impl IntoView {
    let name = frame.here.account.name.clone();
    if frame.memberships.len() < 2 {
        return view! { <span class="min-w-0 truncate text-ink-2">{name}</span> }.into_html();
    }
    let here = frame.acct().to_owned();
    let others = frame.memberships.into_iter().map(|membership| {
        let id = membership.account.id.to_string();
        let open = id == here;
        view! {
            <li><a class="block py-1" href=links::account(&id, "") aria-current=open.then_some("true")>{membership.account.name}</a></li>
        }
    });
    view! {
        <button class=CHIP type="button" popovertarget="accounts"><span class="sr-only">"Account: "</span><span>{name}</span> <span aria-hidden="true">"▾"</span></button>
        <div class=MENU.replace("right-2", "left-2") id="accounts" popover="auto"><ul>{others.collect_view()}</ul></div>
    }
    .into_html()
}

#[component]
fn UserMenu(frame: Frame) -> impl IntoView {
    let (manages, members) = (frame.may(Permission::ManageMembers), links::account(frame.acct(), "members"));
    let operates = frame.operates;
    let shown = if frame.user.name.is_empty() { frame.user.email.clone() } else { frame.user.name.clone() };
    view! {
        <button class=CHIP type="button" popovertarget="user-menu">
            <span class="sr-only">"User menu: "</span><span class="max-w-28 truncate sm:max-w-40">{shown}</span> <span aria-hidden="true">"▾"</span>
        </button>
        <div class=MENU id="user-menu" popover="auto">
            <p class="mb-3 text-table text-ink-2 break-all">{frame.user.email.clone()} " · " {frame.role()}</p>
            <ThemeForm theme=frame.visit.theme back=frame.visit.path.clone()/>
            <p class="my-3"><a href=links::ME>"Time zone and display"</a></p>
            <p class="my-3"><a href=links::SECURITY>"Password and sessions"</a></p>
            {operates.then(|| view! { <p class="my-3"><a href=links::OPS>"Operator pages"</a></p> })}
            {manages.then(|| view! { <p class="my-3"><a href=members>"Members"</a></p> })}
            <p class="my-3 sm:hidden"><a href=links::HELP>"Help"</a></p>
            <form method="post" action=auth::SignOut::PATH>
                <button class=super::button::Weight::Secondary.class() type="submit">"Sign out"</button>
            </form>
        </div>
    }
}

/// Chooses between light, dark and the system theme.
#[component]
pub fn ThemeForm(
    /// The chosen theme.
    theme: Option<Theme>,
    /// The page to return to.
    back: String,
) -> impl IntoView {
    let choices = [("System", "", None), ("Light", "light", Some(Theme::Light)), ("Dark", "dark", Some(Theme::Dark))];
    let buttons = choices.map(|(label, value, choice)| {
        let chosen = choice == theme;
        view! {
            <button type="submit" name="theme" value=value aria-pressed=chosen.to_string()
                class="min-h-8 flex-1 border border-control px-2 text-table first:rounded-l-s last:rounded-r-s not-first:border-l-0 hover:bg-sunk aria-pressed:bg-ink aria-pressed:text-surface">
                {label}
            </button>
        }
    });
    view! {
        <form method="post" action=me::ChooseTheme::PATH>
            <input type="hidden" name="back" value=back/>
            <fieldset>
                <legend class="mb-1 text-table font-semibold">"Theme"</legend>
                <div class="flex">{buttons.collect_view()}</div>
            </fieldset>
        </form>
    }
}
