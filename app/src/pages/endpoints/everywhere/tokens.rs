//! The auth tokens: prepare, prove, switch, retire, for all endpoints that are there.

use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::{Tally, TurnAll, endpoints};
use crate::api::rotation_everywhere::{PrepareAllTokens, SwitchAllTokens};
use crate::components::button::{Button, Weight};
use crate::components::field::Field;
use crate::components::panel::Panel;
use crate::components::render_context::RenderContext;
use crate::pages::endpoints::rotation::{Doubt, SwitchFields};

/// The steps that some endpoint can take.
#[component]
pub fn TokensPanel(tally: Tally, view: RenderContext) -> impl IntoView {
    let begins = tally.prepared + tally.switched == 0;
    view! {
        <Panel title="Auth tokens" id="tokens">
            <div class="grid gap-4">
                <p class="text-ink-2">"Prepare the next tokens, let your servers accept both, prove them by a test, then switch."</p>
                {(tally.idle > 0).then(|| view! { <Prepare idle=tally.idle first=begins acct=view.acct.clone()/> })}
                {(tally.prepared > 0).then(|| view! { <Prepared tally=tally.clone() view=view.clone()/> })}
                {(tally.switched > 0).then(|| view! { <Switched switched=tally.switched acct=view.acct/> })}
            </div>
        </Panel>
    }
}

#[component]
fn Prepare(idle: usize, first: bool, acct: String) -> impl IntoView {
    let weight = if first { Weight::Primary } else { Weight::Secondary };
    let verb = format!("Prepare for {}", endpoints(idle));
    view! {
        <form class="grid gap-3" method="post" action=PrepareAllTokens::PATH>
            <input type="hidden" name="acct" value=acct/>
            <Field name="auth_token" label="Next auth token" hint="One for all. Leave it empty for 30 random characters each."/>
            <p><Button weight=weight>{verb}</Button></p>
        </form>
    }
}

#[component]
fn Prepared(tally: Tally, view: RenderContext) -> impl IntoView {
    let unproved = tally.unproved.len();
    let weight = if unproved > 0 { Weight::Primary } else { Weight::Secondary };
    let counted = format!("{} prepared, {} of them proved.", endpoints(tally.prepared), tally.prepared - unproved);
    let acct = view.acct.clone();
    view! {
        <div class="grid gap-3 border-t border-line pt-4">
            <p class="font-semibold">{counted}</p>
            <TurnAll acct=acct.clone() turn="test-token" verb="Send a test with the next token to all" weight=weight/>
        </div>
        <Switch unproved=tally.unproved view=view/>
        <TurnAll acct=acct turn="drop" verb="Drop all prepared rotations" weight=Weight::Quiet/>
    }
}

#[component]
fn Switch(unproved: Vec<String>, view: RenderContext) -> impl IntoView {
    let doubt = (!unproved.is_empty()).then(|| Doubt {
        tick: "Switch also where nothing is proved",
        words: format!(
            "Nothing has proved that these know their next token: {}. They may refuse every event after the switch. \
             Without the tick they are skipped.",
            unproved.join(", ")
        ),
    });
    view! {
        <form class="grid gap-3" method="post" action=SwitchAllTokens::PATH>
            <input type="hidden" name="acct" value=view.acct.clone()/>
            <SwitchFields doubt=doubt now="Switch all now" later="Switch all at that time" view=view/>
        </form>
    }
}

#[component]
fn Switched(switched: usize, acct: String) -> impl IntoView {
    let counted =
        format!("{} switched. The earlier tokens can come back for 24 hours after the switch.", endpoints(switched));
    view! {
        <div class="grid gap-3 border-t border-line pt-4">
            <p class="font-semibold">{counted}</p>
            <div class="flex flex-wrap gap-3">
                <TurnAll acct=acct.clone() turn="retire-token" verb="Retire all earlier tokens"/>
                <TurnAll acct=acct turn="undo" verb="Undo all switches"/>
            </div>
        </div>
    }
}
