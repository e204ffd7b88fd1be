//! Asking for a link that sets a new password.

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
                    <Field name="email" label="E-mail" kind="email" autocomplete="username" required=true first=true/>
                    <div><Button weight=Weight::Primary>"Send the link"</Button></div>
                </form>
            }
        });
        let nothing = sent.then(|| {
            view! {
                <p>"Nothing there after a few minutes? Look where unwanted mail goes, or " <a href=links::FORGOT>"ask again"</a> "."</p>
            }
        });
        Ok(view! {
            <Narrow>
                <Heading title="Set a new password" lead="We mail you a link for it."/>
                {form}
                {nothing}
                <p><a href=links::SIGN_IN>"Back to signing in"</a></p>
            </Narrow>
        }
        .into_html())
    })
}
