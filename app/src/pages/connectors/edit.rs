//! Editing a connector: name, trunks, country.

use domain::connector::{Connector, ConnectorForm, Way};
use leptos::prelude::*;

use super::{
    Area,
    fields::{NameField, PlaceFields, ZoneField},
    new::Crumb,
};
use crate::{
    api::connectors::load_connector,
    components::{
        button::{Button, LinkButton, Weight},
        field::{Field, Lines},
        heading::Heading,
        sidebar::Part,
    },
    error::UiError,
    html::{Html, IntoHtml},
    pages::{RouteParams, account_page, ops_page},
};

/// `/a/:acct/connectors/:con/edit`
#[component]
pub fn EditConnectorPage() -> impl IntoView {
    account_page(Part::Connectors, async |route, frame| edit(route, Area::account(&frame)).await)
}

/// `/ops/connectors/:con/edit`
#[component]
pub fn EditPlatformConnectorPage() -> impl IntoView {
    ops_page(async |route, visit| edit(route, Area::platform(&visit)).await)
}

async fn edit(route: RouteParams, area: Area) -> Result<Html, UiError> {
    area.need_manager()?;
    let connector = load_connector(area.pages.clone(), route.param("con")).await?;
    Ok(view! {
        <Crumb area=area.clone()/>
        <Heading title=format!("Edit {}", connector.name)/>
        <EditForm connector=connector area=area/>
    }
    .into_html())
}

#[component]
fn EditForm(connector: Connector, area: Area) -> impl IntoView {
    let form = ConnectorForm::of(&connector);
    let back = area.page(&connector, "");
    let trunks = super::has_trunks(&connector).then(|| {
        view! {
            <Lines name="trunks" label="Trunks, one per line" rows=3 value=form.trunks.clone()
                hint="The phone system’s endpoints that lead outside, without PJSIP/ or SIP/ in front."/>
        }
    });
    let address = (connector.way == Way::Ami).then(|| {
        view! { <Field name="ami_address" label="AMI address" required=true value=form.ami_address.clone() hint="On this server’s machine."/> }
    });
    view! {
        <form class="grid max-w-column gap-6" method="post" action=area.actions().update>
            {area.fields(&connector)}
            <input type="hidden" name="version" value=connector.version/>
            <NameField value=form.name/>
            {address}
            {trunks}
            <PlaceFields country=form.country internal=Some(form.include_internal)/>
            <ZoneField value=form.time_zone/>
            <div class="flex flex-wrap gap-3">
                <Button weight=Weight::Primary>"Save"</Button>
                <LinkButton href=back>"Cancel"</LinkButton>
            </div>
        </form>
    }
}
