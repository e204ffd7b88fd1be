//! A person's second factor: off, being set up, or on.

use domain::second_factor::{RECOVERY_CODES, SecondFactor};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::public_page;
use crate::api::second_factor::{
    BeginFactor, Drawing, NewKey, RenewCodes, SwitchFactorOff, SwitchFactorOn, load_standing,
};
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::copy_button::CopyButton;
use crate::components::field::Field;
use crate::components::heading::Heading;
use crate::components::panel::Panel;
use crate::components::time_text::{TimeForm, TimeText};
use crate::components::viewpoint::Viewpoint;
use crate::html::IntoHtml;
use crate::links;

/// Recovery codes below which the page says that it is time for new ones.
const FEW_CODES: u32 = 4;

/// `/me/security/second-factor`
#[component]
pub fn SecondFactorPage() -> impl IntoView {
    public_page(async |place, visit| {
        let standing = load_standing().await?;
        let view = Viewpoint { acct: String::new(), now: visit.now, zone: visit.zone() };
        let next = place.asked("next");
        let onward = links::safe_next(&next).map(|next| {
            view! { <p><LinkButton weight=Weight::Primary href=next.to_owned()>"Go on to where you were going"</LinkButton></p> }
        });
        let codes = (!standing.codes.is_empty()).then(|| view! { <NewCodes codes=standing.codes/> });
        let content = match (standing.factor, standing.new_key) {
            (Some(factor), _) => view! { <On factor=factor view=view/> }.into_html(),
            (None, Some(new_key)) => view! { <SetUp new_key=new_key/> }.into_html(),
            (None, None) => view! { <Off/> }.into_html(),
        };
        Ok(view! {
            <Heading title="Second factor" lead="A code of an app on your phone, asked for after your password."/>
            {onward}
            {codes}
            {content}
            <p><a href=links::SECURITY>"Password and sessions"</a></p>
        }
        .into_html())
    })
}

#[component]
fn Off() -> impl IntoView {
    view! {
        <Panel title="It is off" id="off">
            <div class="grid max-w-column gap-4">
                <p>"Whoever learns your password can sign in as you. With a second factor they need your phone as well."</p>
                <p class="text-ink-2">"You need an authenticator app: any that knows time-based codes (TOTP), also that of a password manager."</p>
                <form method="post" action=BeginFactor::PATH><Button weight=Weight::Primary>"Set up"</Button></form>
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
        <Panel title="1. Give the key to your app" id="key">
            <div class="grid max-w-column gap-4">
                <p>"Scan this with your authenticator app. If it cannot, type the key below, or " <a href=uri>"open it in an app on this device"</a> "."</p>
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
        <Panel title="2. Prove that it works" id="prove">
            <form class="grid max-w-96 gap-4" method="post" action=SwitchFactorOn::PATH>
                <Field name="code" label="Code" keyboard="numeric" autocomplete="one-time-code" required=true
                    hint="The six digits that your app shows now."/>
                <p class="text-table text-ink-2">"All other browsers are signed out. Then you get recovery codes."</p>
                <div class="flex flex-wrap gap-3">
                    <Button weight=Weight::Primary>"Switch on"</Button>
                    <LinkButton href=links::SECURITY>"Not now"</LinkButton>
                </div>
            </form>
        </Panel>
    }
}

/// Dark on light in both themes: cameras look for that. The margin of four squares belongs to the code (ISO/IEC 18004).
#[component]
fn QrCode(drawing: Drawing) -> impl IntoView {
    let whole = drawing.size + 8;
    view! {
        <svg class="w-full max-w-64" role="img" aria-label="The key as a QR code" viewBox=format!("-4 -4 {whole} {whole}") shape-rendering="crispEdges">
            <rect x="-4" y="-4" width=whole height=whole fill="#fff"></rect>
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
            <h2 class="text-large font-bold" id="codes-now">"Store your recovery codes now"</h2>
            <p class="text-ink-2">"Each signs you in once, should you lose your phone. They are shown this once: we keep only hashes. Print them, or keep them in a password manager."</p>
            <div class="flex items-start justify-between gap-2 rounded-s bg-sunk px-3 py-2">
                <ul class="grid list-none gap-x-8 gap-y-1 pl-0 text-table select-all sm:grid-cols-2">{items}</ul>
                <CopyButton text=all what="recovery codes"/>
            </div>
            <div><LinkButton weight=Weight::Primary href=links::SECURITY>"I have stored them"</LinkButton></div>
        </section>
    }
}

#[component]
fn On(factor: SecondFactor, view: Viewpoint) -> impl IntoView {
    let left = format!("{} of {RECOVERY_CODES} recovery codes left.", factor.codes_left);
    let few = few(factor.codes_left).map(|words| view! { <p class="font-semibold text-retrying">{words}</p> });
    view! {
        <Panel title="It is on" id="on">
            <div class="grid max-w-column gap-4">
                <p>"Since " <TimeText at=factor.since form=TimeForm::Short view=view/> ". " {left}</p>
                {few}
                <form class="grid gap-3" method="post" action=RenewCodes::PATH>
                    <p class="text-ink-2">"New recovery codes end those that you have."</p>
                    <div><Button>"Make new recovery codes"</Button></div>
                </form>
            </div>
        </Panel>
        <Panel title="Switch it off" id="switch-off">
            <form class="grid max-w-96 gap-4" method="post" action=SwitchFactorOff::PATH>
                <p class="text-ink-2">"The password is all that signs you in then. To use another phone, switch it off and set up again."</p>
                <Field name="code" label="Code" autocomplete="one-time-code" required=true
                    hint="From your app, or a recovery code."/>
                <div><Button weight=Weight::Final>"Switch off"</Button></div>
            </form>
        </Panel>
    }
}

/// What to say when recovery codes run out.
fn few(left: u32) -> Option<&'static str> {
    match left {
        0 => Some("If your phone is lost, nothing signs you in: make new codes now."),
        1..FEW_CODES => Some("Make new ones before you need the last."),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_warns_before_the_last_recovery_code_is_used() {
        assert_eq!([10, FEW_CODES].map(few), [None, None]);
        assert!(
            [3, 1].map(few).iter().all(|said| said.is_some_and(|words| words.contains("before you need the last")))
        );
        assert!(few(0).is_some_and(|words| words.contains("nothing signs you in")));
    }
}
