//! Rotating the auth tokens of all endpoints: prepare, test, switch, retire.

use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::{StepAllButton, Tally, endpoints};
use crate::api::bulk_rotation::{PrepareAllTokens, SwitchAllTokens};
use crate::components::button::{Button, Weight};
use crate::components::field::Field;
use crate::components::panel::Panel;
use crate::components::render_context::RenderContext;
use crate::pages::endpoints::rotation::{SwitchFields, UnverifiedWarning};

/// The steps that at least one endpoint can take.
#[component]
pub fn TokensPanel(tally: Tally, view: RenderContext) -> impl IntoView {
    let idle = tally.prepared + tally.switched == 0;
    view! {
        <Panel title="Auth tokens" id="tokens">
            <div class="grid gap-4">
                <p class="text-ink-2">"Prepare the next tokens, make your servers accept both, send tests, then switch."</p>
                {(tally.idle > 0).then(|| view! { <Prepare count=tally.idle first=idle acct=view.acct.clone()/> })}
                {(tally.prepared > 0).then(|| view! { <Prepared tally=tally.clone() view=view.clone()/> })}
                {(tally.switched > 0).then(|| view! { <Switched switched=tally.switched acct=view.acct/> })}
            </div>
        </Panel>
    }
}

#[component]
fn Prepare(count: usize, first: bool, acct: String) -> impl IntoView {
    let weight = if first { Weight::Primary } else { Weight::Secondary };
    let verb = format!("Prepare for {}", endpoints(count));
    view! {
        <form class="grid gap-3" method="post" action=PrepareAllTokens::PATH>
            <input type="hidden" name="acct" value=acct/>
            <Field name="auth_token" label="Next auth token" hint="The same for all endpoints. If left blank, one is generated for each."/>
            <p><Button weight=weight>{verb}</Button></p>
        </form>
    }
}

#[component]
fn Prepared(tally: Tally, view: RenderContext) -> impl IntoView {
    let unverified = tally.unverified.len();
    let weight = if unverified > 0 { Weight::Primary } else { Weight::Secondary };
    let counted = format!("{} prepared, {} verified.", endpoints(tally.prepared), tally.prepared - unverified);
    let acct = view.acct.clone();
    view! {
        <div class="grid gap-3 border-t border-line pt-4">
            <p class="font-semibold">{counted}</p>
            <StepAllButton acct=acct.clone() step="test-token" verb="Send test with next token to all" weight=weight/>
        </div>
        <Switch unverified=tally.unverified view=view/>
        <StepAllButton acct=acct step="drop" verb="Cancel all prepared rotations" weight=Weight::Quiet/>
    }
}

#[component]
fn Switch(unverified: Vec<String>, view: RenderContext) -> impl IntoView {
    let warning = (!unverified.is_empty()).then(|| UnverifiedWarning {
        label: "Include endpoints without a successful test",
        hint: format!(
            "No test with the next token has succeeded for: {}. These servers may reject every event after the switch. \
             They are skipped unless you select this.",
            unverified.join(", ")
        ),
    });
    view! {
        <form class="grid gap-3" method="post" action=SwitchAllTokens::PATH>
            <input type="hidden" name="acct" value=view.acct.clone()/>
            <SwitchFields warning=warning now="Switch all now" later="Schedule switch for all" view=view/>
        </form>
    }
}

#[component]
fn Switched(switched: usize, acct: String) -> impl IntoView {
    let counted = format!("{} switched. You can undo the switch for 24 hours.", endpoints(switched));
    view! {
        <div class="grid gap-3 border-t border-line pt-4">
            <p class="font-semibold">{counted}</p>
            <div class="flex flex-wrap gap-3">
                <StepAllButton acct=acct.clone() step="retire-token" verb="Retire all previous tokens"/>
                <StepAllButton acct=acct step="undo" verb="Undo all switches"/>
            </div>
        </div>
    }
}
