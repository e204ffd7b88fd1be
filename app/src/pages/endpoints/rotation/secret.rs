//! The signing secret: two that overlap, then one.

use domain::delivery::DeliveryDetail;
use domain::rotation::SecretRotation;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::Desk;
use super::proof::Proof;
use super::time_line::OnLine;
use super::token::{Hidden, SendTest, Turn};
use crate::api::rotation::{RotateSecret, TurnRotation};
use crate::components::button::{Button, Weight};
use crate::components::field::{CONTROL, Tick};
use crate::components::panel::Panel;
use crate::html::IntoHtml;

/// Overlaps to choose from: seconds and what people read.
const OVERLAPS: [(&str, &str); 4] =
    [("86400", "24 hours"), ("3600", "1 hour"), ("604800", "7 days"), ("0", "None: the old one has leaked")];

/// The signing secret and its rotation.
#[component]
pub fn SecretPanel(
    masked: String,
    rotation: Option<SecretRotation>,
    test: Option<DeliveryDetail>,
    desk: Desk,
) -> impl IntoView {
    let content = match rotation {
        None => view! {
            <ol class="grid gap-2"><OnLine name="Signing secret" masked=masked words="signs every event" used=true/></ol>
            {desk.may.then(|| view! { <Rotate desk=desk/> })}
        }
        .into_html(),
        Some(rotation) => {
            let until = format!("signs until {}", desk.view.zone.short(rotation.overlap_until));
            let since = format!("signs since {}", desk.view.zone.short(rotation.since));
            view! {
                <ol class="grid gap-2">
                    <OnLine name="Old" masked=rotation.earlier_masked.clone() words=until used=true/>
                    <OnLine name="New" masked=rotation.next_masked.clone() words=since used=true/>
                </ol>
                {desk.may.then(|| view! { <Steps rotation=rotation test=test desk=desk/> })}
            }
            .into_html()
        }
    };
    view! { <Panel title="Signing secret" id="secret"><div class="grid gap-4">{content}</div></Panel> }
}

/// How long both secrets sign.
#[component]
pub fn OverlapChoice() -> impl IntoView {
    let options = OVERLAPS.map(|(value, words)| view! { <option value=value>{words}</option> }).collect_view();
    view! {
        <div class="grid gap-1">
            <label class="font-semibold" for="overlap_s">"Both sign for"</label>
            <select class=CONTROL id="overlap_s" name="form[overlap_s]">{options}</select>
        </div>
    }
}

#[component]
fn Rotate(desk: Desk) -> impl IntoView {
    view! {
        <p class="text-ink-2">"Rotate makes a new secret at once. Until the overlap ends each request has two signatures, so a server that knows either of them accepts it."</p>
        <form class="grid gap-3" method="post" action=RotateSecret::PATH>
            <Hidden desk=desk/>
            <OverlapChoice/>
            <p><Button weight=Weight::Primary>"Rotate the signing secret"</Button></p>
        </form>
    }
}

/// Retiring what still signs is only for those who say that they know.
#[component]
fn RetireUnproved(desk: Desk) -> impl IntoView {
    view! {
        <form class="grid gap-3 border-t border-line pt-4" method="post" action=TurnRotation::PATH>
            <Hidden desk=desk/>
            <input type="hidden" name="turn" value="retire-secret"/>
            <Tick name="retire_anyway" label="Retire although nothing is proved" checked=false
                hint="Your server may refuse every event from then on, and the old secret does not come back."/>
            <p><Button>"Retire the old secret now"</Button></p>
        </form>
    }
}

#[component]
fn Steps(rotation: SecretRotation, test: Option<DeliveryDetail>, desk: Desk) -> impl IntoView {
    let proved = rotation.proved_at.is_some();
    let hint = "An ordinary delivery does not prove the new secret, since the old one signs too. A test signed only with the new one does.";
    view! {
        <Proof proved_at=rotation.proved_at test=test hint=hint view=desk.view.clone()/>
        <div class="flex flex-wrap gap-3">
            {desk.receives.then(|| view! {
                <SendTest desk=desk.clone() what="secret" verb="Send a test signed only with the new secret" first=!proved/>
            })}
            {proved.then(|| view! {
                <Turn desk=desk.clone() turn="retire-secret" verb="Retire the old secret now" weight=Weight::Primary/>
            })}
            {(!rotation.extended).then(|| view! { <Turn desk=desk.clone() turn="extend" verb="Extend once"/> })}
        </div>
        {(!proved).then(|| view! { <RetireUnproved desk=desk/> })}
    }
}
