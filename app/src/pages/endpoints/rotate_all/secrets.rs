//! Rotating the signing secrets of all endpoints.

use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::{StepAllButton, Tally, endpoints};
use crate::api::bulk_rotation::{RotateAllSecrets, StepAllRotations};
use crate::components::button::{Button, Weight};
use crate::components::field::Checkbox;
use crate::components::panel::Panel;
use crate::components::render_context::RenderContext;
use crate::pages::endpoints::rotation::{OverlapChoice, TEST_HINT};

/// The steps that at least one endpoint can take.
#[component]
pub fn SecretsPanel(tally: Tally, view: RenderContext) -> impl IntoView {
    let idle = tally.two_secrets == 0;
    view! {
        <Panel title="Signing secrets" id="secrets">
            <div class="grid gap-4">
                <p class="text-ink-2">"Rotating creates new secrets immediately. Until the overlap ends, each request has two signatures, so your servers can verify either."</p>
                {(tally.one_secret > 0).then(|| view! { <Rotate count=tally.one_secret first=idle acct=view.acct.clone()/> })}
                {(!idle).then(|| view! { <Overlapping tally=tally acct=view.acct/> })}
            </div>
        </Panel>
    }
}

#[component]
fn Rotate(count: usize, first: bool, acct: String) -> impl IntoView {
    let weight = if first { Weight::Primary } else { Weight::Secondary };
    let verb = format!("Rotate secrets of {}", endpoints(count));
    view! {
        <form class="grid gap-3" method="post" action=RotateAllSecrets::PATH>
            <input type="hidden" name="acct" value=acct/>
            <OverlapChoice/>
            <p><Button weight=weight>{verb}</Button></p>
        </form>
    }
}

#[component]
fn Overlapping(tally: Tally, acct: String) -> impl IntoView {
    let unverified = tally.secrets_unverified.len();
    let counted = format!(
        "{} with two active secrets, {} verified.",
        endpoints(tally.two_secrets),
        tally.two_secrets - unverified
    );
    let hint = (unverified > 0).then(|| {
        view! { <p class="text-ink-2">{TEST_HINT}</p> }
    });
    let test = if unverified > 0 { Weight::Primary } else { Weight::Secondary };
    view! {
        <div class="grid gap-3 border-t border-line pt-4">
            <p class="font-semibold">{counted}</p>
            {hint}
            <div class="flex flex-wrap gap-3">
                <StepAllButton acct=acct.clone() step="test-secret" verb="Send test with new secret only to all" weight=test/>
                {(tally.extendable > 0).then(|| view! { <StepAllButton acct=acct.clone() step="extend" verb="Extend all overlaps"/> })}
            </div>
            <Retire unverified=tally.secrets_unverified acct=acct/>
        </div>
    }
}

/// Ends the overlaps; without a successful test only if explicitly confirmed.
#[component]
fn Retire(unverified: Vec<String>, acct: String) -> impl IntoView {
    let weight = if unverified.is_empty() { Weight::Primary } else { Weight::Secondary };
    let confirmation = (!unverified.is_empty()).then(|| {
        let hint = format!(
            "No test with the new secret has succeeded for: {}. These servers may reject every event once the old one is \
             retired, which can't be undone. They are skipped unless you select this.",
            unverified.join(", ")
        );
        view! { <Checkbox name="retire_anyway" label="Include endpoints without a successful test" hint=hint checked=false/> }
    });
    view! {
        <form class="grid gap-3" method="post" action=StepAllRotations::PATH>
            <input type="hidden" name="acct" value=acct/>
            <input type="hidden" name="turn" value="retire-secret"/>
            {confirmation}
            <p><Button weight=weight>"Retire all old secrets now"</Button></p>
        </form>
    }
}
