//! Platform tokens, with which the phone platform sends events for any account.

use domain::token::Scope;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::html::IntoHtml;
use crate::{
    api::ops_tokens::{CreatePlatformToken, load_platform_token, load_platform_tokens},
    components::{
        button::{Button, LinkButton, Weight},
        field::Field,
        heading::Heading,
        render_context::RenderContext,
    },
    links,
    pages::{
        ops_page,
        tokens::{TokenOwner, list::TokenList, new::ScopesField, revoke::RevokeConfirmation, show::TokenCard},
    },
};

/// `/ops/tokens`
#[component]
pub fn PlatformTokensPage() -> impl IntoView {
    ops_page(async |_, visit| {
        let tokens = load_platform_tokens().await?;
        let view = RenderContext::from(&visit);
        let lead = format!("Let the phone platform send events for any account. {}.", view.clock());
        Ok(view! { <TokenList tokens=tokens owner=TokenOwner::Platform view=view lead=lead/> }.into_html())
    })
}

/// `/ops/tokens/new`
#[component]
pub fn NewPlatformTokenPage() -> impl IntoView {
    ops_page(async |_, visit| {
        let (flash, events) = (visit.flash, Scope::EventsWrite.as_str().to_owned());
        let selected = if flash.refused() { flash.values("scopes") } else { vec![events] };
        let lead = "Lets the phone platform send events for any account, and manage its connectors.";
        Ok(view! {
            <Heading title="Create platform token" lead=lead/>
            <form class="grid max-w-column gap-6" method="post" action=CreatePlatformToken::PATH>
                <Field name="name" label="Name" required=true first=true hint="A name to recognise it by."/>
                <ScopesField scopes=&Scope::PLATFORM selected=selected/>
                <Field name="expires_days" label="Expires after (days)" kind="text"
                    hint="1 to 3,650. If left blank, it doesn’t expire."/>
                <div class="flex flex-wrap gap-3">
                    <Button weight=Weight::Primary>"Create token"</Button>
                    <LinkButton href=links::OPS_TOKENS>"Cancel"</LinkButton>
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
        let view = RenderContext::from(&visit);
        Ok(view! { <TokenCard token=token owner=TokenOwner::Platform flash=visit.flash view=view/> }.into_html())
    })
}

/// `/ops/tokens/:tok/revoke`
#[component]
pub fn RevokePlatformTokenPage() -> impl IntoView {
    ops_page(async |place, visit| {
        let token = load_platform_token(place.param("tok")).await?;
        let view = RenderContext::from(&visit);
        Ok(view! { <RevokeConfirmation token=token owner=TokenOwner::Platform view=view/> }.into_html())
    })
}
