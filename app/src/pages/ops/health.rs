//! Overall health: a summary, the queue, the nodes, and the accounts with the most failures.

use domain::delivery::Status;
use domain::ops::health::{AccountDay, Health, HealthLevel, Node, clock_offset, grouped, size};
use domain::time::span;
use leptos::prelude::*;

use super::tasks;
use crate::html::IntoHtml;
use crate::{
    api::ops::load_health,
    components::{
        button::{LinkButton, Weight},
        empty_state::EmptyState,
        heading::TabTitle,
        key_value::{Facts, KeyValue},
        notices::Notices,
        panel::Panel,
        render_context::RenderContext,
        status_badge::StatusIcon,
        time_text::{AgoText, TimeForm, TimeText},
    },
    links,
    pages::ops_page,
};

/// `/ops`
#[component]
pub fn HealthPage() -> impl IntoView {
    ops_page(async |_, visit| {
        let health = load_health().await?;
        let view = RenderContext::from(&visit);
        let below = if health.accounts == 0 {
            no_accounts().into_html()
        } else {
            view! { <FailingAccounts days=health.troubled.clone()/> }.into_html()
        };
        let (mood, words) = health.verdict();
        Ok(view! {
            <TabTitle title="Health".to_owned()/>
            <Notices/>
            <Verdict mood=mood words=words health=health.clone() view=view.clone()/>
            {tasks::parked(health.parked.clone(), &view)}
            {tasks::problems(health.tasks.clone())}
            <div class="grid items-start gap-6 lg:grid-cols-2">
                <Queue health=health.clone()/>
                <ThisNode health=health.clone()/>
            </div>
            {below}
            <SystemInfo health=health view=view/>
        }
        .into_html())
    })
}

fn no_accounts() -> impl IntoView {
    view! {
        <EmptyState title="No accounts yet"
            words="An account belongs to a customer of the phone platform. It has endpoints, deliveries and members.">
            <LinkButton weight=Weight::Primary href=links::ops_account("new", "")>"Create account"</LinkButton>
            <LinkButton href=links::ops_token("new")>"Create platform token"</LinkButton>
        </EmptyState>
    }
}

#[component]
fn Verdict(mood: HealthLevel, words: String, health: Health, view: RenderContext) -> impl IntoView {
    let (status, ink) = match mood {
        HealthLevel::Healthy => (Status::Delivered, "text-delivered"),
        HealthLevel::Degraded => (Status::Retrying, "text-retrying"),
        HealthLevel::Failing => (Status::Failed, "text-failed"),
    };
    view! {
        <header class="flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
            <div class="grid min-w-0 gap-1">
                <h1 class="flex max-w-column items-baseline gap-3 text-verdict font-bold leading-row">
                    <span class=ink><StatusIcon status=status class="size-5"/></span> {words}
                </h1>
                <p class="text-table text-ink-2">
                    "As of " <TimeText at=health.at form=TimeForm::Clock view=view.clone()/> ". " {view.clock()} "."
                </p>
            </div>
            <LinkButton href=links::OPS>"Refresh"</LinkButton>
        </header>
    }
}

#[component]
fn Queue(health: Health) -> impl IntoView {
    let lag = match (health.oldest_due, health.lag_ms()) {
        (None, _) => "No deliveries are due".to_owned(),
        (Some(due), 0) => format!("The next is due in {}", span(due.since_ms(health.at))),
        (Some(_), lag_ms) => format!("{} (oldest due delivery)", span(lag_ms)),
    };
    let facts = [
        ("Waiting", grouped(health.waiting)),
        ("Lag", lag),
        ("Held", format!("{}, for paused endpoints and suspended accounts", grouped(health.held))),
    ];
    let facts = facts.map(|(name, value)| view! { <KeyValue name=name>{value}</KeyValue> });
    view! { <Panel title="Queue" id="queue"><Facts>{facts}</Facts></Panel> }
}

#[component]
fn ThisNode(health: Health) -> impl IntoView {
    let accepting = format!("{} of {}", grouped(health.awaiting_commit), grouped(health.awaiting_commit_max));
    let facts = [
        ("Deliveries in memory", grouped(health.in_memory)),
        ("Attempts in flight", grouped(health.in_flight)),
        ("Events being accepted", accepting),
        ("Event commits", health.ingest.summary()),
        ("Result commits", health.record.summary()),
    ];
    let facts = facts.map(|(name, value)| view! { <KeyValue name=name>{value}</KeyValue> });
    view! { <Panel title="This node since it started" id="node"><Facts>{facts}</Facts></Panel> }
}

/// Accounts with the most failures first.
#[component]
fn FailingAccounts(days: Vec<AccountDay>) -> impl IntoView {
    if days.is_empty() {
        let words = "No deliveries in the last 24 hours.";
        return view! { <Panel title="Accounts, last 24 hours" id="accounts"><p class="text-ink-2">{words}</p></Panel> }
            .into_html();
    }
    let rows = days.into_iter().map(|day| {
        let tried = day.delivered + day.failed;
        let percent = (day.delivered * 100).checked_div(tried).unwrap_or(0);
        view! {
            <tr class="border-t border-line">
                <th scope="row" class="py-1.5 pr-4 text-left font-semibold wrap-anywhere">
                    <a href=links::ops_account(day.account.as_str(), "")>{day.name}</a>
                </th>
                <td class="py-1.5 pr-4 text-right">{grouped(day.delivered)}</td>
                <td class="py-1.5 pr-4 text-right" class:text-failed=day.failed != 0>{grouped(day.failed)}</td>
                <td class="py-1.5 text-right">{format!("{percent} %")}</td>
            </tr>
        }
    });
    let head = |words: &'static str| view! { <th scope="col" class="py-1.5 pr-4 text-right font-normal text-ink-3 last:pr-0">{words}</th> };
    view! {
        <Panel title="Accounts, last 24 hours" id="accounts">
            <table class="w-full text-table">
                <caption class="sr-only">"Attempts by account, most failures first"</caption>
                <thead>
                    <tr>
                        <th scope="col" class="py-1.5 pr-4 text-left font-normal text-ink-3">"Account"</th>
                        {head("Delivered")} {head("Failed")} {head("Success")}
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
            <p class="mt-3 text-table"><a href=links::OPS_ACCOUNTS>"All accounts"</a></p>
        </Panel>
    }
    .into_html()
}

/// Database, version and nodes.
#[component]
fn SystemInfo(health: Health, view: RenderContext) -> impl IntoView {
    let facts = [
        ("Accounts", grouped(health.accounts)),
        ("Database", format!("{}, {}", health.database, size(health.database_bytes))),
        ("Version", health.version.clone()),
    ];
    let facts = facts.map(|(name, value)| view! { <KeyValue name=name>{value}</KeyValue> });
    let several = health.several_nodes;
    let nodes = health.nodes.into_iter().map(|node| view! { <NodeFact node=node several=several view=view.clone()/> });
    let nodes = nodes.collect_view();
    view! { <Panel title="Installation" id="installation"><Facts>{facts} {nodes}</Facts></Panel> }
}

#[component]
fn NodeFact(node: Node, several: bool, view: RenderContext) -> impl IntoView {
    let name = if node.here { "Node (this one)" } else { "Node" };
    let heard = if several { "last heartbeat " } else { "single node, started " };
    let clock = node
        .clock_ahead_ms
        .filter(|_| several)
        .map(|ahead_ms| format!(", clock {} the database's", clock_offset(ahead_ms)));
    view! { <KeyValue name=name><code class="text-meta wrap-anywhere">{node.id}</code> <span>{heard} <AgoText at=node.heartbeat view=view/> {clock}</span></KeyValue> }
}
