//! The routing table of a connector: search, add, remove.

use domain::{connector::route::Route, query::Writer};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::account_field::account_field;
use crate::{
    api::{
        connectors::load_connector,
        ops_connectors::{AccountChoice, RemoveRoute, SetRoute, load_account_choices, load_routes},
    },
    components::{
        button::{Button, LinkButton, Weight},
        empty_state::EmptyState,
        field::{CONTROL, Field, FieldErrorText, FieldState},
        heading::Heading,
        pager::{Pager, Paging, Trail},
        panel::Panel,
    },
    flash::Flash,
    html::{Html, IntoHtml},
    links::{ConnectorPages, ops_account},
    pages::ops_page,
};

/// `/ops/connectors/:con/routes`
#[component]
pub fn RoutesPage() -> impl IntoView {
    ops_page(async |route, visit| {
        let (con, text, cursor) = (route.param("con"), route.query_param("q"), route.query_param("cursor"));
        let connector = load_connector(ConnectorPages::Platform, con.clone()).await?;
        let page = load_routes(con.clone(), text.trim().to_owned(), cursor.clone()).await?;
        let choices = load_account_choices().await?;
        let cursor = Some(cursor.as_str()).filter(|cursor| !cursor.is_empty());
        let paging = Paging::around(&Trail::parse(&route.query), cursor, page.next.as_deref(), |cursor| {
            Writer::default().with("q", &text).with("cursor", cursor.unwrap_or_default()).finish()
        });
        let list = if page.rows.is_empty() { empty(&con, &text) } else { table(&con, page.rows) };
        let (back, import) = (ConnectorPages::Platform.page(&con, ""), ConnectorPages::Platform.page(&con, "import"));
        let lead = "The exact number decides, then the longest prefix, then the default (*).";
        Ok(view! {
            <p class="-mb-4 text-table"><a class="inline-flex min-h-6 items-center" href=back>"← "{connector.name.clone()}</a></p>
            <Heading title="Routing table" tab=format!("Routing table of {}", connector.name) lead=lead>
                <LinkButton href=import>"Import CSV"</LinkButton>
            </Heading>
            <Search text=text/>
            <div>{list} <Pager paging=paging/></div>
            <AddRoute con=con choices=choices flash=visit.flash/>
        }
        .into_html())
    })
}

#[component]
fn Search(text: String) -> impl IntoView {
    view! {
        <form method="get" role="search" aria-label="Routes" class="grid max-w-column gap-1">
            <label class="font-semibold" for="q">"Number begins with"</label>
            <div class="flex flex-wrap gap-2">
                <input id="q" name="q" type="search" autocomplete="off" spellcheck="false" value=text class=format!("{CONTROL} flex-1 basis-52")/>
                <Button>"Search"</Button>
            </div>
        </form>
    }
}

fn empty(con: &str, text: &str) -> Html {
    if text.is_empty() {
        let import = ConnectorPages::Platform.page(con, "import");
        return view! {
            <EmptyState title="No routes yet" words="A route leads from a number, or the beginning of one, to an account. Add the first one below, or import a table.">
                <LinkButton weight=Weight::Primary href=import>"Import CSV"</LinkButton>
            </EmptyState>
        }
        .into_html();
    }
    let all = ConnectorPages::Platform.page(con, "routes");
    view! {
        <EmptyState title=format!("No route begins with {text}") words="Complete numbers are stored with + and the country code, such as +441632960001.">
            <LinkButton weight=Weight::Primary href=all>"All routes"</LinkButton>
        </EmptyState>
    }
    .into_html()
}

fn table(con: &str, rows: Vec<Route>) -> Html {
    let rows = rows.into_iter().map(|route| row(con, route)).collect_view();
    view! { <ul class="border-b border-line">{rows}</ul> }.into_html()
}

fn row(con: &str, route: Route) -> impl IntoView + use<> {
    let number = route.pattern.as_str().to_owned();
    let default = (number == "*").then(|| view! { <span class="text-ink-3">"everything else"</span> });
    let reference = route.reference.map(|reference| format!(" · {reference}"));
    view! {
        <li class="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 border-t border-line py-1.5 text-table md:grid-cols-[minmax(0,16rem)_minmax(0,1fr)_auto]">
            <span class="flex flex-wrap gap-x-3"><code class="font-semibold wrap-anywhere">{number.clone()}</code> {default}</span>
            <span class="text-ink-2 max-md:row-start-2"><a class="inline-flex min-h-6 items-center text-ink" href=ops_account(route.account.as_str(), "")>{route.account_name}</a>{reference}</span>
            <form method="post" action=RemoveRoute::PATH class="max-md:row-span-2 max-md:row-start-1 max-md:col-start-2">
                <input type="hidden" name="con" value=con.to_owned()/>
                <input type="hidden" name="number" value=number.clone()/>
                <Button>"Remove"<span class="sr-only">" route "{number}</span></Button>
            </form>
        </li>
    }
}

#[component]
fn AddRoute(con: String, choices: Option<Vec<AccountChoice>>, flash: Flash) -> impl IntoView {
    let chosen = if flash.refused() { flash.value("account").unwrap_or_default() } else { "" };
    let field = account_field(choices.as_deref(), Some("account"), None, chosen);
    let error = FieldState::of("account", false).error;
    view! {
        <Panel title="Add or change a route" id="add">
            <form class="grid max-w-column gap-4" method="post" action=SetRoute::PATH>
                <input type="hidden" name="con" value=con/>
                <Field name="number" label="Number" required=true
                    hint="A number, the beginning of one followed by *, extension: and an extension, context: and a context, or * for everything else."/>
                <div class="grid gap-1">
                    <label class="font-semibold" for="account">"Account"</label>
                    <FieldErrorText name="account" error=error/>
                    {field}
                </div>
                <div><Button weight=Weight::Primary>"Save route"</Button></div>
            </form>
        </Panel>
    }
}
