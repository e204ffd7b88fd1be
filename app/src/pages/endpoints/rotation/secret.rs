//! Rotating the signing secret: two overlap, then one remains.

use domain::delivery::DeliveryDetail;
use domain::rotation::SecretRotation;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::RotationContext;
use super::proof::Proof;
use super::timeline::TimelineRow;
use super::token::{EndpointInputs, SendTest, StepButton};
use crate::api::rotation::{RotateSecret, StepRotation};
use crate::components::button::{Button, Weight};
use crate::components::field::{CONTROL, Checkbox};
use crate::components::panel::Panel;
use crate::html::IntoHtml;

/// Available overlaps: seconds and label.
const OVERLAPS: [(&str, &str); 4] =
    [("86400", "24 hours"), ("3600", "1 hour"), ("604800", "7 days"), ("0", "None (the old secret has leaked)")];

/// Why a secret needs a test of its own.
pub const TEST_HINT: &str = "Ordinary deliveries don't verify the new secret, because the old one signs them as well. \
                             Send a test signed only with the new one.";

/// The signing secret and its rotation.
#[component]
pub fn SecretPanel(
    masked: String,
    rotation: Option<SecretRotation>,
    test: Option<DeliveryDetail>,
    context: RotationContext,
) -> impl IntoView {
    let content = match rotation {
        None => view! {
            <ol class="grid gap-2"><TimelineRow name="Signing secret" masked=masked usage="signs every request" used=true/></ol>
            {context.may_rotate.then(|| view! { <Rotate context=context/> })}
        }
        .into_html(),
        Some(rotation) => {
            let until = format!("active until {}", context.view.zone.short(rotation.overlap_until));
            let since = format!("active since {}", context.view.zone.short(rotation.since));
            view! {
                <ol class="grid gap-2">
                    <TimelineRow name="Old" masked=rotation.earlier_masked.clone() usage=until used=true/>
                    <TimelineRow name="New" masked=rotation.next_masked.clone() usage=since used=true/>
                </ol>
                {context.may_rotate.then(|| view! { <Steps rotation=rotation test=test context=context/> })}
            }
            .into_html()
        }
    };
    view! { <Panel title="Signing secret" id="secret"><div class="grid gap-4">{content}</div></Panel> }
}

/// How long both secrets stay active.
#[component]
pub fn OverlapChoice() -> impl IntoView {
    let options = OVERLAPS.map(|(value, label)| view! { <option value=value>{label}</option> }).collect_view();
    view! {
        <div class="grid gap-1">
            <label class="font-semibold" for="overlap_s">"Keep both active for"</label>
            <select class=CONTROL id="overlap_s" name="form[overlap_s]">{options}</select>
        </div>
    }
}

#[component]
fn Rotate(context: RotationContext) -> impl IntoView {
    view! {
        <p class="text-ink-2">"Rotating creates a new secret immediately. Until the overlap ends, each request has two signatures, so your server can verify either."</p>
        <form class="grid gap-3" method="post" action=RotateSecret::PATH>
            <EndpointInputs context=context/>
            <OverlapChoice/>
            <p><Button weight=Weight::Primary>"Rotate signing secret"</Button></p>
        </form>
    }
}

/// Retiring the old secret without a successful test needs an explicit confirmation.
#[component]
fn RetireUnverified(context: RotationContext) -> impl IntoView {
    view! {
        <form class="grid gap-3 border-t border-line pt-4" method="post" action=StepRotation::PATH>
            <EndpointInputs context=context/>
            <input type="hidden" name="turn" value="retire-secret"/>
            <Checkbox name="retire_anyway" label="Retire without a successful test" checked=false
                hint="Your server may reject every event from then on. This can't be undone."/>
            <p><Button>"Retire old secret now"</Button></p>
        </form>
    }
}

#[component]
fn Steps(rotation: SecretRotation, test: Option<DeliveryDetail>, context: RotationContext) -> impl IntoView {
    let verified = rotation.proved_at.is_some();
    view! {
        <Proof verified_at=rotation.proved_at test=test hint=TEST_HINT view=context.view.clone()/>
        <div class="flex flex-wrap gap-3">
            {context.receives.then(|| view! {
                <SendTest context=context.clone() what="secret" verb="Send test with new secret only" first=!verified/>
            })}
            {verified.then(|| view! {
                <StepButton context=context.clone() step="retire-secret" verb="Retire old secret now" weight=Weight::Primary/>
            })}
            {(!rotation.extended).then(|| view! { <StepButton context=context.clone() step="extend" verb="Extend overlap"/> })}
        </div>
        {(!verified).then(|| view! { <RetireUnverified context=context/> })}
    }
}
