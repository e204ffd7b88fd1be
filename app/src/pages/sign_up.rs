//! Signing up: creates a user and an account.

use domain::account::SignUp as SignUpForm;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::{email_link::behind_link, public_page};
use crate::api::auth::{self, FinishSignUp, SignUp};
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::field::Field;
use crate::components::heading::Heading;
use crate::components::narrow::Narrow;
use crate::html::IntoHtml;
use crate::links;

/// Shown for an invalid link.
const INVALID_LINK: &str =
    "This link is invalid or has been used. Make sure that you copied the whole link from the email.";

/// `/sign-up`: email, account and name, and the password if no email is sent.
#[component]
pub fn SignUpPage() -> impl IntoView {
    public_page(async |_, visit| {
        let content = if visit.flash.ok.is_some() {
            sent().into_html()
        } else if auth::sign_up_open().await? {
            form(auth::sign_up_by_email().await?).into_html()
        } else {
            closed().into_html()
        };
        Ok(view! { <Narrow>{content}</Narrow> }.into_html())
    })
}

/// `/sign-up/:link`: the password of an account whose email address is proven.
#[component]
pub fn FinishSignUpPage() -> impl IntoView {
    public_page(async |place, _| {
        let link = place.param("link");
        let loaded = auth::load_sign_up(link.clone()).await;
        let open = |sign_up: SignUpForm| password(link, sign_up).into_html();
        behind_link(loaded, INVALID_LINK, open, |words| ended(words).into_html()).await
    })
}

fn form(by_email: bool) -> impl IntoView {
    let lead = if by_email {
        "We’ll email you a link. You’ll then choose a password and set up your first endpoint."
    } else {
        "You’ll set up your first endpoint next. It takes about a minute."
    };
    let password = (!by_email).then(new_password);
    view! {
        <Heading title="Create an account" lead=lead/>
        <form class="grid gap-4" method="post" action=SignUp::PATH>
            <Field name="email" label="Email" kind="email" autocomplete="email" required=true first=true/>
            {password}
            <Field name="account" label="Account name" autocomplete="organization" required=true
                hint="Your company or team."/>
            <Field name="name" label="Your name" autocomplete="name"/>
            <div><Button weight=Weight::Primary>"Create account"</Button></div>
        </form>
        <p>"Already have an account? " <a href=links::SIGN_IN>"Sign in"</a></p>
    }
}

fn new_password() -> impl IntoView {
    view! {
        <Field name="password" label="Password" kind="password" autocomplete="new-password" required=true
            hint="At least 12 characters. A few random words are easy to remember."/>
    }
}

fn sent() -> impl IntoView {
    view! {
        <Heading title="Check your email"/>
        <p>"No email after a few minutes? Check your spam folder, or " <a href=links::SIGN_UP>"sign up again"</a> "."</p>
        <p><a href=links::SIGN_IN>"Back to sign in"</a></p>
    }
}

fn password(link: String, sign_up: SignUpForm) -> impl IntoView {
    let lead = format!("For the account {}. You’ll sign in with {}.", sign_up.account, sign_up.email);
    view! {
        <Heading title="Choose a password" lead=lead/>
        <form class="grid gap-4" method="post" action=FinishSignUp::PATH>
            <input type="hidden" name="link" value=link/>
            // For password managers, which store it with the password.
            <input class="hidden" type="email" autocomplete="username" value=sign_up.email readonly=true tabindex="-1" aria-label="Email"/>
            {new_password()}
            <div><Button weight=Weight::Primary>"Create account"</Button></div>
        </form>
    }
}

fn ended(words: String) -> impl IntoView {
    view! {
        <Heading title="This link can’t be used" lead=words/>
        <p><LinkButton href=links::SIGN_UP weight=Weight::Primary>"Sign up again"</LinkButton></p>
    }
}

fn closed() -> impl IntoView {
    view! {
        <Heading title="Sign-up is closed" lead="Accounts are by invitation only. Ask your provider for an invitation."/>
        <p><a href=links::SIGN_IN>"Sign in"</a></p>
    }
}
