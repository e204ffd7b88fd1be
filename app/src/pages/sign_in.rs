//! Signing in.

use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::{Place, public_page};
use crate::api::people::{self, SignIn};
use crate::components::button::{Button, Weight};
use crate::components::field::Field;
use crate::components::heading::Heading;
use crate::components::narrow::Narrow;
use crate::components::notices::FlashLine;
use crate::html::IntoHtml;
use crate::links;

/// E-mail address and password.
#[component]
pub fn SignInPage() -> impl IntoView {
    public_page(async |place, _| {
        let next = links::safe_next(&place.asked("next")).unwrap_or("/").to_owned();
        let sign_up = people::sign_up_open().await?.then(|| {
            view! { <p>"New here? " <a href=links::SIGN_UP>"Create an account"</a></p> }
        });
        Ok(view! {
            <Narrow>
                <Heading title="Sign in"/>
                {notice(&place).map(|words| view! { <FlashLine words=words/> })}
                <form class="grid gap-4" method="post" action=SignIn::PATH>
                    <input type="hidden" name="form[next]" value=next/>
                    <Field name="email" label="E-mail" kind="email" autocomplete="username" required=true first=true/>
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

/// Why the person is here, where they did not come by themselves.
fn notice(place: &Place) -> Option<&'static str> {
    if place.asked("ended") == "1" {
        Some("You were signed out because your session ended. Sign in to continue where you were.")
    } else if place.asked("again") == "1" {
        Some("Your sign-in is older than 10 minutes. Sign in once more to go on.")
    } else if place.asked("late") == "1" {
        Some("Too much time has passed since you gave your password. Sign in again.")
    } else if place.asked("bye") == "1" {
        Some("You are signed out.")
    } else {
        None
    }
}
