//! The signing secrets: two that overlap, then one, for all endpoints that are there.

use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::{Tally, TurnAll, endpoints};
use crate::api::rotation_everywhere::RotateEverywhere;
use crate::components::button::{Button, Weight};
use crate::components::panel::Panel;
use crate::components::viewpoint::Viewpoint;
use crate::pages::endpoints::rotation::OverlapChoice;

/// The steps that some endpoint can take.
#[component]
pub fn SecretsPanel(tally: Tally, view: Viewpoint) -> impl IntoView {
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
        <form class="grid gap-3" method="post" action=RotateEverywhere::PATH>
            <input type="hidden" name="acct" value=acct/>
            <OverlapChoice/>
            <p><Button weight=weight>{verb}</Button></p>
        </form>
    }
}

#[component]
fn Overlapping(tally: Tally, acct: String) -> impl IntoView {
    let unproved = tally.secrets_unproved;
    let counted =
        format!("{} with two secrets, {} of them proved.", endpoints(tally.two_secrets), tally.two_secrets - unproved);
    let doubt = (unproved > 0).then(|| {
        view! { <p class="text-ink-2">"Servers that do not know the new secret refuse every event once the old one is retired. An ordinary delivery does not prove it; a test that only the new one signs does."</p> }
    });
    let (test, retire) =
        if unproved > 0 { (Weight::Primary, Weight::Danger) } else { (Weight::Secondary, Weight::Primary) };
    view! {
        <div class="grid gap-3 border-t border-line pt-4">
            <p class="font-semibold">{counted}</p>
            {doubt}
            <div class="flex flex-wrap gap-3">
                <TurnAll acct=acct.clone() turn="test-secret" verb="Send a test signed only with the new secret to all" weight=test/>
                <TurnAll acct=acct.clone() turn="retire-secret" verb="Retire all old secrets now" weight=retire/>
                {(tally.extendable > 0).then(|| view! { <TurnAll acct=acct turn="extend" verb="Extend all once"/> })}
            </div>
        </div>
    }
}
