//! Setting a new password by a link.

use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::{letter::behind_link, public_page};
use crate::api::security::{ResetPassword, load_reset};
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::field::Field;
use crate::components::heading::Heading;
use crate::html::IntoHtml;
use crate::links;

/// What stands there for a link that is none.
const NO_LINK: &str = "This is no link of ours. Copy it whole from the letter, to its last character.";

/// `/reset/:link`
#[component]
pub fn ResetPage() -> impl IntoView {
    public_page(async |place, _| {
        let link = place.param("link");
        let loaded = load_reset(link.clone()).await;
        behind_link(loaded, NO_LINK, |()| form(link).into_html(), |words| ended(words).into_html()).await
    })
}

fn form(link: String) -> impl IntoView {
    view! {
        <Heading title="Choose a new password" lead="You are signed out everywhere then, and sign in with the new one."/>
        <form class="grid gap-4" method="post" action=ResetPassword::PATH>
            <input type="hidden" name="link" value=link/>
            <Field name="password" label="New password" kind="password" autocomplete="new-password" required=true first=true
                hint="At least 12 characters. A few words in a row are easy to remember."/>
            <div><Button weight=Weight::Primary>"Set password"</Button></div>
        </form>
    }
}

fn ended(words: String) -> impl IntoView {
    view! {
        <Heading title="This link does not work" lead=words/>
        <p><LinkButton href=links::FORGOT weight=Weight::Primary>"Ask for a new link"</LinkButton></p>
    }
}
