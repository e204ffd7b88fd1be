//! The auth token: prepare, prove, switch, retire.

use domain::delivery::DeliveryDetail;
use domain::rotation::{TokenPhase, TokenRotation};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::Desk;
use super::proof::Proof;
use super::switch_fields::{Doubt, SwitchFields};
use super::time_line::OnLine;
use crate::api::rotation::{PrepareToken, SwitchToken, TestCredential, TurnRotation};
use crate::components::button::{Button, Weight};
use crate::components::field::Field;
use crate::components::panel::Panel;
use crate::html::IntoHtml;

/// The auth token and its rotation.
#[component]
pub fn TokenPanel(
    masked: String,
    rotation: Option<TokenRotation>,
    test: Option<DeliveryDetail>,
    desk: Desk,
) -> impl IntoView {
    let content = match rotation {
        None => view! {
            <ol class="grid gap-2"><OnLine name="Auth token" masked=masked words="sent with every event" used=true/></ol>
            {desk.may.then(|| view! { <Prepare desk=desk/> })}
        }
        .into_html(),
        Some(rotation) => view! {
            <TokenLine rotation=rotation.clone() desk=desk.clone()/>
            {desk.may.then(|| view! { <Steps rotation=rotation test=test desk=desk/> })}
        }
        .into_html(),
    };
    view! { <Panel title="Auth token" id="token"><div class="grid gap-4">{content}</div></Panel> }
}

#[component]
fn TokenLine(rotation: TokenRotation, desk: Desk) -> impl IntoView {
    let time = |at| desk.view.zone.short(at);
    let (earlier, next) = match rotation.phase {
        TokenPhase::Prepared { switch_at: None } => ("sent until the switch".to_owned(), "prepared".to_owned()),
        TokenPhase::Prepared { switch_at: Some(at) } => {
            (format!("sent until {}", time(at)), format!("sent from {} on", time(at)))
        }
        TokenPhase::Switched { at, undo_until } => {
            (format!("can come back until {}", time(undo_until)), format!("sent since {}", time(at)))
        }
    };
    let switched = rotation.is_switched();
    view! {
        <ol class="grid gap-2">
            <OnLine name=if switched { "Earlier" } else { "Current" } masked=rotation.earlier_masked words=earlier used=!switched/>
            <OnLine name="Next" masked=rotation.next_masked words=next used=switched/>
        </ol>
    }
}

#[component]
fn Prepare(desk: Desk) -> impl IntoView {
    let hint = "Leave it empty for 30 random characters.";
    view! {
        <p class="text-ink-2">"A request carries one auth token. Prepare the next one, let your server accept both, then switch."</p>
        <form class="grid gap-3" method="post" action=PrepareToken::PATH>
            <Hidden desk=desk/>
            <Field name="auth_token" label="Next auth token" hint=hint/>
            <p><Button weight=Weight::Primary>"Prepare the next token"</Button></p>
        </form>
    }
}

/// The account and endpoint that a form is about.
#[component]
pub fn Hidden(desk: Desk) -> impl IntoView {
    view! {
        <input type="hidden" name="acct" value=desk.view.acct/>
        <input type="hidden" name="ep" value=desk.ep/>
    }
}

/// A form of one button that turns a rotation.
#[component]
pub fn Turn(desk: Desk, turn: &'static str, verb: &'static str, #[prop(optional)] weight: Weight) -> impl IntoView {
    view! {
        <form method="post" action=TurnRotation::PATH>
            <Hidden desk=desk/>
            <input type="hidden" name="turn" value=turn/>
            <Button weight=weight>{verb}</Button>
        </form>
    }
}

/// A form of one button that sends a test.
#[component]
pub fn SendTest(desk: Desk, what: &'static str, verb: &'static str, first: bool) -> impl IntoView {
    let weight = if first { Weight::Primary } else { Weight::Secondary };
    view! {
        <form method="post" action=TestCredential::PATH>
            <Hidden desk=desk/>
            <input type="hidden" name="what" value=what/>
            <Button weight=weight>{verb}</Button>
        </form>
    }
}

#[component]
fn Steps(rotation: TokenRotation, test: Option<DeliveryDetail>, desk: Desk) -> impl IntoView {
    if rotation.is_switched() {
        return view! {
            <p class="text-ink-2">"If your server refuses events now, undo. Otherwise the earlier token is forgotten at that time by itself."</p>
            <div class="flex flex-wrap gap-3">
                <Turn desk=desk.clone() turn="retire-token" verb="Retire the earlier token" weight=Weight::Primary/>
                <Turn desk=desk turn="undo" verb="Undo the switch"/>
            </div>
        }
        .into_html();
    }
    let proved = rotation.proved_at.is_some();
    let hint = "A test with the next token shows whether your server accepts it already.";
    view! {
        <Proof proved_at=rotation.proved_at test=test hint=hint view=desk.view.clone()/>
        {desk.receives.then(|| view! {
            <SendTest desk=desk.clone() what="auth_token" verb="Send a test with the next token" first=!proved/>
        })}
        <Switch proved=proved desk=desk.clone()/>
        <Turn desk=desk turn="drop" verb="Drop this rotation" weight=Weight::Quiet/>
    }
    .into_html()
}

#[component]
fn Switch(proved: bool, desk: Desk) -> impl IntoView {
    let doubt = (!proved).then(|| Doubt {
        tick: "Switch although nothing is proved",
        words: "Your server may refuse every event after the switch. You can undo it for 24 hours.".to_owned(),
    });
    let view = desk.view.clone();
    view! {
        <form class="grid gap-3 border-t border-line pt-4" method="post" action=SwitchToken::PATH>
            <Hidden desk=desk/>
            <SwitchFields doubt=doubt now="Switch now" later="Switch at that time" view=view/>
        </form>
    }
}
