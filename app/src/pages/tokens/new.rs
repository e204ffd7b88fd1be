//! Creating an API token.

use domain::actor::Permission;
use domain::token::Scope;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::api::tokens::CreateToken;
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::checkbox_group::{CheckboxGroup, Choice};
use crate::components::field::Field;
use crate::components::heading::Heading;
use crate::components::sidebar::Part;
use crate::html::IntoHtml;
use crate::links;
use crate::pages::account_page;

/// The scopes to choose from.
#[component]
pub fn ScopesField(
    /// Those that the token may have.
    scopes: &'static [Scope],
    /// The names of the chosen ones.
    selected: Vec<String>,
) -> impl IntoView {
    let choice = |scope: &Scope| Choice {
        value: scope.as_str().into(),
        label: scope.as_str().into(),
        meaning: scope.meaning(),
        checked: selected.iter().any(|name| name == scope.as_str()),
    };
    let choices: Vec<_> = scopes.iter().map(choice).collect();
    view! { <CheckboxGroup name="scopes" label="Scopes" hint="Choose only what the program needs." choices=choices/> }
}

/// `/a/:acct/tokens/new`
#[component]
pub fn NewTokenPage() -> impl IntoView {
    account_page(Part::Tokens, async |place, frame| {
        frame.need(Permission::ManageTokens)?;
        let selected = frame.visit.flash.values("scopes");
        let back = links::account(&place.acct, "tokens");
        Ok(view! {
            <Heading title="Create API token"/>
            <form class="grid max-w-column gap-6" method="post" action=CreateToken::PATH>
                <input type="hidden" name="acct" value=place.acct/>
                <Field name="name" label="Name" required=true hint="A name to recognise it by."/>
                <ScopesField scopes=&Scope::ALL selected=selected/>
                <Field name="expires_days" label="Expires after (days)" kind="text"
                    hint="1 to 3,650. If left blank, it doesn’t expire."/>
                <div class="flex flex-wrap gap-3">
                    <Button weight=Weight::Primary>"Create token"</Button>
                    <LinkButton href=back>"Cancel"</LinkButton>
                </div>
            </form>
        }
        .into_html())
    })
}
