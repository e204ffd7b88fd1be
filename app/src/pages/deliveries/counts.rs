//! Numbers of deliveries in words.

use domain::{
    delivery::{COUNT_MAX, DeliveryCounts, Status},
    filter::DeliveryFilter,
};
use leptos::prelude::*;

/// A number with its thousands set apart; "more than" where counting stopped.
#[must_use]
pub fn number(n: u32) -> String {
    if n > COUNT_MAX {
        return format!("more than {}", number(COUNT_MAX));
    }
    let digits = n.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().filter_map(|chunk| std::str::from_utf8(chunk).ok());
    groups.collect::<Vec<_>>().join(",")
}

/// `1,204 match · 37 failed · 4 retrying`; the last two are links that narrow the list to them.
#[component]
pub fn Counts(
    /// The numbers.
    counts: DeliveryCounts,
    /// The filter that they belong to.
    filter: DeliveryFilter,
    /// The list's path.
    base: String,
) -> impl IntoView {
    let narrowed = |status: Status, n: u32, ink: &'static str| {
        let href = format!("{base}{}", DeliveryFilter { statuses: vec![status], ..filter.first_page() }.to_query());
        (n > 0).then(|| {
            view! {
                <span class="text-ink-3" aria-hidden="true">"·"</span>
                <a class=format!("inline-flex items-center min-h-6 {ink}") href=href>
                    {format!("{} {}", number(n), status.word().to_lowercase())}
                </a>
            }
        })
    };
    let verb = if counts.matching == 1 { "matches" } else { "match" };
    view! {
        <p id="live-counts" class="flex flex-wrap items-center gap-x-2 text-table text-ink-2">
            <span>{format!("{} {verb}", number(counts.matching))}</span>
            {narrowed(Status::Failed, counts.failed, "text-failed")}
            {narrowed(Status::Retrying, counts.retrying, "text-retrying")}
        </p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_grouped_and_exact_up_to_ten_thousand() {
        let said: Vec<_> = [0, 37, 999, 1_204, 10_000, 10_001].map(number).to_vec();
        assert_eq!(said, ["0", "37", "999", "1,204", "10,000", "more than 10,000"]);
    }
}
