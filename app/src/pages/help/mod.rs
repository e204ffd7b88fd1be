//! The guides. Everybody may read them, signed in or not.

use leptos::prelude::*;

use crate::html::IntoHtml;
use crate::links;

mod api;
mod causes;
mod guide;
mod retries;
mod setting_up;
mod verify;

pub use api::ApiPage;
pub use causes::{CausePage, CausesPage};
pub use retries::RetriesPage;
pub use setting_up::SettingUpPage;
pub use verify::VerifyPage;

use guide::{GUIDES, guide_page};

/// `/help`.
#[component]
pub fn HelpPage() -> impl IntoView {
    guide_page("", "Help", "Offhook posts the events of your phone calls to your own software.", || {
        let guide = |(path, title, answers): (&'static str, &'static str, &'static str)| {
            view! {
                <li class="border-t border-line py-3">
                    <a class="text-large font-semibold" href=format!("{}{path}", links::HELP)>{title}</a>
                    <p class="text-ink-2">{answers}</p>
                </li>
            }
        };
        view! { <ul class="mt-6 list-none pl-0">{GUIDES.into_iter().map(guide).collect_view()}</ul> }.into_html()
    })
}
