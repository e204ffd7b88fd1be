//! One API token: its details and actions.

use domain::actor::Permission;
use domain::token::{ApiToken, OVERLAP_H, TokenState};
use leptos::prelude::*;

use super::{TokenOwner, last_use, status};
use crate::api::tokens::load_token;
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::field::CONTROL;
use crate::components::heading::Heading;
use crate::components::key_value::{Facts, IdText, KeyValue};
use crate::components::panel::Panel;
use crate::components::render_context::RenderContext;
use crate::components::secret::Secret;
use crate::components::sidebar::Part;
use crate::flash::Flash;
use crate::html::IntoHtml;
use crate::pages::account_page;

/// `/a/:acct/tokens/:tok`
#[component]
pub fn TokenPage() -> impl IntoView {
    account_page(Part::Tokens, async |place, frame| {
        frame.need(Permission::ManageTokens)?;
        let token = load_token(place.acct.clone(), place.param("tok")).await?;
        let (view, flash) = (RenderContext::from(&frame), frame.visit.flash);
        Ok(view! { <TokenCard token=token owner=TokenOwner::Account(place.acct) flash=flash view=view/> }.into_html())
    })
}

/// A token's details and actions, with the token itself if it was just created.
#[component]
pub fn TokenCard(
    /// The token.
    token: ApiToken,
    /// Its owner.
    owner: TokenOwner,
    /// The result of the previous form.
    flash: Flash,
    /// Account and time zone.
    view: RenderContext,
) -> impl IntoView {
    let (state, all) = (token.state(view.now), owner.page(""));
    let created = created(&flash, &all);
    let rotate = (state == TokenState::Active).then(|| view! { <Rotate owner=owner.clone() token=token.clone()/> });
    let revoke = token.works(view.now).then(|| owner.revoke_page(token.id.as_str()));
    view! {
        <Heading title=token.name.clone()>
            <LinkButton href=all>"All tokens"</LinkButton>
            {revoke.map(|page| view! { <LinkButton weight=Weight::Danger href=page>"Revoke"</LinkButton> })}
        </Heading>
        {created}
        <TokenFacts token=token owner=owner view=view/>
        {rotate}
    }
}

/// The token itself, if it was just created.
fn created(flash: &Flash, all: &str) -> Option<impl IntoView + use<>> {
    let secret = flash.value("secret").filter(|_| !flash.refused())?.to_owned();
    let all = all.to_owned();
    Some(view! {
        <section class="grid max-w-column gap-3 border-l-4 border-lamp bg-surface p-4" aria-labelledby="created">
            <h2 class="text-large font-bold" id="created">"Copy your token now"</h2>
            <p class="text-ink-2">"You won’t be able to see it again, because we store only a hash. Anyone who has it can use its scopes."</p>
            <dl><Secret name="API token" purpose="Send it with each request: Authorization: Bearer oh_…" value=secret/></dl>
            <div><LinkButton weight=Weight::Primary href=all>"Done"</LinkButton></div>
        </section>
    })
}

#[component]
fn TokenFacts(token: ApiToken, owner: TokenOwner, view: RenderContext) -> impl IntoView {
    let by = token.created_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let next = token.replaced_by.as_ref().map(|next| {
        let href = owner.page(next.as_str());
        view! { <KeyValue name="Replaced by"><a href=href>"Newer token"</a></KeyValue> }
    });
    let facts = [
        ("Status", status(&token, &view.zone, view.now)),
        ("Scopes", token.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ")),
        ("Created", format!("{}{by}", view.zone.short(token.created_at))),
        ("Usage", last_use(&token, &view.zone)),
    ];
    let facts = facts.map(|(name, value)| view! { <KeyValue name=name>{value}</KeyValue> });
    let (masked, id) = (token.masked(), token.id.to_string());
    view! {
        <div class="max-w-column">
            <Facts>
                <KeyValue name="Token"><code>{masked}</code></KeyValue>
                {facts}
                {next}
                <KeyValue name="Token ID"><IdText id=id what="token ID"/></KeyValue>
            </Facts>
        </div>
    }
}

#[component]
fn Rotate(owner: TokenOwner, token: ApiToken) -> impl IntoView {
    const OVERLAPS: [(u32, &str); 4] =
        [(0, "Revoke immediately (leaked)"), (1, "1 hour"), (OVERLAP_H, "24 hours"), (168, "7 days")];
    let options = OVERLAPS.map(|(hours, words)| {
        view! { <option value=hours selected=hours == OVERLAP_H>{words}</option> }
    });
    view! {
        <Panel title="Rotate" id="rotate">
            <form class="grid max-w-column gap-4" method="post" action=owner.rotate()>
                {owner.fields(&token)}
                <p class="text-ink-2">"Creates a new token with the same scopes. Both tokens work for a while, so that no requests are rejected while you switch."</p>
                <label class="flex flex-wrap items-center gap-3">
                    "Keep the current token active for"
                    <span class="w-56"><select class=CONTROL name="overlap_h">{options}</select></span>
                </label>
                <div><Button weight=Weight::Primary>"Rotate token"</Button></div>
            </form>
        </Panel>
    }
}
