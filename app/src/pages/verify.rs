//! The second step of sign-in.

use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::public_page;
use crate::api::auth::{VerifySignIn, sign_in_waits};
use crate::components::button::{Button, Weight};
use crate::components::field::Field;
use crate::components::heading::Heading;
use crate::components::narrow::Narrow;
use crate::html::{Html, IntoHtml};
use crate::links::{self, Step};

/// `/sign-in/verify`
#[component]
pub fn VerifySignInPage() -> impl IntoView {
    public_page(async |place, _| {
        let next = links::safe_next(&place.query_param("next")).unwrap_or("/").to_owned();
        if !sign_in_waits(next.clone()).await? {
            return Ok(view! { <p><a href=links::SIGN_IN>"Sign in"</a></p> }.into_html());
        }
        let content = match Step::parse(&place.query_param("with")) {
            Step::App => with_app(next).into_html(),
            Step::RecoveryCode => with_recovery_code(next).into_html(),
        };
        Ok(view! { <Narrow>{content}</Narrow> }.into_html())
    })
}

fn with_app(next: String) -> impl IntoView {
    let other = links::verify_then(&next, Step::RecoveryCode);
    view! {
        <Heading title="Enter your code" lead="Enter the six-digit code from your authenticator app."/>
        <CodeForm next=next with=Step::App>
            <Field name="code" label="Code" keyboard="numeric" autocomplete="one-time-code" required=true first=true/>
        </CodeForm>
        <p>"Don’t have your phone? " <a href=other>"Use a recovery code"</a></p>
    }
}

fn with_recovery_code(next: String) -> impl IntoView {
    let other = links::verify_then(&next, Step::App);
    view! {
        <Heading title="Enter a recovery code" lead="Use one of the codes you saved when you turned on two-factor authentication. Each code works once."/>
        <CodeForm next=next with=Step::RecoveryCode>
            <Field name="code" label="Recovery code" required=true first=true hint="16 letters and digits."/>
        </CodeForm>
        <p><a href=other>"Use your authenticator app"</a></p>
        <p class="text-ink-2">"No codes left? Ask your provider to reset your two-factor authentication."</p>
    }
}

/// The form around a code field.
#[component]
fn CodeForm(next: String, with: Step, children: Html) -> impl IntoView {
    view! {
        <form class="grid gap-4" method="post" action=VerifySignIn::PATH>
            <input type="hidden" name="form[next]" value=next/>
            <input type="hidden" name="form[with]" value=with.as_str()/>
            {children}
            <div><Button weight=Weight::Primary>"Sign in"</Button></div>
        </form>
    }
}
