//! Metrics for Prometheus, in its text format 0.0.4.
//!
//! The engine reads most values from the database when they are scraped. `prometheus-client` keeps values of its own and
//! writes OpenMetrics only, where counters are declared under another name.

use std::fmt::Write as _;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use engine::{Metric, Value};

use crate::app_state::SharedState;

/// `/metrics`.
pub fn routes() -> Router<SharedState> {
    Router::new().route("/metrics", get(scrape))
}

async fn scrape(State(state): State<SharedState>) -> Response {
    match state.engine.metrics().await {
        Ok(metrics) => {
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text(&metrics)).into_response()
        }
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

fn text(metrics: &[Metric]) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut out = format!(
        "# HELP offhook_build_info The running version.\n# TYPE offhook_build_info gauge\n\
         offhook_build_info{{version=\"{version}\"}} 1\n"
    );
    for Metric { name, help, value } in metrics {
        let kind = match value {
            Value::Counter(_) | Value::Counters { .. } => "counter",
            Value::Gauge(_) => "gauge",
            Value::Histogram { .. } => "histogram",
        };
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
        write_samples(&mut out, name, value);
    }
    out
}

fn write_samples(out: &mut String, name: &str, value: &Value) {
    // Writing to a string cannot fail.
    match value {
        Value::Counter(value) | Value::Gauge(value) => {
            let _ = writeln!(out, "{name} {value}");
        }
        Value::Counters { label, counts } => {
            for (of, count) in counts {
                let _ = writeln!(out, "{name}{{{label}=\"{of}\"}} {count}");
            }
        }
        Value::Histogram { buckets, count, sum } => {
            for (end, total) in buckets {
                let _ = writeln!(out, "{name}_bucket{{le=\"{end}\"}} {total}");
            }
            let _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {sum}\n{name}_count {count}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_its_help_and_its_type() {
        let value = Value::Counter(3.0);
        let metrics = [Metric { name: "offhook_events_accepted_total", help: "Events accepted.", value }];
        assert!(text(&metrics).ends_with(
            "# HELP offhook_events_accepted_total Events accepted.\n# TYPE offhook_events_accepted_total counter\n\
             offhook_events_accepted_total 3\n"
        ));
    }

    #[test]
    fn a_counter_with_a_label_has_a_line_for_each_of_its_values() {
        let value = Value::Counters { label: "task", counts: vec![("writer".into(), 2), ("claims".into(), 0)] };
        let metrics = [Metric { name: "offhook_task_panics_total", help: "Panics.", value }];
        assert!(text(&metrics).ends_with(
            "# TYPE offhook_task_panics_total counter\noffhook_task_panics_total{task=\"writer\"} 2\n\
             offhook_task_panics_total{task=\"claims\"} 0\n"
        ));
    }

    #[test]
    fn a_histogram_has_its_buckets_its_sum_and_its_count() {
        let value = Value::Histogram { buckets: vec![(0.5, 2), (1.0, 3)], count: 4, sum: 9.5 };
        let metrics = [Metric { name: "offhook_x_seconds", help: "X.", value }];
        assert!(text(&metrics).ends_with(
            "# TYPE offhook_x_seconds histogram\noffhook_x_seconds_bucket{le=\"0.5\"} 2\n\
             offhook_x_seconds_bucket{le=\"1\"} 3\noffhook_x_seconds_bucket{le=\"+Inf\"} 4\n\
             offhook_x_seconds_sum 9.5\noffhook_x_seconds_count 4\n"
        ));
    }
}
