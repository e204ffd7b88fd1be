//! The recent activity of an endpoint: the last 24 hours, and its audit log.

use domain::UnixMs;
use domain::audit;
use domain::tally::Tally;
use leptos::prelude::*;

use crate::api::endpoints::EndpointHistory;
use crate::components::hours::{HourlyChart, day};
use crate::components::panel::Panel;
use crate::components::render_context::RenderContext;
use crate::components::time_text::{TimeForm, TimeText};

/// The last 24 hours.
#[component]
pub fn LastDay(
    /// The hours with attempts.
    hours: Vec<(UnixMs, Tally)>,
    /// The reader's clock.
    view: RenderContext,
) -> impl IntoView {
    let day = day(&hours, view.now);
    view! {
        <Panel title="Last 24 hours" id="last-day">
            <HourlyChart day=day zone=view.zone/>
        </Panel>
    }
}

/// The audit log of an endpoint, newest first.
#[component]
pub fn History(
    /// Its recent activity.
    history: EndpointHistory,
    /// The reader's clock.
    view: RenderContext,
) -> impl IntoView {
    let entry = move |entry: audit::AuditRecord| {
        let who = entry.who.map(|who| format!(" by {who}")).unwrap_or_default();
        view! {
            <li class="flex flex-wrap justify-between gap-x-4 border-t border-line py-1.5">
                <span class="wrap-anywhere">{entry.action.summary()}{who}</span>
                <TimeText at=entry.at form=TimeForm::Short view=view.clone()/>
            </li>
        }
    };
    view! {
        <Panel title="History" id="history">
            <ol class="text-table">{history.log.into_iter().map(entry).collect_view()}</ol>
        </Panel>
    }
}
