//! Signing in.

use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::{RouteParams, public_page};
use crate::api::auth::{self, SignIn};
use crate::components::button::{Button, Weight};
use crate::components::field::Field;
use crate::components::heading::Heading;
use crate::components::narrow::Narrow;
use crate::components::notices::FlashLine;
use crate::html::IntoHtml;
use crate::links;

/// Email address and password.
#[component]
pub fn SignInPage() -> impl IntoView {
    public_page(async |params, _| {
        let next = links::safe_next(&params.query_param("next")).unwrap_or("/").to_owned();
        let sign_up = auth::sign_up_open().await?.then(|| {
            view! { <p>"New to Offhook? " <a href=links::SIGN_UP>"Create an account"</a></p> }
        });
        Ok(view! {
            <Narrow>
                <Heading title="Sign in"/>
                {notice(&params).map(|words| view! { <FlashLine words=words/> })}
                <form class="grid gap-4" method="post" action=SignIn::PATH>
                    <input type="hidden" name="form[next]" value=next/>
                    <Field name="email" label="Email" kind="email" autocomplete="username" required=true first=true/>
                    <Field name="password" label="Password" kind="password" autocomplete="current-password" required=true/>
                    <div><Button weight=Weight::Primary>"Sign in"</Button></div>
                </form>
                <p><a href=links::FORGOT>"Forgot your password?"</a></p>
                {sign_up}
            </Narrow>
        }
        .into_html())
    })
}

/// Why the user was sent here, if they didn't come on their own.
fn notice(params: &RouteParams) -> Option<&'static str> {
    if params.query_param("ended") == "1" {
        Some("Your session has expired. Sign in again to continue.")
    } else if params.query_param("again") == "1" {
        Some("You signed in more than 10 minutes ago. Sign in again to continue.")
    } else if params.query_param("late") == "1" {
        Some("Your sign-in took too long. Sign in again.")
    } else if params.query_param("bye") == "1" {
        Some("You’re signed out.")
    } else {
        None
    }
}
