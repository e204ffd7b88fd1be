//! One API token: how it stands, and what can be done with it.

use domain::actor::Permission;
use domain::token::{ApiToken, OVERLAP_H, TokenState};
use leptos::prelude::*;

use super::{Whose, last_use, standing};
use crate::api::tokens::load_token;
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::field::CONTROL;
use crate::components::heading::Heading;
use crate::components::key_value::{Facts, IdText, KeyValue};
use crate::components::panel::Panel;
use crate::components::rail::Part;
use crate::components::secret::Secret;
use crate::components::viewpoint::Viewpoint;
use crate::flash::Flash;
use crate::html::IntoHtml;
use crate::pages::account_page;

/// `/a/:acct/tokens/:tok`
#[component]
pub fn TokenPage() -> impl IntoView {
    account_page(Part::Tokens, async |place, frame| {
        frame.need(Permission::ManageTokens)?;
        let token = load_token(place.acct.clone(), place.param("tok")).await?;
        let (view, flash) = (Viewpoint::from(&frame), frame.visit.flash);
        Ok(view! { <TokenCard token=token whose=Whose::Account(place.acct) flash=flash view=view/> }.into_html())
    })
}

/// A token: its text where it was made just now, how it stands, and what can be done with it.
#[component]
pub fn TokenCard(
    /// The token.
    token: ApiToken,
    /// Whose it is.
    whose: Whose,
    /// What became of the form before.
    flash: Flash,
    /// Whose clock.
    view: Viewpoint,
) -> impl IntoView {
    let (state, all) = (token.state(view.now), whose.page(""));
    let made = made(&flash, &all);
    let rotate = (state == TokenState::Active).then(|| view! { <Rotate whose=whose.clone() token=token.clone()/> });
    let revoke = token.works(view.now).then(|| whose.revoke_page(token.id.as_str()));
    view! {
        <Heading title=token.name.clone()>
            <LinkButton href=all>"All tokens"</LinkButton>
            {revoke.map(|page| view! { <LinkButton weight=Weight::Danger href=page>"Revoke"</LinkButton> })}
        </Heading>
        {made}
        <Known token=token whose=whose view=view/>
        {rotate}
    }
}

/// The token's text, where it was made just now.
fn made(flash: &Flash, all: &str) -> Option<impl IntoView + use<>> {
    let secret = flash.value("secret").filter(|_| !flash.refused())?.to_owned();
    let all = all.to_owned();
    Some(view! {
        <section class="grid max-w-column gap-3 border-l-4 border-lamp bg-surface p-4" aria-labelledby="made">
            <h2 class="text-large font-bold" id="made">"Store this token now"</h2>
            <p class="text-ink-2">"It is shown this once: we keep only a hash of it. Whoever has it may do what its scopes say."</p>
            <dl><Secret name="API token" purpose="Programs send it with each request: Authorization: Bearer oh_…" value=secret/></dl>
            <div><LinkButton weight=Weight::Primary href=all>"I have stored it"</LinkButton></div>
        </section>
    })
}

#[component]
fn Known(token: ApiToken, whose: Whose, view: Viewpoint) -> impl IntoView {
    let by = token.created_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let next = token.replaced_by.as_ref().map(|next| {
        let href = whose.page(next.as_str());
        view! { <KeyValue name="Takes its place"><a href=href>"the newer token"</a></KeyValue> }
    });
    let facts = [
        ("State", standing(&token, &view.zone, view.now)),
        ("May do", token.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ")),
        ("Made", format!("{}{by}", view.zone.short(token.created_at))),
        ("Use", last_use(&token, &view.zone)),
    ];
    let facts = facts.map(|(name, value)| view! { <KeyValue name=name>{value}</KeyValue> });
    let (masked, id) = (token.masked(), token.id.to_string());
    view! {
        <div class="max-w-column">
            <Facts>
                <KeyValue name="Token"><code>{masked}</code></KeyValue>
                {facts}
                {next}
                <KeyValue name="Token ID"><IdText id=id what="token id"/></KeyValue>
            </Facts>
        </div>
    }
}

#[component]
fn Rotate(whose: Whose, token: ApiToken) -> impl IntoView {
    const OVERLAPS: [(u32, &str); 4] =
        [(0, "not at all: it leaked"), (1, "1 hour"), (OVERLAP_H, "24 hours"), (168, "7 days")];
    let options = OVERLAPS.map(|(hours, words)| {
        view! { <option value=hours selected=hours == OVERLAP_H>{words}</option> }
    });
    view! {
        <Panel title="Rotate" id="rotate">
            <form class="grid max-w-column gap-4" method="post" action=whose.rotate()>
                {whose.fields(&token)}
                <p class="text-ink-2">"A new token with the same scopes takes its place. Both work for a while, so that no request is refused while you change it over."</p>
                <label class="flex flex-wrap items-center gap-3">
                    "This one works on for"
                    <span class="w-56"><select class=CONTROL name="overlap_h">{options}</select></span>
                </label>
                <div><Button weight=Weight::Primary>"Rotate"</Button></div>
            </form>
        </Panel>
    }
}
