//! A new API token.

use domain::actor::Permission;
use domain::token::Scope;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::api::tokens::MakeToken;
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::checkbox_group::{CheckboxGroup, Choice};
use crate::components::field::Field;
use crate::components::heading::Heading;
use crate::components::rail::Part;
use crate::html::IntoHtml;
use crate::links;
use crate::pages::account_page;

/// `/a/:acct/tokens/new`
#[component]
pub fn NewTokenPage() -> impl IntoView {
    account_page(Part::Tokens, async |place, frame| {
        frame.need(Permission::ManageTokens)?;
        let ticked = frame.visit.flash.values("scopes");
        let choice = |scope: Scope| Choice {
            value: scope.as_str(),
            label: scope.as_str(),
            meaning: scope.meaning(),
            checked: ticked.iter().any(|name| name == scope.as_str()),
        };
        let choices = Scope::ALL.into_iter().map(choice).collect();
        let keep = links::account(&place.acct, "tokens");
        Ok(view! {
            <Heading title="New API token"/>
            <form class="grid max-w-column gap-6" method="post" action=MakeToken::PATH>
                <input type="hidden" name="acct" value=place.acct/>
                <Field name="name" label="Name" required=true hint="The program that will use it, so that you know it again."/>
                <CheckboxGroup name="scopes" label="What it may do" hint="As little as the program needs." choices=choices/>
                <Field name="expires_days" label="Days until it expires" kind="text"
                    hint="1 to 3,650. Without a number it works until you revoke it."/>
                <div class="flex flex-wrap gap-3">
                    <Button weight=Weight::Primary>"Make token"</Button>
                    <LinkButton href=keep>"Back to all tokens"</LinkButton>
                </div>
            </form>
        }
        .into_html())
    })
}
