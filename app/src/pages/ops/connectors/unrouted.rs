//! The numbers that calls had and no route, each with a form to assign it to an account.

use domain::{
    connector::{Connector, route::Unrouted as Number},
    phone,
};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::account_field::account_field;
use crate::{
    api::ops_connectors::{AccountChoice, ClearUnrouted, SetRoute, load_account_choices, load_unrouted},
    components::{
        button::{Button, LinkButton},
        panel::Panel,
        render_context::RenderContext,
        time_text::AgoText,
    },
    error::UiError,
    flash::Flash,
    html::{Html, IntoHtml},
    links::ConnectorPages,
};

/// Most numbers on the page.
const SHOWN: usize = 50;

/// The numbers without a route of a connector.
#[derive(Debug)]
pub struct Unrouted {
    con: String,
    numbers: Vec<Number>,
    choices: Option<Vec<AccountChoice>>,
}

impl Unrouted {
    /// Those of this connector.
    ///
    /// # Errors
    /// As the backend.
    pub async fn load(connector: &Connector) -> Result<Self, UiError> {
        let con = connector.id.to_string();
        let numbers = load_unrouted(con.clone()).await?;
        let choices = if numbers.is_empty() { None } else { load_account_choices().await? };
        Ok(Self { con, numbers, choices })
    }

    /// The panel.
    #[must_use]
    pub fn view(self, flash: &Flash, view: &RenderContext) -> Html {
        let routes = ConnectorPages::Platform.page(&self.con, "routes");
        if self.numbers.is_empty() {
            return view! {
                <Panel title="Unrouted numbers" id="unrouted">
                    <div class="flex flex-wrap items-center justify-between gap-3">
                        <p class="max-w-column text-ink-2">"None. Calls whose number has no route are not reported, and their numbers are listed here."</p>
                        <LinkButton href=routes>"Routing table"</LinkButton>
                    </div>
                </Panel>
            }
            .into_html();
        }
        let (count, con) = (self.numbers.len(), self.con.clone());
        let more = (count > SHOWN).then(|| format!("The latest {SHOWN} of {count} are shown."));
        let lead = if count == 1 {
            "1 number has no route, so its calls are not reported.".to_owned()
        } else {
            format!("{count} numbers have no route, so their calls are not reported.")
        };
        let rows = self.numbers.iter().take(SHOWN).map(|number| self.row(number, flash, view)).collect_view();
        view! {
            <Panel title="Unrouted numbers" id="unrouted">
                <div class="grid gap-3">
                    <div class="flex flex-wrap items-center justify-between gap-3">
                        <p class="text-ink-2">{lead}" "{more}</p>
                        <div class="flex flex-wrap gap-2">
                            <LinkButton href=routes>"Routing table"</LinkButton>
                            <form method="post" action=ClearUnrouted::PATH>
                                <input type="hidden" name="con" value=con/>
                                <Button>"Clear list"</Button>
                            </form>
                        </div>
                    </div>
                    <ul class="border-b border-line">{rows}</ul>
                </div>
            </Panel>
        }
        .into_html()
    }

    fn row(&self, number: &Number, flash: &Flash, view: &RenderContext) -> impl IntoView + use<> {
        let shown = if number.number.is_empty() { "No number".to_owned() } else { phone::display(&number.number) };
        let events = domain::time::counted(i64::try_from(number.events).unwrap_or(i64::MAX), "event");
        let last = view! { <AgoText at=number.last_at view=view.clone()/> };
        let form = (!number.number.is_empty()).then(|| {
            let chosen =
                if flash.value("number") == Some(number.number.as_str()) { flash.value("account") } else { None };
            let (label, number_name) = (format!("Account for {shown}"), shown.clone());
            let field = account_field(self.choices.as_deref(), None, Some(label), chosen.unwrap_or_default());
            view! {
                <form class="flex gap-2" method="post" action=SetRoute::PATH>
                    <input type="hidden" name="con" value=self.con.clone()/>
                    <input type="hidden" name="back" value="unrouted"/>
                    <input type="hidden" name="form[number]" value=number.number.clone()/>
                    {field}
                    <Button>"Assign"<span class="sr-only">" "{number_name}</span></Button>
                </form>
            }
        });
        view! {
            <li class="grid items-center gap-x-4 gap-y-1 border-t border-line py-2 text-table md:grid-cols-[minmax(0,1fr)_8rem_8rem_minmax(0,24rem)]">
                <code class="font-semibold wrap-anywhere">{shown}</code>
                <span>{events}</span>
                <span class="text-ink-3">{last}</span>
                {form}
            </li>
        }
    }
}
