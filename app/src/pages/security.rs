//! A user's password, two-factor authentication, sessions and email alerts.

use domain::second_factor::SecondFactor;
use domain::time::counted;
use domain::user::{BrowserSession, EmailPreferences};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::public_page;
use crate::api::security::{ChangePassword, EndOtherSessions, EndSession, SetFailureAlerts, load_security};
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::field::Field;
use crate::components::heading::Heading;
use crate::components::panel::Panel;
use crate::components::render_context::RenderContext;
use crate::components::time_text::{AgoText, TimeForm, TimeText};
use crate::html::IntoHtml;
use crate::links;

/// `/me/security`
#[component]
pub fn SecurityPage() -> impl IntoView {
    public_page(async |_, visit| {
        let security = load_security().await?;
        let view = RenderContext { acct: String::new(), now: visit.now, zone: visit.zone() };
        let lead = format!("You are signed in as {}. {}.", security.user.email, view.clock());
        Ok(view! {
            <Heading title="Password and security" lead=lead/>
            <Sessions browsers=security.browsers view=view/>
            <TwoFactor factor=security.factor/>
            <Password email=security.user.email/>
            <FailureAlerts email_preferences=security.email_preferences/>
            <p class="flex flex-wrap gap-x-5 gap-y-1">
                <a href="/">"Back to your account"</a>
                <a href=links::ME>"Time zone and display"</a>
            </p>
        }
        .into_html())
    })
}

#[component]
fn TwoFactor(factor: Option<SecondFactor>) -> impl IntoView {
    let (words, verb) = match factor {
        Some(SecondFactor { codes_left, .. }) => (
            format!(
                "On. You sign in with a password and a code from your authenticator app. {} left.",
                counted(i64::from(codes_left), "recovery code")
            ),
            "Manage",
        ),
        None => ("Off. You sign in with a password only.".to_owned(), "Set up"),
    };
    view! {
        <Panel title="Two-factor authentication" id="factor">
            <p class="mb-4">{words}</p>
            <LinkButton href=links::SECOND_FACTOR>{verb}<span class="sr-only">": two-factor authentication"</span></LinkButton>
        </Panel>
    }
}

#[component]
fn Password(email: String) -> impl IntoView {
    view! {
        <Panel title="Change password" id="password-panel">
            <form class="grid max-w-96 gap-4" method="post" action=ChangePassword::PATH>
                // For password managers, so that they know which user the password belongs to.
                <input class="hidden" type="email" autocomplete="username" value=email readonly=true tabindex="-1" aria-label="Email"/>
                <Field name="current_password" label="Current password" kind="password" autocomplete="current-password" required=true/>
                <Field name="password" label="New password" kind="password" autocomplete="new-password" required=true
                    hint="At least 12 characters. A few random words are easy to remember."/>
                <p class="text-table text-ink-2">"You’ll be signed out in all other browsers."</p>
                <div><Button weight=Weight::Primary>"Change password"</Button></div>
            </form>
        </Panel>
    }
}

#[component]
fn FailureAlerts(email_preferences: EmailPreferences) -> impl IntoView {
    let on = email_preferences.failing;
    let words = if on {
        "On. As an account admin, you get an email when an endpoint is failing, is disabled or returns 410 Gone."
    } else {
        "Off. Failures are still shown on the endpoint’s page and in the audit log."
    };
    let verb = if on { "Turn off" } else { "Turn on" };
    view! {
        <Panel title="Failure alerts by email" id="letters">
            <form class="grid gap-4" method="post" action=SetFailureAlerts::PATH>
                <p>{words}</p>
                <input type="hidden" name="failing" value=(!on).to_string()/>
                <div><Button>{verb}<span class="sr-only">": failure alerts by email"</span></Button></div>
            </form>
        </Panel>
    }
}

#[component]
fn Sessions(browsers: Vec<BrowserSession>, view: RenderContext) -> impl IntoView {
    let several = browsers.iter().any(|one| !one.here);
    let rows = browsers.into_iter().map(|one| view! { <Session browser=one view=view.clone()/> }).collect_view();
    let others = several.then(|| {
        view! {
            <form class="mt-4" method="post" action=EndOtherSessions::PATH>
                <Button weight=Weight::Danger>"Sign out of all other browsers"</Button>
            </form>
        }
    });
    view! {
        <Panel title="Active sessions" id="sessions">
            <ul class="border-t border-line">{rows}</ul>
            {others}
        </Panel>
    }
}

#[component]
fn Session(browser: BrowserSession, view: RenderContext) -> impl IntoView {
    let words = browser.label();
    let address = if browser.address.is_empty() { "an unknown address".to_owned() } else { browser.address };
    let end = if browser.here {
        view! { <p class="text-table font-semibold text-delivered">"This browser"</p> }.into_html()
    } else {
        let which = format!(" of {words} at {address}");
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
                    {address} ", signed in " <TimeText at=browser.since form=TimeForm::Short view=view.clone()/>
                    ", last active " <AgoText at=browser.seen view=view/>
                </p>
            </div>
            {end}
        </li>
    }
}
