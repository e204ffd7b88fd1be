//! Opening an account.

use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::html::IntoHtml;
use crate::{
    api::ops::OpenAccount,
    components::{
        button::{Button, LinkButton, Weight},
        field::Field,
        heading::Heading,
    },
    links,
    pages::ops_page,
};

/// `/ops/accounts/new`
#[component]
pub fn NewAccountPage() -> impl IntoView {
    ops_page(async |_, _| {
        Ok(view! {
            <Heading title="Open an account" lead="A customer of the phone platform."/>
            <form class="grid max-w-column gap-6" method="post" action=OpenAccount::PATH>
                <Field name="name" label="Name" required=true first=true hint="The customer’s company or team. Their people see it."/>
                <Field name="reference" label="Reference"
                    hint="What the phone platform calls this customer. A platform token may name it instead of the account’s id."/>
                <Field name="admin" label="E-mail of the first admin" kind="email"
                    hint="They get a letter with a link that works once, within 7 days, and invite others themselves."/>
                <div class="flex flex-wrap gap-3">
                    <Button weight=Weight::Primary>"Open account"</Button>
                    <LinkButton href=links::OPS_ACCOUNTS>"All accounts"</LinkButton>
                </div>
            </form>
        }
        .into_html())
    })
}
