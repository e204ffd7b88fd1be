//! The gaps of a connector: when it did not see its phone system, and what became of the calls.

use domain::{
    connector::Gap,
    time::{HOUR_MS, MINUTE_MS, counted, span},
};
use leptos::prelude::*;

use super::Area;
use crate::{
    components::{
        pager::{Pager, Paging},
        panel::Panel,
        time_text::{TimeForm, TimeText},
    },
    html::IntoHtml,
};

#[component]
pub(super) fn Gaps(gaps: Vec<Gap>, paging: Paging, area: Area) -> impl IntoView {
    if gaps.is_empty() {
        return view! {
            <Panel title="Gaps" id="gaps">
                <p class="text-ink-2">"None. When the connection is lost, the calls of the meantime are filled in from the call records, and the gap is listed here."</p>
            </Panel>
        }
        .into_html();
    }
    let rows = gaps.into_iter().map(|gap| row(&gap, &area)).collect_view();
    view! {
        <Panel title="Gaps" id="gaps">
            <table class="w-full text-table">
                <thead>
                    <tr class="text-left text-ink-3">
                        <th class="py-1.5 pr-3 font-normal" scope="col">"From"</th>
                        <th class="py-1.5 pr-3 text-right font-normal max-sm:hidden" scope="col">"Lasted"</th>
                        <th class="py-1.5 pr-3 font-normal" scope="col">"Reason"</th>
                        <th class="py-1.5 text-right font-normal" scope="col">"Calls"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            <Pager paging=paging/>
        </Panel>
    }
    .into_html()
}

fn row(gap: &Gap, area: &Area) -> impl IntoView + use<> {
    let from = view! { <TimeText at=gap.from form=TimeForm::Short view=area.view.clone()/> };
    let (text, complete) = calls(gap);
    let look = if complete { "py-1.5 text-right" } else { "py-1.5 text-right font-semibold text-retrying" };
    view! {
        <tr class="border-t border-line align-top">
            <td class="py-1.5 pr-3">{from} <span class="block text-ink-3 sm:hidden">{lasted(gap)}</span></td>
            <td class="py-1.5 pr-3 text-right whitespace-nowrap max-sm:hidden">{lasted(gap)}</td>
            <td class="py-1.5 pr-3">{gap.reason.label()}</td>
            <td class=look>{text}</td>
        </tr>
    }
}

/// How long it lasted: `41 s`, `3 min 8 s`.
fn lasted(gap: &Gap) -> String {
    let Some(to) = gap.to else { return "still open".to_owned() };
    let ms = to.since_ms(gap.from);
    if (MINUTE_MS..HOUR_MS).contains(&ms) && ms % MINUTE_MS >= 1_000 {
        return format!("{} {}", span(ms), span(ms % MINUTE_MS));
    }
    span(ms)
}

/// What became of its calls, and whether all of their ends are known.
fn calls(gap: &Gap) -> (String, bool) {
    let all = gap.filled + gap.incomplete;
    match (all, gap.incomplete) {
        (0, _) if gap.calls_closed == 0 => ("none".to_owned(), true),
        (0, _) => (format!("{} ended", counted(gap.calls_closed.into(), "call")), true),
        (_, 0) => (format!("all {all} filled in"), true),
        (_, incomplete) => (format!("{} of {all} filled in, {incomplete} incomplete", gap.filled), false),
    }
}

#[cfg(test)]
mod tests {
    use domain::{UnixMs, connector::GapReason};

    use super::*;

    fn gap(ms: Option<i64>, filled: u32, incomplete: u32) -> Gap {
        let to = ms.map(UnixMs);
        Gap { from: UnixMs(0), to, reason: GapReason::ConnectionLost, calls_closed: 0, filled, incomplete }
    }

    #[test]
    fn a_gap_says_how_long_it_lasted() {
        let all = [Some(41_000), Some(188_000), Some(120_000), Some(7_200_000), None].map(|ms| lasted(&gap(ms, 0, 0)));
        assert_eq!(all, ["41 s", "3 min 8 s", "2 min", "2 hours", "still open"]);
    }

    #[test]
    fn a_gap_says_what_became_of_its_calls() {
        let of = |filled, incomplete| calls(&gap(None, filled, incomplete)).0;
        assert_eq!([of(0, 0), of(7, 0), of(2, 1)], ["none", "all 7 filled in", "2 of 3 filled in, 1 incomplete"]);
        let closed = Gap { calls_closed: 2, ..gap(None, 0, 0) };
        assert_eq!(calls(&closed).0, "2 calls ended");
    }
}
