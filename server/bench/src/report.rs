//! The report, as a table and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

/// The target of a measurement.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    /// This value or more.
    AtLeast(f64),
    /// This value or less.
    AtMost(f64),
}

/// A measured value.
#[derive(Debug, Serialize)]
pub(crate) struct Measurement {
    name: String,
    value: f64,
    unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Target>,
    #[serde(skip_serializing_if = "Option::is_none")]
    met: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<f64>,
}

impl Measurement {
    /// A measurement without a target.
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        let value = rounded(value);
        Self { name: name.into(), value, unit, target: None, met: None, baseline: None, ratio: None }
    }

    /// Sets the target.
    pub(crate) fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self.met = Some(match target {
            Target::AtLeast(least) => self.value >= least,
            Target::AtMost(most) => self.value <= most,
        });
        self
    }

    fn with_values(self, values: &[f64], baseline: &[f64]) -> Self {
        let target = self.target;
        let median_value = median(values);
        let measured = Self { value: median_value, ..self };
        let measured = if let Some(target) = target { measured.target(target) } else { measured };
        if baseline.is_empty() {
            return measured;
        }
        let base = median(baseline);
        Self { baseline: Some(base), ratio: (base != 0.0).then(|| rounded(median_value / base)), ..measured }
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.as_slice() {
        [] => 0.0,
        [..] if sorted.len() % 2 == 1 => sorted[middle],
        [..] => rounded(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// The medians of several rounds of the same scenario, and of the baseline's rounds if there are any.
pub(crate) fn medians(rounds: Vec<Vec<Measurement>>, baseline: Vec<Vec<Measurement>>) -> Vec<Measurement> {
    let values = |rounds: &[Vec<Measurement>], name: &str| -> Vec<f64> {
        rounds.iter().flatten().filter(|one| one.name == name).map(|one| one.value).collect()
    };
    let all: Vec<(Vec<f64>, Vec<f64>)> = rounds
        .first()
        .into_iter()
        .flatten()
        .map(|one| (values(&rounds, &one.name), values(&baseline, &one.name)))
        .collect();
    let first = rounds.into_iter().next().unwrap_or_default();
    first.into_iter().zip(all).map(|(one, (ours, theirs))| one.with_values(&ours, &theirs)).collect()
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Version of this program.
    pub version: &'static str,
    /// `sqlite` or `postgres`.
    pub database: &'static str,
    /// Processors shared by server, load and receivers.
    pub cores: usize,
    /// The measurements.
    pub measurements: Vec<Measurement>,
}

impl Report {
    /// An empty report.
    pub(crate) fn new(database: &'static str) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { version: env!("CARGO_PKG_VERSION"), database, cores, measurements: Vec::new() }
    }

    /// The report as a table.
    pub(crate) fn table(&self) -> String {
        let mut out = format!("offhook-bench {} on {}, {} cores\n", self.version, self.database, self.cores);
        for Measurement { name, value, unit, target, met, baseline, ratio } in &self.measurements {
            let target = match target {
                Some(Target::AtLeast(least)) => format!("≥ {least}"),
                Some(Target::AtMost(most)) => format!("≤ {most}"),
                None => String::new(),
            };
            let met = met.map_or("", |met| if met { "met" } else { "MISSED" });
            let compared = match (baseline, ratio) {
                (Some(baseline), Some(ratio)) => format!("baseline {baseline}, ratio {ratio}"),
                _ => String::new(),
            };
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{name:<58} {value:>12} {unit:<8} {target:<10} {met:<6} {compared}");
        }
        out
    }
}

/// The percentile of the values; 0 if there are none.
pub(crate) fn percentile(values: &mut [u64], part: f64) -> u64 {
    values.sort_unstable();
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank")]
    let rank = (values.len() as f64 * part).ceil() as usize;
    values.get(rank.max(1) - 1).copied().unwrap_or_default()
}

/// A count as a value.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
pub(crate) const fn value(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_measured_values() {
        let mut values: Vec<u64> = (1..=200).rev().collect();
        assert_eq!((percentile(&mut values, 0.5), percentile(&mut values, 0.99)), (100, 198));
        assert_eq!((percentile(&mut [7], 0.99), percentile(&mut [], 0.5)), (7, 0));
    }

    #[test]
    fn a_target_is_met_or_missed() {
        let p99 = |value| Measurement::new("p99", value, "ms");
        assert_eq!(p99(15.0).target(Target::AtMost(15.0)).met, Some(true));
        assert_eq!(p99(9_999.0).target(Target::AtLeast(10_000.0)).met, Some(false));
        assert_eq!(p99(1.0).met, None);
    }

    #[test]
    fn rounds_become_medians_and_a_ratio() {
        let rounds = |values: &[f64]| -> Vec<Vec<Measurement>> {
            values
                .iter()
                .map(|value| vec![Measurement::new("rate", *value, "per s").target(Target::AtLeast(5.0))])
                .collect()
        };
        let both = medians(rounds(&[9.0, 1.0, 4.0]), rounds(&[8.0, 2.0]));
        let seen: Vec<_> = both.iter().map(|one| (one.value, one.met, one.baseline, one.ratio)).collect();
        assert_eq!(seen, [(4.0, Some(false), Some(5.0), Some(0.8))]);
    }
}
