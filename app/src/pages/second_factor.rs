//! Two-factor authentication: off, being set up, or on.

use domain::second_factor::{RECOVERY_CODES, SecondFactor};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::public_page;
use crate::api::second_factor::{
    DisableTwoFactor, EnableTwoFactor, NewKey, QrCodePath, RegenerateCodes, StartTwoFactor, load_two_factor,
};
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::copy_button::CopyButton;
use crate::components::field::Field;
use crate::components::heading::Heading;
use crate::components::panel::Panel;
use crate::components::render_context::RenderContext;
use crate::components::time_text::{TimeForm, TimeText};
use crate::html::IntoHtml;
use crate::links;

/// Below this number of recovery codes, the page suggests new ones.
const FEW_CODES: u32 = 4;

/// `/me/security/second-factor`
#[component]
pub fn SecondFactorPage() -> impl IntoView {
    public_page(async |place, visit| {
        let state = load_two_factor().await?;
        let view = RenderContext { acct: String::new(), now: visit.now, zone: visit.zone() };
        let next = place.query_param("next");
        let continue_link = links::safe_next(&next).map(|next| {
            view! { <p><LinkButton weight=Weight::Primary href=next.to_owned()>"Continue"</LinkButton></p> }
        });
        let codes = (!state.codes.is_empty()).then(|| view! { <NewCodes codes=state.codes/> });
        let content = match (state.factor, state.new_key) {
            (Some(factor), _) => view! { <On factor=factor view=view/> }.into_html(),
            (None, Some(new_key)) => view! { <SetUp new_key=new_key/> }.into_html(),
            (None, None) => view! { <Off/> }.into_html(),
        };
        Ok(view! {
            <Heading title="Two-factor authentication" lead="Sign in with your password and a code from an authenticator app."/>
            {continue_link}
            {codes}
            {content}
            <p><a href=links::SECURITY>"Password and security"</a></p>
        }
        .into_html())
    })
}

#[component]
fn Off() -> impl IntoView {
    view! {
        <Panel title="Two-factor authentication is off" id="off">
            <div class="grid max-w-column gap-4">
                <p>"Anyone who learns your password can sign in as you. With two-factor authentication, they also need your phone."</p>
                <p class="text-ink-2">"You need an authenticator app or a password manager that supports time-based codes (TOTP)."</p>
                <form method="post" action=StartTwoFactor::PATH><Button weight=Weight::Primary>"Set up"</Button></form>
            </div>
        </Panel>
    }
}

#[component]
fn SetUp(new_key: NewKey) -> impl IntoView {
    let NewKey { text, uri, drawing } = new_key;
    let scan = drawing.map(|drawing| view! { <QrCode drawing=drawing/> });
    let copied = text.replace(' ', "");
    view! {
        <Panel title="1. Add the key to your authenticator app" id="key">
            <div class="grid max-w-column gap-4">
                <p>"Scan the QR code with your authenticator app. If you can’t scan it, enter the key below, or " <a href=uri>"open it in an app on this device"</a> "."</p>
                {scan}
                <dl class="grid gap-1">
                    <dt class="font-semibold">"Key"</dt>
                    <dd class="flex items-start justify-between gap-2 rounded-s bg-sunk px-3 py-2">
                        <code class="min-w-0 text-table select-all">{text}</code>
                        <CopyButton text=copied what="key"/>
                    </dd>
                </dl>
            </div>
        </Panel>
        <Panel title="2. Enter a code to confirm" id="prove">
            <form class="grid max-w-96 gap-4" method="post" action=EnableTwoFactor::PATH>
                <Field name="code" label="Code" keyboard="numeric" autocomplete="one-time-code" required=true
                    hint="The six-digit code from your app."/>
                <p class="text-table text-ink-2">"You’ll get recovery codes, and other browsers will be signed out."</p>
                <div class="flex flex-wrap gap-3">
                    <Button weight=Weight::Primary>"Turn on"</Button>
                    <LinkButton href=links::SECURITY>"Cancel"</LinkButton>
                </div>
            </form>
        </Panel>
    }
}

/// Dark on light in both themes, as cameras expect. The quiet zone of four modules is part of the code (ISO/IEC 18004).
#[component]
fn QrCode(drawing: QrCodePath) -> impl IntoView {
    let side = drawing.size + 8;
    view! {
        <svg class="w-full max-w-64" role="img" aria-label="QR code of the key" viewBox=format!("-4 -4 {side} {side}") shape-rendering="crispEdges">
            <rect x="-4" y="-4" width=side height=side fill="#fff"></rect>
            <path fill="#000" d=drawing.path></path>
        </svg>
    }
}

#[component]
fn NewCodes(codes: Vec<String>) -> impl IntoView {
    let all = codes.join("\n");
    let items = codes.into_iter().map(|code| view! { <li><code>{code}</code></li> }).collect_view();
    view! {
        <section class="grid max-w-column gap-3 border-l-4 border-lamp bg-surface p-4" aria-labelledby="codes-now">
            <h2 class="text-large font-bold" id="codes-now">"Save your recovery codes now"</h2>
            <p class="text-ink-2">"If you lose your phone, you can sign in with a recovery code. Each code works once. You won’t be able to see them again, so print them or save them in a password manager."</p>
            <div class="flex items-start justify-between gap-2 rounded-s bg-sunk px-3 py-2">
                <ul class="grid list-none gap-x-8 gap-y-1 pl-0 text-table select-all sm:grid-cols-2">{items}</ul>
                <CopyButton text=all what="recovery codes"/>
            </div>
            <div><LinkButton weight=Weight::Primary href=links::SECURITY>"Done"</LinkButton></div>
        </section>
    }
}

#[component]
fn On(factor: SecondFactor, view: RenderContext) -> impl IntoView {
    let left = format!("{} of {RECOVERY_CODES} recovery codes left.", factor.codes_left);
    let warning =
        low_codes_warning(factor.codes_left).map(|words| view! { <p class="font-semibold text-retrying">{words}</p> });
    view! {
        <Panel title="Two-factor authentication is on" id="on">
            <div class="grid max-w-column gap-4">
                <p>"On since " <TimeText at=factor.since form=TimeForm::Short view=view/> ". " {left}</p>
                {warning}
                <form class="grid gap-3" method="post" action=RegenerateCodes::PATH>
                    <p class="text-ink-2">"New recovery codes replace the ones you have."</p>
                    <div><Button>"Generate new recovery codes"</Button></div>
                </form>
            </div>
        </Panel>
        <Panel title="Turn off two-factor authentication" id="switch-off">
            <form class="grid max-w-96 gap-4" method="post" action=DisableTwoFactor::PATH>
                <p class="text-ink-2">"You’ll sign in with your password only. To move to a new phone, turn it off and set it up again."</p>
                <Field name="code" label="Code" autocomplete="one-time-code" required=true
                    hint="From your authenticator app, or a recovery code."/>
                <div><Button weight=Weight::Final>"Turn off"</Button></div>
            </form>
        </Panel>
    }
}

/// A warning when recovery codes run out.
fn low_codes_warning(left: u32) -> Option<&'static str> {
    match left {
        0 => {
            Some("You have no recovery codes left. If you lose your phone, you can’t sign in. Generate new codes now.")
        }
        1..FEW_CODES => Some("Generate new recovery codes before you run out."),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_warns_when_recovery_codes_run_low() {
        assert_eq!([10, FEW_CODES].map(low_codes_warning), [None, None]);
        assert!(
            [3, 1]
                .map(low_codes_warning)
                .iter()
                .all(|text| text.is_some_and(|text| text.contains("before you run out")))
        );
        assert!(low_codes_warning(0).is_some_and(|text| text.contains("can’t sign in")));
    }
}
