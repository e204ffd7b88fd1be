//! The account's API tokens.

use domain::actor::Permission;
use domain::token::ApiToken;
use leptos::prelude::*;

use super::{Whose, last_use, standing};
use crate::api::tokens::load_tokens;
use crate::components::button::{LinkButton, Weight};
use crate::components::empty_state::EmptyState;
use crate::components::heading::Heading;
use crate::components::rail::Part;
use crate::components::viewpoint::Viewpoint;
use crate::html::IntoHtml;
use crate::pages::account_page;

/// `/a/:acct/tokens`
#[component]
pub fn TokensPage() -> impl IntoView {
    account_page(Part::Tokens, async |place, frame| {
        frame.need(Permission::ManageTokens)?;
        let tokens = load_tokens(place.acct.clone()).await?;
        let view = Viewpoint::from(&frame);
        let lead = "Programs post events, read deliveries and look after endpoints with them.";
        Ok(view! { <TokenList tokens=tokens whose=Whose::Account(place.acct) view=view lead=lead/> }.into_html())
    })
}

/// Tokens, one under the other, or what they are for while there is none.
#[component]
pub fn TokenList(
    /// The tokens.
    tokens: Vec<ApiToken>,
    /// Whose they are.
    whose: Whose,
    /// Whose clock.
    view: Viewpoint,
    /// A line under the heading once there are some.
    #[prop(into)]
    lead: String,
) -> impl IntoView {
    let (new, words) = (whose.page("new"), whose.words());
    if tokens.is_empty() {
        return view! {
            <Heading title=words.title/>
            <EmptyState title=words.first words=words.purpose>
                <LinkButton weight=Weight::Primary href=new>{words.new}</LinkButton>
                <LinkButton href="/help/api">"What the API does"</LinkButton>
            </EmptyState>
        }
        .into_html();
    }
    let row = |token: ApiToken| {
        let page = whose.page(token.id.as_str());
        view! { <Row token=token page=page view=view.clone()/> }
    };
    let rows = tokens.into_iter().map(row).collect_view();
    view! {
        <Heading title=words.title lead=lead>
            <LinkButton weight=Weight::Primary href=new>{words.new}</LinkButton>
        </Heading>
        <ul class="border-b border-line">{rows}</ul>
    }
    .into_html()
}

#[component]
fn Row(token: ApiToken, page: String, view: Viewpoint) -> impl IntoView {
    let works = token.works(view.now);
    let scopes = token.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ");
    view! {
        <li class="relative grid gap-x-4 border-t border-line px-3 py-2 hover:bg-sunk md:grid-cols-[minmax(0,1fr)_auto]">
            <p class="flex flex-wrap items-baseline gap-x-3">
                <a class="font-semibold wrap-anywhere after:absolute after:inset-0" href=page>{token.name.clone()}</a>
                <code class="text-table text-ink-2">{token.masked()}</code>
            </p>
            <p class="text-table md:text-right" class:text-ink-3=!works>{standing(&token, &view.zone, view.now)}</p>
            <p class="text-table wrap-anywhere text-ink-2">{scopes}</p>
            <p class="text-table text-ink-2 md:text-right">{last_use(&token, &view.zone)}</p>
        </li>
    }
}
