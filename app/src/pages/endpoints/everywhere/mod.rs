//! Rotating everywhere: the credentials of all endpoints, taken a step further together.

mod outcome;
mod rows;
mod secrets;
mod tokens;

use domain::actor::Permission;
use domain::rotation::TokenRotation;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use self::outcome::Outcome;
use self::rows::StandingRows;
use self::secrets::SecretsPanel;
use self::tokens::TokensPanel;
use crate::api::rotation::Standing;
use crate::api::rotation_everywhere::{TurnEverywhere, load_everywhere};
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::empty_state::EmptyState;
use crate::components::heading::Heading;
use crate::components::rail::Part;
use crate::components::viewpoint::Viewpoint;
use crate::html::IntoHtml;
use crate::links;
use crate::pages::account_page;

/// How many endpoints stand where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Tally {
    idle: usize,
    prepared: usize,
    switched: usize,
    /// Names of those that are prepared and that no test has proved.
    unproved: Vec<String>,
    one_secret: usize,
    two_secrets: usize,
    /// Names of those whose new secret no test has proved.
    secrets_unproved: Vec<String>,
    extendable: usize,
}

impl Tally {
    fn of(standings: &[Standing]) -> Self {
        let mut tally = Self::default();
        for view in standings.iter().map(|standing| &standing.view) {
            match &view.token {
                None => tally.idle += 1,
                Some(token) if token.is_switched() => tally.switched += 1,
                Some(TokenRotation { proved_at, .. }) => {
                    tally.prepared += 1;
                    tally.unproved.extend(proved_at.is_none().then(|| view.endpoint.name.clone()));
                }
            }
            match &view.secret {
                None => tally.one_secret += 1,
                Some(secret) => {
                    tally.two_secrets += 1;
                    tally.secrets_unproved.extend(secret.proved_at.is_none().then(|| view.endpoint.name.clone()));
                    tally.extendable += usize::from(!secret.extended);
                }
            }
        }
        tally
    }
}

/// `/a/:acct/rotate`
#[component]
pub fn RotateEverywherePage() -> impl IntoView {
    account_page(Part::Endpoints, async |place, frame| {
        frame.need(Permission::RotateCredentials)?;
        let standings = load_everywhere(place.acct.clone()).await?;
        let view = Viewpoint::from(&frame);
        if standings.is_empty() {
            let start = links::account(&place.acct, "start");
            return Ok(view! {
                <Heading title="Rotate everywhere"/>
                <EmptyState title="There is nothing to rotate yet" words="Credentials belong to endpoints, and this account has none.">
                    <LinkButton weight=Weight::Primary href=start>"Set up the first endpoint"</LinkButton>
                </EmptyState>
            }
            .into_html());
        }
        let tally = Tally::of(&standings);
        Ok(view! {
            <Heading title="Rotate everywhere"/>
            <p class="max-w-column">
                "Each endpoint has a rotation of its own. Here you take all of them a step further at once; those that are somewhere else are passed over."
            </p>
            <Outcome flash=frame.visit.flash.clone()/>
            <div class="grid items-start gap-6 xl:grid-cols-2">
                <TokensPanel tally=tally.clone() view=view.clone()/>
                <SecretsPanel tally=tally view=view.clone()/>
            </div>
            <StandingRows standings=standings view=view/>
        }
        .into_html())
    })
}

/// A form of one button that takes a step everywhere.
#[component]
fn TurnAll(
    acct: String,
    turn: &'static str,
    #[prop(into)] verb: String,
    #[prop(optional)] weight: Weight,
) -> impl IntoView {
    view! {
        <form method="post" action=TurnEverywhere::PATH>
            <input type="hidden" name="acct" value=acct/>
            <input type="hidden" name="turn" value=turn/>
            <Button weight=weight>{verb}</Button>
        </form>
    }
}

/// `1 endpoint`, `3 endpoints`.
fn endpoints(n: usize) -> String {
    format!("{n} {}", if n == 1 { "endpoint" } else { "endpoints" })
}
