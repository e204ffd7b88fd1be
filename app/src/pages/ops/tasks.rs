//! What does not work: background tasks with a problem, and items that were set aside.

use domain::ops::{health::TaskHealth, parked::Parked};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::{
    api::ops::RetryParked,
    components::{
        button::Button,
        key_value::{Facts, KeyValue},
        panel::Panel,
        render_context::RenderContext,
        time_text::AgoText,
    },
    html::{Html, IntoHtml},
    links,
};

/// Tasks with a problem; nothing if there are none.
pub(super) fn problems(tasks: Vec<TaskHealth>) -> Option<Html> {
    let troubled: Vec<_> = tasks.into_iter().filter(|task| task.problem.is_some() || task.panics > 0).collect();
    if troubled.is_empty() {
        return None;
    }
    let facts = troubled.into_iter().map(|task| {
        let state = match (task.down, task.problem) {
            (true, why) => format!("Stopped, and will be restarted: {}", why.unwrap_or_default()),
            (false, Some(why)) => format!("Running, last problem: {why}"),
            (false, None) => "Running".to_owned(),
        };
        let panics = if task.panics == 0 { String::new() } else { format!(" (crashed {} times)", task.panics) };
        view! { <KeyValue name=task.name>{state} {panics}</KeyValue> }
    });
    let facts = facts.collect_view();
    Some(view! { <Panel title="Background tasks" id="tasks"><Facts>{facts}</Facts></Panel> }.into_html())
}

/// Items that were set aside; nothing if there are none.
pub(super) fn parked(items: Vec<Parked>, view: &RenderContext) -> Option<Html> {
    if items.is_empty() {
        return None;
    }
    let items = items.into_iter().map(|item| parked_item(item, view)).collect_view();
    let panel = view! {
        <Panel title="Items that could not be processed" id="parked">
            <p class="mb-3 text-table text-ink-2">"Everything else continues. Fix the cause, then try each one again."</p>
            <ul class="grid gap-3">{items}</ul>
        </Panel>
    };
    Some(panel.into_html())
}

fn parked_item(item: Parked, view: &RenderContext) -> impl IntoView + use<> {
    let of = item.item.clone();
    let account = item.account.map(|id| {
        let href = links::ops_account(&id, "");
        view! { ", account " <a href=href>{id.clone()}</a> }
    });
    view! {
        <li class="flex flex-wrap items-start justify-between gap-3 border-t border-line pt-3">
            <div class="min-w-0 text-table">
                <p class="wrap-anywhere"><code>{item.item.clone()}</code> ", " {item.worker.clone()} {account}</p>
                <p class="text-ink-2 wrap-anywhere">{item.reason} " (" <AgoText at=item.at view=view.clone()/> ")"</p>
            </div>
            <form method="post" action=RetryParked::PATH>
                <input type="hidden" name="worker" value=item.worker/>
                <input type="hidden" name="item" value=item.item/>
                <Button>"Try again"<span class="sr-only">" " {of}</span></Button>
            </form>
        </li>
    }
}
