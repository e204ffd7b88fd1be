//! The account's API tokens.

use domain::actor::Permission;
use domain::token::ApiToken;
use leptos::prelude::*;

use super::{TokenOwner, last_use, status};
use crate::api::tokens::load_tokens;
use crate::components::button::{LinkButton, Weight};
use crate::components::empty_state::EmptyState;
use crate::components::heading::Heading;
use crate::components::render_context::RenderContext;
use crate::components::sidebar::Part;
use crate::html::IntoHtml;
use crate::pages::account_page;

/// `/a/:acct/tokens`
#[component]
pub fn TokensPage() -> impl IntoView {
    account_page(Part::Tokens, async |place, frame| {
        frame.need(Permission::ManageTokens)?;
        let tokens = load_tokens(place.acct.clone()).await?;
        let view = RenderContext::from(&frame);
        let lead = "API tokens let your programs send events, read deliveries and manage endpoints.";
        Ok(view! { <TokenList tokens=tokens owner=TokenOwner::Account(place.acct) view=view lead=lead/> }.into_html())
    })
}

/// The list of tokens, or an introduction if there are none.
#[component]
pub fn TokenList(
    /// The tokens.
    tokens: Vec<ApiToken>,
    /// Their owner.
    owner: TokenOwner,
    /// Account and time zone.
    view: RenderContext,
    /// The line below the heading if there are tokens.
    #[prop(into)]
    lead: String,
) -> impl IntoView {
    let (new, text) = (owner.page("new"), owner.list_text());
    if tokens.is_empty() {
        return view! {
            <Heading title=text.title/>
            <EmptyState title=text.empty words=text.purpose>
                <LinkButton weight=Weight::Primary href=new>{text.new}</LinkButton>
                <LinkButton href="/help/api">"Read the API docs"</LinkButton>
            </EmptyState>
        }
        .into_html();
    }
    let row = |token: ApiToken| {
        let page = owner.page(token.id.as_str());
        view! { <Row token=token page=page view=view.clone()/> }
    };
    let rows = tokens.into_iter().map(row).collect_view();
    view! {
        <Heading title=text.title lead=lead>
            <LinkButton weight=Weight::Primary href=new>{text.new}</LinkButton>
        </Heading>
        <ul class="border-b border-line">{rows}</ul>
    }
    .into_html()
}

#[component]
fn Row(token: ApiToken, page: String, view: RenderContext) -> impl IntoView {
    let works = token.works(view.now);
    let scopes = token.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ");
    view! {
        <li class="relative grid gap-x-4 border-t border-line px-3 py-2 hover:bg-sunk md:grid-cols-[minmax(0,1fr)_auto]">
            <p class="flex flex-wrap items-baseline gap-x-3">
                <a class="font-semibold wrap-anywhere after:absolute after:inset-0" href=page>{token.name.clone()}</a>
                <code class="text-table text-ink-2">{token.masked()}</code>
            </p>
            <p class="text-table md:text-right" class:text-ink-3=!works>{status(&token, &view.zone, view.now)}</p>
            <p class="text-table wrap-anywhere text-ink-2">{scopes}</p>
            <p class="text-table text-ink-2 md:text-right">{last_use(&token, &view.zone)}</p>
        </li>
    }
}
