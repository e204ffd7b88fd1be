//! Rotating the credentials of all endpoints together.

mod outcome;
mod rows;
mod secrets;
mod tokens;

use domain::actor::Permission;
use domain::rotation::TokenRotation;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use self::outcome::Outcome;
use self::rows::StatusRows;
use self::secrets::SecretsPanel;
use self::tokens::TokensPanel;
use crate::api::bulk_rotation::{StepAllRotations, load_bulk_rotation};
use crate::api::rotation::RotationStatus;
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::empty_state::EmptyState;
use crate::components::heading::Heading;
use crate::components::render_context::RenderContext;
use crate::components::sidebar::Part;
use crate::html::IntoHtml;
use crate::links;
use crate::pages::account_page;

/// How many endpoints are at which step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Tally {
    idle: usize,
    prepared: usize,
    switched: usize,
    /// Names of prepared endpoints without a successful test.
    unverified: Vec<String>,
    one_secret: usize,
    two_secrets: usize,
    /// Names of endpoints without a successful test of the new secret.
    secrets_unverified: Vec<String>,
    extendable: usize,
}

impl Tally {
    fn of(statuses: &[RotationStatus]) -> Self {
        let mut tally = Self::default();
        for view in statuses.iter().map(|status| &status.view) {
            match &view.token {
                None => tally.idle += 1,
                Some(token) if token.is_switched() => tally.switched += 1,
                Some(TokenRotation { proved_at, .. }) => {
                    tally.prepared += 1;
                    tally.unverified.extend(proved_at.is_none().then(|| view.endpoint.name.clone()));
                }
            }
            match &view.secret {
                None => tally.one_secret += 1,
                Some(secret) => {
                    tally.two_secrets += 1;
                    tally.secrets_unverified.extend(secret.proved_at.is_none().then(|| view.endpoint.name.clone()));
                    tally.extendable += usize::from(!secret.extended);
                }
            }
        }
        tally
    }
}

/// `/a/:acct/rotate`
#[component]
pub fn RotateAllPage() -> impl IntoView {
    account_page(Part::Endpoints, async |route, frame| {
        frame.need(Permission::RotateCredentials)?;
        let statuses = load_bulk_rotation(route.acct.clone()).await?;
        let view = RenderContext::from(&frame);
        if statuses.is_empty() {
            let start = links::account(&route.acct, "start");
            return Ok(view! {
                <Heading title="Rotate all credentials"/>
                <EmptyState title="No credentials to rotate yet" words="Each endpoint has its own credentials, and this account has no endpoints.">
                    <LinkButton weight=Weight::Primary href=start>"Set up your first endpoint"</LinkButton>
                </EmptyState>
            }
            .into_html());
        }
        let tally = Tally::of(&statuses);
        Ok(view! {
            <Heading title="Rotate all credentials"/>
            <p class="max-w-column">
                "Each endpoint has its own rotation. Here you take the next step for all of them at once; endpoints at another step are skipped."
            </p>
            <Outcome flash=frame.visit.flash.clone()/>
            <div class="grid items-start gap-6 xl:grid-cols-2">
                <TokensPanel tally=tally.clone() view=view.clone()/>
                <SecretsPanel tally=tally view=view.clone()/>
            </div>
            <StatusRows statuses=statuses view=view/>
        }
        .into_html())
    })
}

/// A button that takes a step for all endpoints.
#[component]
fn StepAllButton(
    acct: String,
    step: &'static str,
    #[prop(into)] verb: String,
    #[prop(optional)] weight: Weight,
) -> impl IntoView {
    view! {
        <form method="post" action=StepAllRotations::PATH>
            <input type="hidden" name="acct" value=acct/>
            <input type="hidden" name="turn" value=step/>
            <Button weight=weight>{verb}</Button>
        </form>
    }
}

/// `1 endpoint`, `3 endpoints`.
fn endpoints(n: usize) -> String {
    format!("{n} {}", if n == 1 { "endpoint" } else { "endpoints" })
}
