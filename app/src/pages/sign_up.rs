//! Signing up: creates a user and an account.

use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::public_page;
use crate::api::auth::{self, SignUp};
use crate::components::button::{Button, Weight};
use crate::components::field::Field;
use crate::components::heading::Heading;
use crate::components::narrow::Narrow;
use crate::html::IntoHtml;
use crate::links;

/// Email, password, account and name.
#[component]
pub fn SignUpPage() -> impl IntoView {
    public_page(async |_, _| {
        let content = if auth::sign_up_open().await? { form().into_html() } else { closed().into_html() };
        Ok(view! { <Narrow>{content}</Narrow> }.into_html())
    })
}

fn form() -> impl IntoView {
    view! {
        <Heading title="Create an account" lead="You’ll set up your first endpoint next. It takes about a minute."/>
        <form class="grid gap-4" method="post" action=SignUp::PATH>
            <Field name="email" label="Email" kind="email" autocomplete="email" required=true first=true/>
            <Field name="password" label="Password" kind="password" autocomplete="new-password" required=true
                hint="At least 12 characters. A few random words are easy to remember."/>
            <Field name="account" label="Account name" autocomplete="organization" required=true
                hint="Your company or team."/>
            <Field name="name" label="Your name" autocomplete="name"/>
            <div><Button weight=Weight::Primary>"Create account"</Button></div>
        </form>
        <p>"Already have an account? " <a href=links::SIGN_IN>"Sign in"</a></p>
    }
}

fn closed() -> impl IntoView {
    view! {
        <Heading title="Sign-up is closed" lead="Accounts are by invitation only. Ask your provider for an invitation."/>
        <p><a href=links::SIGN_IN>"Sign in"</a></p>
    }
}
