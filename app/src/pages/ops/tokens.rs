//! The platform's tokens: how the phone platform posts events for any account.

use domain::token::Scope;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::viewpoint;
use crate::html::IntoHtml;
use crate::{
    api::ops_tokens::{MakePlatformToken, load_platform_token, load_platform_tokens},
    components::{
        button::{Button, LinkButton, Weight},
        field::Field,
        heading::Heading,
    },
    links,
    pages::{
        ops_page,
        tokens::{Whose, list::TokenList, revoke::Question, show::TokenCard},
    },
};

/// `/ops/tokens`
#[component]
pub fn PlatformTokensPage() -> impl IntoView {
    ops_page(async |_, visit| {
        let tokens = load_platform_tokens().await?;
        let view = viewpoint(&visit);
        let lead = format!("The phone platform posts events for any account with them. {}.", view.clock());
        Ok(view! { <TokenList tokens=tokens whose=Whose::Platform view=view lead=lead/> }.into_html())
    })
}

/// `/ops/tokens/new`
#[component]
pub fn NewPlatformTokenPage() -> impl IntoView {
    ops_page(async |_, _| {
        Ok(view! {
            <Heading title="New platform token" lead="It posts events for any account, and does nothing else."/>
            <form class="grid max-w-column gap-6" method="post" action=MakePlatformToken::PATH>
                <input type="hidden" name="form[scopes][]" value=Scope::EventsWrite.as_str()/>
                <Field name="name" label="Name" required=true first=true hint="The system that will use it, so that you know it again."/>
                <Field name="expires_days" label="Days until it expires" kind="text"
                    hint="1 to 3,650. Without a number it works until you revoke it."/>
                <div class="flex flex-wrap gap-3">
                    <Button weight=Weight::Primary>"Make token"</Button>
                    <LinkButton href=links::OPS_TOKENS>"All platform tokens"</LinkButton>
                </div>
            </form>
        }
        .into_html())
    })
}

/// `/ops/tokens/:tok`
#[component]
pub fn PlatformTokenPage() -> impl IntoView {
    ops_page(async |place, visit| {
        let token = load_platform_token(place.param("tok")).await?;
        let view = viewpoint(&visit);
        Ok(view! { <TokenCard token=token whose=Whose::Platform flash=visit.flash view=view/> }.into_html())
    })
}

/// `/ops/tokens/:tok/revoke`
#[component]
pub fn RevokePlatformTokenPage() -> impl IntoView {
    ops_page(async |place, visit| {
        let token = load_platform_token(place.param("tok")).await?;
        let view = viewpoint(&visit);
        Ok(view! { <Question token=token whose=Whose::Platform view=view/> }.into_html())
    })
}
