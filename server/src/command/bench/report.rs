//! The figures, as a table and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

/// What a figure ought to be.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// This much or more.
    AtLeast(f64),
    /// This much or less.
    AtMost(f64),
}

/// One measured figure.
#[derive(Debug, Serialize)]
pub struct Figure {
    figure: String,
    value: f64,
    unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Target>,
    #[serde(skip_serializing_if = "Option::is_none")]
    met: Option<bool>,
}

impl Figure {
    /// A figure without a target.
    pub fn new(figure: impl Into<String>, value: f64, unit: &'static str) -> Self {
        let value = (value * 1_000.0).round() / 1_000.0;
        Self { figure: figure.into(), value, unit, target: None, met: None }
    }

    /// With what it ought to be.
    pub fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self.met = Some(match target {
            Target::AtLeast(least) => self.value >= least,
            Target::AtMost(most) => self.value <= most,
        });
        self
    }
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Version of this binary.
    pub version: &'static str,
    /// `sqlite` or `postgres`.
    pub database: &'static str,
    /// Processors that server, load and receivers share.
    pub cores: usize,
    /// The figures.
    pub figures: Vec<Figure>,
}

impl Report {
    /// The table for people.
    pub fn table(&self) -> String {
        let mut out = format!("offhook {} on {}, {} cores\n", self.version, self.database, self.cores);
        for Figure { figure, value, unit, target, met } in &self.figures {
            let target = match target {
                Some(Target::AtLeast(least)) => format!("≥ {least}"),
                Some(Target::AtMost(most)) => format!("≤ {most}"),
                None => String::new(),
            };
            let met = met.map_or("", |met| if met { "met" } else { "MISSED" });
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{figure:<44} {value:>12} {unit:<10} {target:<10} {met}");
        }
        out
    }
}

/// The value below which this part of the values lies; 0 of none.
pub fn percentile(values: &mut [u64], part: f64) -> u64 {
    values.sort_unstable();
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank")]
    let rank = (values.len() as f64 * part).ceil() as usize;
    values.get(rank.max(1) - 1).copied().unwrap_or_default()
}

/// A number of things as a figure's value.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
pub const fn value(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let mut values: Vec<u64> = (1..=200).rev().collect();
        assert_eq!((percentile(&mut values, 0.5), percentile(&mut values, 0.99)), (100, 198));
        assert_eq!((percentile(&mut [7], 0.99), percentile(&mut [], 0.5)), (7, 0));
    }

    #[test]
    fn a_target_says_whether_it_was_met() {
        let figure = |value| Figure::new("p99", value, "ms");
        assert_eq!(figure(15.0).target(Target::AtMost(15.0)).met, Some(true));
        assert_eq!(figure(9_999.0).target(Target::AtLeast(10_000.0)).met, Some(false));
        assert_eq!(figure(1.0).met, None);
    }
}
