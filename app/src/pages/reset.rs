//! Setting a new password with a reset link.

use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::{email_link::behind_link, public_page};
use crate::api::security::{ResetPassword, load_reset};
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::field::Field;
use crate::components::heading::Heading;
use crate::html::IntoHtml;
use crate::links;

/// Shown for an invalid link.
const INVALID_LINK: &str = "This reset link is invalid. Make sure that you copied the whole link from the email.";

/// `/reset/:link`
#[component]
pub fn ResetPage() -> impl IntoView {
    public_page(async |place, _| {
        let link = place.param("link");
        let loaded = load_reset(link.clone()).await;
        behind_link(loaded, INVALID_LINK, |()| form(link).into_html(), |words| ended(words).into_html()).await
    })
}

fn form(link: String) -> impl IntoView {
    view! {
        <Heading title="Choose a new password" lead="You’ll be signed out everywhere, and can sign in with the new password."/>
        <form class="grid gap-4" method="post" action=ResetPassword::PATH>
            <input type="hidden" name="link" value=link/>
            <Field name="password" label="New password" kind="password" autocomplete="new-password" required=true first=true
                hint="At least 12 characters. A few random words are easy to remember."/>
            <div><Button weight=Weight::Primary>"Set password"</Button></div>
        </form>
    }
}

fn ended(words: String) -> impl IntoView {
    view! {
        <Heading title="This link can’t be used" lead=words/>
        <p><LinkButton href=links::FORGOT weight=Weight::Primary>"Request a new link"</LinkButton></p>
    }
}
