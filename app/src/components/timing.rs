//! Where the time of an attempt was spent, each phase in its own colour.

use domain::attempt::{Attempt, Timing};
use domain::time::length;
use leptos::prelude::*;

use crate::html::IntoHtml;

/// One phase of an attempt.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Phase {
    label: &'static str,
    ms: u32,
    fill: &'static str,
    swatch: &'static str,
}

/// The phases that were measured, in order.
fn parts(timing: Timing) -> Vec<Phase> {
    let part = |label, ms: Option<u32>, fill, swatch| ms.map(|ms| Phase { label, ms, fill, swatch });
    let all = [
        part("DNS", timing.dns_ms, "fill-control", "bg-control"),
        part("Connect and TLS", timing.connect_ms, "fill-held-fill", "bg-held-fill"),
        part("Waiting for response", timing.wait_ms, "fill-retrying-fill", "bg-retrying-fill"),
        part("Reading response", timing.body_ms, "fill-delivered-fill", "bg-delivered-fill"),
    ];
    all.into_iter().flatten().collect()
}

/// Left edge and width of each phase in percent. A phase of 0 ms still gets a thin line.
fn places(parts: &[Phase]) -> Vec<(f64, f64)> {
    let weight = |part: &Phase| f64::from(part.ms).max(0.5);
    let total: f64 = parts.iter().map(weight).sum();
    let mut left = 0.0;
    let place = |part: &Phase| {
        let width = weight(part) / total * 100.0;
        let place = (left, width);
        left += width;
        place
    };
    parts.iter().map(place).collect()
}

/// A duration in words.
#[must_use]
pub fn duration_text(ms: u32) -> String {
    if ms == 0 { "under 1 ms".to_owned() } else { length(ms) }
}

/// The duration of an attempt as a bar, with a legend.
#[component]
pub fn TimingBar(
    /// The attempt.
    attempt: Attempt,
) -> impl IntoView {
    let parts = parts(attempt.timing);
    let bar = parts.iter().zip(places(&parts)).map(|(part, (left, width))| {
        view! {
            <rect class=part.fill x=format!("{left:.2}%") width=format!("{width:.2}%") y="0" height="10"></rect>
        }
    });
    let legend = parts.iter().map(|part| {
        view! {
            <div class="flex items-center gap-1.5">
                <dt class="flex items-center gap-1.5 text-ink-2">
                    <span class=format!("inline-block size-2.5 {}", part.swatch)></span>
                    {part.label}
                </dt>
                <dd>{duration_text(part.ms)}</dd>
            </div>
        }
    });
    view! {
        <div>
            <p class="text-table"><strong>{duration_text(attempt.duration_ms)}</strong>" total"</p>
            {(!parts.is_empty()).then(|| view! {
                <svg class="block my-1.5" width="100%" height="10" aria-hidden="true" focusable="false">{bar.collect_view()}</svg>
                <dl class="flex flex-wrap gap-x-5 gap-y-1 text-meta">{legend.collect_view()}</dl>
            })}
        </div>
    }
    .into_html()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pooled_connection_shows_only_measured_phases() {
        let timing = Timing { wait_ms: Some(80), body_ms: Some(0), ..Timing::default() };
        let labels: Vec<_> = parts(timing).iter().map(|part| part.label).collect();
        assert_eq!(labels, ["Waiting for response", "Reading response"]);
    }

    #[test]
    fn the_phases_fill_the_bar_and_none_disappears() {
        let timing = Timing { dns_ms: Some(0), connect_ms: Some(10), wait_ms: Some(90), body_ms: Some(0) };
        let places = places(&parts(timing));
        let total: f64 = places.iter().map(|(_, width)| width).sum();
        assert!((total - 100.0).abs() < 1e-6 && places.iter().all(|(_, width)| *width > 0.0));
    }
}
