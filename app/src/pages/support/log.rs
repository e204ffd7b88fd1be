//! What a support agent did in customer accounts: the same records as in the accounts' audit logs.

use domain::support::SupportRecord;
use leptos::prelude::*;

use crate::html::IntoHtml;
use crate::{api::support::load_log, components::heading::Heading, links, pages::support_page, zone::Zone};

/// Records per page. A full page means that there may be older ones.
const PAGE_ROWS: usize = 50;

/// `/support/log`
#[component]
pub fn LogPage() -> impl IntoView {
    support_page(async |place, visit| {
        let records = load_log(place.query_param("before")).await?;
        let zone = visit.zone();
        let older = (records.len() == PAGE_ROWS).then(|| records.last()).flatten().map(|last| {
            let href = format!("{}?before={}", links::SUPPORT_LOG, last.record.id);
            view! { <nav aria-label="Pages"><a class="inline-flex min-h-9 items-center" rel="next" href=href>"Older →"</a></nav> }
        });
        let none = records.is_empty().then(|| view! { <p class="text-ink-2">"You haven’t opened an account yet."</p> });
        let rows = records.into_iter().map(|one| view! { <Line one=one zone=zone.clone()/> }).collect_view();
        let lead = format!(
            "What you did in customer accounts. Customers see the same records in their audit logs. Times are in {}.",
            zone.name()
        );
        Ok(view! {
            <Heading title="Activity log" lead=lead/>
            {match none {
                Some(none) => none.into_html(),
                None => view! { <ol class="border-t border-line">{rows}</ol> }.into_html(),
            }}
            {older}
        }
        .into_html())
    })
}

#[component]
fn Line(one: SupportRecord, zone: Zone) -> impl IntoView {
    let record = one.record;
    let iso = domain::time::iso_utc(record.at);
    let changes =
        record.changes.iter().map(|change| format!("{}: {}", change.what, change.after.as_deref().unwrap_or("none")));
    let changes = changes.collect::<Vec<_>>().join(" · ");
    let object = record.object_id.map(|id| view! { <code class="text-meta">{id}</code> });
    view! {
        <li class="grid gap-x-6 gap-y-0.5 border-b border-line py-2 text-table lg:grid-cols-[minmax(0,1fr)_auto]">
            <p class="flex min-w-0 flex-wrap items-baseline gap-x-2 wrap-anywhere">
                <span class="font-semibold">{one.account_name}</span> <span>{record.action.summary()}</span> {object}
            </p>
            <p class="text-ink-2"><time class="whitespace-nowrap" datetime=iso.clone() title=iso>{zone.full(record.at)}</time></p>
            <p class="min-w-0 text-ink-2 wrap-anywhere">{changes}</p>
        </li>
    }
}
