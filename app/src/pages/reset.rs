//! Setting a new password by a link.

use domain::Error;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::public_page;
use crate::api::security::{ResetPassword, load_reset};
use crate::api::visit::refuse;
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::field::Field;
use crate::components::heading::Heading;
use crate::error::UiError;
use crate::links;

/// `/reset/:link`
#[component]
pub fn ResetPage() -> impl IntoView {
    public_page(async |place, _| {
        let link = place.param("link");
        let content = match load_reset(link.clone()).await {
            Ok(()) => form(link).into_any(),
            Err(error @ UiError::Domain(Error::Conflict { .. } | Error::NotFound(_))) => {
                let words = over(&error);
                refuse(error).await?;
                ended(words).into_any()
            }
            Err(error) => return Err(error),
        };
        Ok(view! { <div class="mx-auto grid w-full max-w-96 gap-6 pt-4 md:pt-12">{content}</div> }.into_any())
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

fn over(error: &UiError) -> String {
    match error {
        UiError::Domain(Error::NotFound(_)) => {
            "This is no link of ours. Copy it whole from the letter, to its last character.".into()
        }
        other => other.to_string(),
    }
}

fn ended(words: String) -> impl IntoView {
    view! {
        <Heading title="This link does not work" lead=words/>
        <p><LinkButton href=links::FORGOT weight=Weight::Primary>"Ask for a new link"</LinkButton></p>
    }
}
