//! The signing secrets: two that overlap, then one, for all endpoints that are there.

use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::{Tally, TurnAll, endpoints};
use crate::api::rotation_everywhere::{RotateAllSecrets, StepAllRotations};
use crate::components::button::{Button, Weight};
use crate::components::field::Tick;
use crate::components::panel::Panel;
use crate::components::render_context::RenderContext;
use crate::pages::endpoints::rotation::OverlapChoice;

/// The steps that some endpoint can take.
#[component]
pub fn SecretsPanel(tally: Tally, view: RenderContext) -> impl IntoView {
    let begins = tally.two_secrets == 0;
    view! {
        <Panel title="Signing secrets" id="secrets">
            <div class="grid gap-4">
                <p class="text-ink-2">"Rotate makes new secrets at once. Until the overlap ends each request has two signatures, so a server that knows either of them accepts it."</p>
                {(tally.one_secret > 0).then(|| view! { <Rotate idle=tally.one_secret first=begins acct=view.acct.clone()/> })}
                {(!begins).then(|| view! { <Overlapping tally=tally acct=view.acct/> })}
            </div>
        </Panel>
    }
}

#[component]
fn Rotate(idle: usize, first: bool, acct: String) -> impl IntoView {
    let weight = if first { Weight::Primary } else { Weight::Secondary };
    let verb = format!("Rotate the secrets of {}", endpoints(idle));
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
    let unproved = tally.secrets_unproved.len();
    let counted =
        format!("{} with two secrets, {} of them proved.", endpoints(tally.two_secrets), tally.two_secrets - unproved);
    let doubt = (unproved > 0).then(|| {
        view! { <p class="text-ink-2">"An ordinary delivery does not prove the new secret, since the old one signs too. A test that only the new one signs does."</p> }
    });
    let test = if unproved > 0 { Weight::Primary } else { Weight::Secondary };
    view! {
        <div class="grid gap-3 border-t border-line pt-4">
            <p class="font-semibold">{counted}</p>
            {doubt}
            <div class="flex flex-wrap gap-3">
                <TurnAll acct=acct.clone() turn="test-secret" verb="Send a test signed only with the new secret to all" weight=test/>
                {(tally.extendable > 0).then(|| view! { <TurnAll acct=acct.clone() turn="extend" verb="Extend all once"/> })}
            </div>
            <Retire unproved=tally.secrets_unproved acct=acct/>
        </div>
    }
}

/// Ends the overlaps; those that nothing has proved only where that is said.
#[component]
fn Retire(unproved: Vec<String>, acct: String) -> impl IntoView {
    let weight = if unproved.is_empty() { Weight::Primary } else { Weight::Secondary };
    let tick = (!unproved.is_empty()).then(|| {
        let words = format!(
            "Nothing has proved that these know their new secret: {}. They may refuse every event once the old one is \
             retired, and it does not come back. Without the tick they are skipped.",
            unproved.join(", ")
        );
        view! { <Tick name="retire_anyway" label="Retire also where nothing is proved" hint=words checked=false/> }
    });
    view! {
        <form class="grid gap-3" method="post" action=StepAllRotations::PATH>
            <input type="hidden" name="acct" value=acct/>
            <input type="hidden" name="turn" value="retire-secret"/>
            {tick}
            <p><Button weight=weight>"Retire all old secrets now"</Button></p>
        </form>
    }
}
