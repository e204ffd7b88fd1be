//! Confirmation before a connector is deleted, with pausing as the alternative.

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
    pages::{RouteParams, account_page, ops_page},
};

/// `/a/:acct/connectors/:con/delete`
#[component]
pub fn DeleteConnectorPage() -> impl IntoView {
    account_page(Part::Connectors, async |route, frame| delete(route, Area::account(&frame)).await)
}

/// `/ops/connectors/:con/delete`
#[component]
pub fn DeletePlatformConnectorPage() -> impl IntoView {
    ops_page(async |route, visit| delete(route, Area::platform(&visit)).await)
}

async fn delete(route: RouteParams, area: Area) -> Result<Html, UiError> {
    area.need_manager()?;
    let connector = load_connector(area.pages.clone(), route.param("con")).await?;
    let (turn, back) = (area.actions().turn, area.page(&connector, ""));
    let (fields, pause_fields) = (area.fields(&connector), area.fields(&connector));
    let open = match connector.state.calls_open {
        0 => String::new(),
        n => format!(" {} in progress now will have no CallProcessed.", domain::time::counted(n.into(), "call")),
    };
    let routes = if area.is_platform() { ", its routing table" } else { "" };
    let active = connector.paused_at.is_none();
    Ok(view! {
        <Crumb area=area.clone()/>
        <Heading title=format!("Delete connector {}?", connector.name)/>
        <div class="grid max-w-column gap-2">
            <p>{format!("Calls on this phone system will no longer be reported.{open}")}</p>
            <p>{format!("Its secret stops working at once, and its gaps{routes} and settings are deleted. Events that it has reported are kept. You can’t undo this.")}</p>
        </div>
        {active.then(|| view! {
            <form class="flex max-w-column flex-wrap items-center gap-3 border-l-4 border-held-fill bg-held-soft px-4 py-3" method="post" action=turn>
                {pause_fields}
                <p class="min-w-60 flex-1">"If you pause the connector instead, its settings stay, and you can resume it."</p>
                <Button name="turn" value="pause">"Pause instead"</Button>
            </form>
        })}
        <form class="flex flex-wrap gap-3" method="post" action=turn>
            {fields}
            <Button weight=Weight::Final name="turn" value="delete">"Delete connector"</Button>
            <LinkButton href=back>"Cancel"</LinkButton>
        </form>
    }
    .into_html())
}
