//! Replacing the routing table of a connector by a pasted one.

use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::{
    api::{connectors::load_connector, ops_connectors::ImportRoutes},
    components::{
        button::{Button, LinkButton, Weight},
        code_block::CodeBlock,
        field::Lines,
        heading::Heading,
    },
    html::IntoHtml,
    links::ConnectorPages,
    pages::ops_page,
};

const EXAMPLE: &str = "number,account\n+441632960001,customer-17\n+4416329601*,customer-18\n*,acct_…";

/// `/ops/connectors/:con/import`
#[component]
pub fn ImportRoutesPage() -> impl IntoView {
    ops_page(async |route, _| {
        let connector = load_connector(ConnectorPages::Platform, route.param("con")).await?;
        let back = ConnectorPages::Platform.page(connector.id.as_str(), "routes");
        let con = connector.id.to_string();
        Ok(view! {
            <Heading title="Import a routing table" tab=format!("Import routes of {}", connector.name)
                lead="Replaces all routes of this connector. If one line is not understood, nothing is changed."/>
            <div class="grid grid-cols-1 items-start gap-6 lg:grid-cols-[minmax(0,1fr)_20rem]">
                <form class="grid gap-4" method="post" action=ImportRoutes::PATH>
                    <input type="hidden" name="con" value=con/>
                    <Lines name="routes" label="Table" rows=14 required=true
                        hint="One route per line: number, then the account’s ID or reference, separated by comma, semicolon or tab."/>
                    <div class="flex flex-wrap gap-3">
                        <Button weight=Weight::Primary>"Replace routing table"</Button>
                        <LinkButton href=back>"Cancel"</LinkButton>
                    </div>
                </form>
                <section class="grid gap-2" aria-labelledby="example">
                    <h2 class="font-semibold" id="example">"Example"</h2>
                    <CodeBlock text=EXAMPLE what="example"/>
                    <p class="text-table text-ink-2">"The first line may name the columns. For tables of more than 1 MiB, use the REST API: "<code class="text-meta wrap-anywhere">"PUT /api/v1/connectors/{id}/routes"</code></p>
                </section>
            </div>
        }
        .into_html())
    })
}
