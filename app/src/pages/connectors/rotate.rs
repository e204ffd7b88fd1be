//! Confirmation before a connector gets a new secret.

use domain::connector::{Connector, System, Way};
use leptos::prelude::*;

use super::{Area, new::Crumb};
use crate::{
    api::connectors::load_connector,
    components::{
        button::{Button, LinkButton, Weight},
        heading::Heading,
        sidebar::Part,
    },
    error::UiError,
    html::{Html, IntoHtml},
    links,
    pages::{RouteParams, account_page, ops_page},
};

/// `/a/:acct/connectors/:con/rotate`
#[component]
pub fn RotateConnectorPage() -> impl IntoView {
    account_page(Part::Connectors, async |route, frame| rotate(route, Area::account(&frame)).await)
}

/// `/ops/connectors/:con/rotate`
#[component]
pub fn RotatePlatformConnectorPage() -> impl IntoView {
    ops_page(async |route, visit| rotate(route, Area::platform(&visit)).await)
}

async fn rotate(route: RouteParams, area: Area) -> Result<Html, UiError> {
    area.need_manager()?;
    let connector = load_connector(area.pages.clone(), route.param("con")).await?;
    let (fields, turn, back) = (area.fields(&connector), area.actions().turn, area.page(&connector, ""));
    let tokens = match &area.pages {
        links::ConnectorPages::Account(acct) => links::account(acct, "tokens"),
        links::ConnectorPages::Platform => links::OPS_TOKENS.to_owned(),
    };
    let beside = connector.way == Way::Beside;
    Ok(view! {
        <Crumb area=area.clone()/>
        <Heading title=format!("Rotate the secret of {}?", connector.name)/>
        <div class="grid max-w-column gap-2">
            <p>{consequence(&connector)}</p>
            <p>"The next page shows the new secret once, in the text to paste."</p>
            {beside.then(|| view! { <p>"The token stays the same. You can rotate it under "<a href=tokens>"API tokens"</a>"."</p> })}
        </div>
        <form class="flex flex-wrap gap-3" method="post" action=turn>
            {fields}
            <Button weight=Weight::Final name="turn" value="rotate">"Rotate secret"</Button>
            <LinkButton href=back>"Cancel"</LinkButton>
        </form>
    }
    .into_html())
}

/// What happens until the new secret is in place.
const fn consequence(connector: &Connector) -> &'static str {
    match (connector.way, connector.system) {
        (_, System::Kamailio) => "Kamailio doesn’t use the secret, only the token.",
        (Way::Files, _) => "Files are uploaded by people who are signed in; nothing uses the secret.",
        (Way::Http, _) => {
            "The current address stops working at once. Requests to it are rejected until the phone system has the new one."
        }
        (Way::Ari | Way::Ami, _) => {
            "The current secret stops working at once. No calls are reported until you paste the new text. Calls that end before then may be incomplete."
        }
        (Way::Beside, _) => {
            "Offhook forgets the current secret. The running program stays connected until you paste the new one into both places: the phone system’s configuration and the file beside the program."
        }
    }
}
