//! The page that asks before a token is revoked.

use domain::actor::Permission;
use domain::token::ApiToken;
use leptos::prelude::*;

use super::{Whose, last_use, standing};
use crate::api::tokens::load_token;
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::field::CONTROL;
use crate::components::heading::Heading;
use crate::components::rail::Part;
use crate::components::viewpoint::Viewpoint;
use crate::flash::Flash;
use crate::html::IntoHtml;
use crate::pages::account_page;

/// `/a/:acct/tokens/:tok/revoke`
#[component]
pub fn RevokeTokenPage() -> impl IntoView {
    account_page(Part::Tokens, async |place, frame| {
        frame.need(Permission::ManageTokens)?;
        let token = load_token(place.acct.clone(), place.param("tok")).await?;
        let view = Viewpoint::from(&frame);
        Ok(view! { <Question token=token whose=Whose::Account(place.acct) view=view/> }.into_html())
    })
}

/// What happens to whom, and the button; nothing to press where the token has ended.
#[component]
pub fn Question(
    /// The token.
    token: ApiToken,
    /// Whose it is.
    whose: Whose,
    /// Whose clock.
    view: Viewpoint,
) -> impl IntoView {
    let back = whose.page(token.id.as_str());
    let used = format!("{}.", last_use(&token, &view.zone));
    if !token.works(view.now) {
        let ended = format!("{}.", standing(&token, &view.zone, view.now));
        return view! {
            <Heading title=token.name/>
            <p>{ended} " There is nothing to revoke."</p>
            <p><LinkButton href=back>"See the token"</LinkButton></p>
        }
        .into_html();
    }
    let named = token.used_lately(view.now).then(|| view! { <Named name=token.name.clone()/> });
    view! {
        <Heading title=format!("Revoke token {}?", token.name)/>
        <div class="grid max-w-column gap-2">
            <p>"From the next request on it lets nobody in. This cannot be undone."</p>
            <p>{used}</p>
        </div>
        <form class="grid max-w-column gap-4" method="post" action=whose.revoke()>
            {whose.fields(&token)}
            {named}
            <div class="flex flex-wrap gap-3">
                <Button weight=Weight::Final>"Revoke token"</Button>
                <LinkButton href=back>"Keep it"</LinkButton>
            </div>
        </form>
    }
    .into_html()
}

/// Asks for the name of a token that programs use.
#[component]
fn Named(name: String) -> impl IntoView {
    let complaint = use_context::<Flash>().and_then(|flash| flash.error("name").map(str::to_owned));
    let said = complaint.is_some();
    view! {
        <div class="grid gap-1">
            <label class="font-semibold" for="name">{format!("It was used within a day. Type “{name}” to revoke it")}</label>
            {complaint.map(|words| view! { <p class="font-semibold text-failed" id="name-error">{words}</p> })}
            <input class=CONTROL type="text" id="name" name="name" autocomplete="off" spellcheck="false"
                aria-invalid=said.then_some("true") aria-describedby=said.then_some("name-error")/>
        </div>
    }
}
