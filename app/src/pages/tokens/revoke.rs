//! Confirmation before a token is revoked.

use domain::actor::Permission;
use domain::token::ApiToken;
use leptos::prelude::*;

use super::{TokenOwner, last_use, status};
use crate::api::tokens::load_token;
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::field::CONTROL;
use crate::components::heading::Heading;
use crate::components::render_context::RenderContext;
use crate::components::sidebar::Part;
use crate::flash::Flash;
use crate::html::IntoHtml;
use crate::pages::account_page;

/// `/a/:acct/tokens/:tok/revoke`
#[component]
pub fn RevokeTokenPage() -> impl IntoView {
    account_page(Part::Tokens, async |place, frame| {
        frame.need(Permission::ManageTokens)?;
        let token = load_token(place.acct.clone(), place.param("tok")).await?;
        let view = RenderContext::from(&frame);
        Ok(view! { <RevokeConfirmation token=token owner=TokenOwner::Account(place.acct) view=view/> }.into_html())
    })
}

/// What revoking does, and the button. No button if the token is no longer active.
#[component]
pub fn RevokeConfirmation(
    /// The token.
    token: ApiToken,
    /// Its owner.
    owner: TokenOwner,
    /// Account and time zone.
    view: RenderContext,
) -> impl IntoView {
    let back = owner.page(token.id.as_str());
    let used = format!("{}.", last_use(&token, &view.zone));
    if !token.works(view.now) {
        let ended = format!("{}.", status(&token, &view.zone, view.now));
        return view! {
            <Heading title=token.name/>
            <p>{ended} " There’s nothing to revoke."</p>
            <p><LinkButton href=back>"Back to token"</LinkButton></p>
        }
        .into_html();
    }
    let confirm_name = token.used_lately(view.now).then(|| view! { <ConfirmName name=token.name.clone()/> });
    view! {
        <Heading title=format!("Revoke token {}?", token.name)/>
        <div class="grid max-w-column gap-2">
            <p>"Requests with this token are rejected immediately. You can’t undo this."</p>
            <p>{used}</p>
        </div>
        <form class="grid max-w-column gap-4" method="post" action=owner.revoke()>
            {owner.fields(&token)}
            {confirm_name}
            <div class="flex flex-wrap gap-3">
                <Button weight=Weight::Final>"Revoke token"</Button>
                <LinkButton href=back>"Cancel"</LinkButton>
            </div>
        </form>
    }
    .into_html()
}

/// Asks for the name of a token that was used recently.
#[component]
fn ConfirmName(name: String) -> impl IntoView {
    let complaint = use_context::<Flash>().and_then(|flash| flash.error("name").map(str::to_owned));
    let invalid = complaint.is_some();
    view! {
        <div class="grid gap-1">
            <label class="font-semibold" for="name">{format!("This token was used in the last 24 hours. Enter “{name}” to revoke it")}</label>
            {complaint.map(|words| view! { <p class="font-semibold text-failed" id="name-error">{words}</p> })}
            <input class=CONTROL type="text" id="name" name="name" autocomplete="off" spellcheck="false"
                aria-invalid=invalid.then_some("true") aria-describedby=invalid.then_some("name-error")/>
        </div>
    }
}
