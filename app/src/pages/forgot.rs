//! Requesting a password reset link.

use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::public_page;
use crate::api::security::Forgot;
use crate::components::button::{Button, Weight};
use crate::components::field::Field;
use crate::components::heading::Heading;
use crate::components::narrow::Narrow;
use crate::html::IntoHtml;
use crate::links;

/// `/forgot`
#[component]
pub fn ForgotPage() -> impl IntoView {
    public_page(async |_, visit| {
        let sent = visit.flash.ok.is_some();
        let form = (!sent).then(|| {
            view! {
                <form class="grid gap-4" method="post" action=Forgot::PATH>
                    <Field name="email" label="Email" kind="email" autocomplete="username" required=true first=true/>
                    <div><Button weight=Weight::Primary>"Send reset link"</Button></div>
                </form>
            }
        });
        let no_email = sent.then(|| {
            view! {
                <p>"No email after a few minutes? Check your spam folder, or " <a href=links::FORGOT>"request another link"</a> "."</p>
            }
        });
        Ok(view! {
            <Narrow>
                <Heading title="Reset your password" lead="We’ll email you a link to set a new password."/>
                {form}
                {no_email}
                <p><a href=links::SIGN_IN>"Back to sign in"</a></p>
            </Narrow>
        }
        .into_html())
    })
}
