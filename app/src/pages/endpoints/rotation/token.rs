//! Rotating the auth token: prepare, test, switch, retire.

use domain::delivery::DeliveryDetail;
use domain::rotation::{TokenPhase, TokenRotation};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::RotationContext;
use super::proof::Proof;
use super::switch_fields::{SwitchFields, UnverifiedWarning};
use super::timeline::TimelineRow;
use crate::api::rotation::{PrepareToken, StepRotation, SwitchToken, TestCredential};
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
    context: RotationContext,
) -> impl IntoView {
    let content = match rotation {
        None => view! {
            <ol class="grid gap-2"><TimelineRow name="Auth token" masked=masked usage="sent with every event" used=true/></ol>
            {context.may_rotate.then(|| view! { <Prepare context=context/> })}
        }
        .into_html(),
        Some(rotation) => view! {
            <TokenLine rotation=rotation.clone() context=context.clone()/>
            {context.may_rotate.then(|| view! { <Steps rotation=rotation test=test context=context/> })}
        }
        .into_html(),
    };
    view! { <Panel title="Auth token" id="token"><div class="grid gap-4">{content}</div></Panel> }
}

#[component]
fn TokenLine(rotation: TokenRotation, context: RotationContext) -> impl IntoView {
    let time = |at| context.view.zone.short(at);
    let (earlier, next) = match rotation.phase {
        TokenPhase::Prepared { switch_at: None } => ("used until the switch".to_owned(), "prepared".to_owned()),
        TokenPhase::Prepared { switch_at: Some(at) } => {
            (format!("used until {}", time(at)), format!("used from {}", time(at)))
        }
        TokenPhase::Switched { at, undo_until } => {
            (format!("can be restored until {}", time(undo_until)), format!("used since {}", time(at)))
        }
    };
    let switched = rotation.is_switched();
    let (earlier_name, next_name) = if switched { ("Previous", "Current") } else { ("Current", "Next") };
    view! {
        <ol class="grid gap-2">
            <TimelineRow name=earlier_name masked=rotation.earlier_masked usage=earlier used=!switched/>
            <TimelineRow name=next_name masked=rotation.next_masked usage=next used=switched/>
        </ol>
    }
}

#[component]
fn Prepare(context: RotationContext) -> impl IntoView {
    let hint = "Generated if left blank.";
    view! {
        <p class="text-ink-2">"Each request carries one auth token. Prepare the next one, make your server accept both, then switch."</p>
        <form class="grid gap-3" method="post" action=PrepareToken::PATH>
            <EndpointInputs context=context/>
            <Field name="auth_token" label="Next auth token" hint=hint/>
            <p><Button weight=Weight::Primary>"Prepare next token"</Button></p>
        </form>
    }
}

/// Hidden inputs with the account and the endpoint.
#[component]
pub fn EndpointInputs(context: RotationContext) -> impl IntoView {
    view! {
        <input type="hidden" name="acct" value=context.view.acct/>
        <input type="hidden" name="ep" value=context.ep/>
    }
}

/// A button that takes a rotation step.
#[component]
pub fn StepButton(
    context: RotationContext,
    step: &'static str,
    verb: &'static str,
    #[prop(optional)] weight: Weight,
) -> impl IntoView {
    view! {
        <form method="post" action=StepRotation::PATH>
            <EndpointInputs context=context/>
            <input type="hidden" name="turn" value=step/>
            <Button weight=weight>{verb}</Button>
        </form>
    }
}

/// A button that sends a test.
#[component]
pub fn SendTest(context: RotationContext, what: &'static str, verb: &'static str, first: bool) -> impl IntoView {
    let weight = if first { Weight::Primary } else { Weight::Secondary };
    view! {
        <form method="post" action=TestCredential::PATH>
            <EndpointInputs context=context/>
            <input type="hidden" name="what" value=what/>
            <Button weight=weight>{verb}</Button>
        </form>
    }
}

#[component]
fn Steps(rotation: TokenRotation, test: Option<DeliveryDetail>, context: RotationContext) -> impl IntoView {
    if rotation.is_switched() {
        return view! {
            <p class="text-ink-2">"If your server now rejects events, undo the switch. Otherwise the previous token is deleted at the time shown."</p>
            <div class="flex flex-wrap gap-3">
                <StepButton context=context.clone() step="retire-token" verb="Retire previous token" weight=Weight::Primary/>
                <StepButton context=context step="undo" verb="Undo switch"/>
            </div>
        }
        .into_html();
    }
    let verified = rotation.proved_at.is_some();
    let hint = "Send a test with the next token to check that your server accepts it.";
    view! {
        <Proof verified_at=rotation.proved_at test=test hint=hint view=context.view.clone()/>
        {context.receives.then(|| view! {
            <SendTest context=context.clone() what="auth_token" verb="Send test with next token" first=!verified/>
        })}
        <Switch verified=verified context=context.clone()/>
        <StepButton context=context step="drop" verb="Cancel rotation" weight=Weight::Quiet/>
    }
    .into_html()
}

#[component]
fn Switch(verified: bool, context: RotationContext) -> impl IntoView {
    let warning = (!verified).then(|| UnverifiedWarning {
        label: "Switch without a successful test",
        hint: "Your server may reject every event after the switch. You can undo it for 24 hours.".to_owned(),
    });
    let view = context.view.clone();
    view! {
        <form class="grid gap-3 border-t border-line pt-4" method="post" action=SwitchToken::PATH>
            <EndpointInputs context=context/>
            <SwitchFields warning=warning now="Switch now" later="Schedule switch" view=view/>
        </form>
    }
}
