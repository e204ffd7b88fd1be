//! A person's password, the browsers in which they are signed in, and the letters that they want.

use domain::person::{Browser, Letters};
use domain::second_factor::SecondFactor;
use domain::time::counted;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::public_page;
use crate::api::security::{ChangePassword, EndOtherSessions, EndSession, SwitchLetters, load_security};
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::field::Field;
use crate::components::heading::Heading;
use crate::components::panel::Panel;
use crate::components::time_text::{AgoText, TimeForm, TimeText};
use crate::components::viewpoint::Viewpoint;
use crate::html::IntoHtml;
use crate::links;

/// `/me/security`
#[component]
pub fn SecurityPage() -> impl IntoView {
    public_page(async |_, visit| {
        let security = load_security().await?;
        let view = Viewpoint { acct: String::new(), now: visit.now, zone: visit.zone() };
        let lead = format!("You are signed in as {}. {}.", security.user.email, view.clock());
        Ok(view! {
            <Heading title="Password and sessions" lead=lead/>
            <Sessions browsers=security.browsers view=view/>
            <Factor factor=security.factor/>
            <Password email=security.user.email/>
            <LettersPanel letters=security.letters/>
            <p class="flex flex-wrap gap-x-5 gap-y-1">
                <a href="/">"Back to your account"</a>
                <a href=links::ME>"Time zone and display"</a>
            </p>
        }
        .into_html())
    })
}

#[component]
fn Factor(factor: Option<SecondFactor>) -> impl IntoView {
    let (words, verb) = match factor {
        Some(SecondFactor { codes_left, .. }) => (
            format!(
                "On: signing in asks for a code of your app. {} left.",
                counted(i64::from(codes_left), "recovery code")
            ),
            "Change it",
        ),
        None => ("Off: the password is all that signs you in.".to_owned(), "Set it up"),
    };
    view! {
        <Panel title="Second factor" id="factor">
            <p class="mb-4">{words}</p>
            <LinkButton href=links::SECOND_FACTOR>{verb}<span class="sr-only">": second factor"</span></LinkButton>
        </Panel>
    }
}

#[component]
fn Password(email: String) -> impl IntoView {
    view! {
        <Panel title="Change your password" id="password-panel">
            <form class="grid max-w-96 gap-4" method="post" action=ChangePassword::PATH>
                // For password managers, which then know whose password it is.
                <input class="hidden" type="email" autocomplete="username" value=email readonly=true tabindex="-1" aria-label="E-mail"/>
                <Field name="current_password" label="Password until now" kind="password" autocomplete="current-password" required=true/>
                <Field name="password" label="New password" kind="password" autocomplete="new-password" required=true
                    hint="At least 12 characters. A few words in a row are easy to remember."/>
                <p class="text-table text-ink-2">"All other browsers are signed out."</p>
                <div><Button weight=Weight::Primary>"Change password"</Button></div>
            </form>
        </Panel>
    }
}

#[component]
fn LettersPanel(letters: Letters) -> impl IntoView {
    let on = letters.failing;
    let words = if on {
        "On: as an admin of an account you get a letter when one of its endpoints fails, is disabled or answers 410 Gone."
    } else {
        "Off: you get no letter when an endpoint fails. Its page and the audit log tell of it."
    };
    let verb = if on { "Switch off" } else { "Switch on" };
    view! {
        <Panel title="Letters about endpoints that fail" id="letters">
            <form class="grid gap-4" method="post" action=SwitchLetters::PATH>
                <p>{words}</p>
                <input type="hidden" name="failing" value=(!on).to_string()/>
                <div><Button>{verb}<span class="sr-only">": letters about endpoints that fail"</span></Button></div>
            </form>
        </Panel>
    }
}

#[component]
fn Sessions(browsers: Vec<Browser>, view: Viewpoint) -> impl IntoView {
    let several = browsers.iter().any(|one| !one.here);
    let rows = browsers.into_iter().map(|one| view! { <Session browser=one view=view.clone()/> }).collect_view();
    let others = several.then(|| {
        view! {
            <form class="mt-4" method="post" action=EndOtherSessions::PATH>
                <Button weight=Weight::Danger>"Sign out everywhere else"</Button>
            </form>
        }
    });
    view! {
        <Panel title="Where you are signed in" id="sessions">
            <ul class="border-t border-line">{rows}</ul>
            {others}
        </Panel>
    }
}

#[component]
fn Session(browser: Browser, view: Viewpoint) -> impl IntoView {
    let words = browser.words();
    let address = if browser.address.is_empty() { "an unknown address".to_owned() } else { browser.address };
    let end = if browser.here {
        view! { <p class="text-table font-semibold text-delivered">"This browser"</p> }.into_html()
    } else {
        let which = format!(" {words} at {address}");
        view! {
            <form method="post" action=EndSession::PATH>
                <input type="hidden" name="handle" value=browser.handle/>
                <Button>"Sign out"<span class="sr-only">{which}</span></Button>
            </form>
        }
        .into_html()
    };
    view! {
        <li class="flex flex-wrap items-center justify-between gap-x-6 gap-y-2 border-b border-line py-2.5">
            <div class="min-w-0">
                <p class="font-semibold">{words}</p>
                <p class="text-table text-ink-2 wrap-anywhere">
                    {address} ", since " <TimeText at=browser.since form=TimeForm::Short view=view.clone()/>
                    ", last used " <AgoText at=browser.seen view=view/>
                </p>
            </div>
            {end}
        </li>
    }
}
