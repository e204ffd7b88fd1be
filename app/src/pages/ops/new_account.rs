//! Creating an account.

use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::html::IntoHtml;
use crate::{
    api::ops::CreateCustomerAccount,
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
            <Heading title="Create account" lead="For a customer of the phone platform."/>
            <form class="grid max-w-column gap-6" method="post" action=CreateCustomerAccount::PATH>
                <Field name="name" label="Name" required=true first=true hint="The customer’s company or team. Members see it."/>
                <Field name="reference" label="Reference"
                    hint="The phone platform’s own ID for this customer. The platform can use it instead of the account ID."/>
                <Field name="country" label="Country"
                    hint="Code of the country in which the customer dials, such as GB. Admins can change it."/>
                <Field name="admin" label="Email of the first admin" kind="email"
                    hint="We’ll email a single-use link, valid for 7 days. They can then invite others."/>
                <div class="flex flex-wrap gap-3">
                    <Button weight=Weight::Primary>"Create account"</Button>
                    <LinkButton href=links::OPS_ACCOUNTS>"Cancel"</LinkButton>
                </div>
            </form>
        }
        .into_html())
    })
}
