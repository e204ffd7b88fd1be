//! The gaps of a connector: when it did not see its phone system, and what became of the calls.

use domain::{
    connector::{Connector, Gap, System, Way},
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
pub(super) fn Gaps(connector: Connector, gaps: Vec<Gap>, paging: Paging, area: Area) -> impl IntoView {
    if gaps.is_empty() {
        return view! {
            <Panel title="Gaps" id="gaps">
                <p class="text-ink-2">"None. If the connection is lost, the gap is listed here. "{in_gaps(&connector)}</p>
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
            <p class="mt-3 text-table text-ink-2">{in_gaps(&connector)}</p>
        </Panel>
    }
    .into_html()
}

/// Whether the calls of a gap can be completed from call records.
pub(super) fn reads_records(connector: &Connector) -> bool {
    (connector.system, connector.way) == (System::Asterisk, Way::Beside)
}

/// What becomes of calls that end in a gap, where there can be gaps.
pub(super) const fn in_gaps(connector: &Connector) -> Option<&'static str> {
    match (connector.way, connector.system) {
        (Way::Beside, System::Asterisk) => Some(
            "Calls that end in a gap are completed from Asterisk’s call records, if the program can read them (--cdr-csv). Otherwise they are incomplete.",
        ),
        (Way::Beside, System::FreeSwitch) => Some(
            "Gaps aren’t filled from FreeSWITCH’s call records: a call that ends in a gap is incomplete, and one that also began in it isn’t reported. Import a call record file to add those.",
        ),
        (Way::Ami, _) => Some(
            "Gaps aren’t filled here: this server doesn’t read call records, so calls that end in a gap are incomplete. To fill gaps, run “offhook connect asterisk” beside the phone system instead.",
        ),
        (Way::Ari, _) => Some(
            "Asterisk keeps what happens in a gap and sends it when it is connected again. If Asterisk itself restarts, calls are incomplete.",
        ),
        _ => None,
    }
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
    use crate::components::connector_badge::sample;

    fn gap(ms: Option<i64>, filled: u32, incomplete: u32) -> Gap {
        let to = ms.map(UnixMs);
        Gap { from: UnixMs(0), to, reason: GapReason::ConnectionLost, calls_closed: 0, filled, incomplete }
    }

    #[test]
    fn only_what_fills_gaps_says_that_it_does() {
        let of = |system, way| in_gaps(&Connector { way, ..sample(system) }).unwrap_or_default();
        assert!(of(System::Asterisk, Way::Beside).contains("--cdr-csv"));
        assert!(of(System::Asterisk, Way::Ami).contains("offhook connect asterisk"));
        for (system, way) in [(System::Asterisk, Way::Ami), (System::FreeSwitch, Way::Beside)] {
            assert!(of(system, way).starts_with("Gaps aren’t filled"), "{system:?}");
        }
        assert_eq!(of(System::Twilio, Way::Http), "", "nothing is connected");
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
