//! Figures for Prometheus, in its text format 0.0.4.

use std::fmt::Write as _;

use axum::{Router, extract::State, http::header, response::IntoResponse, routing::get};
use engine::Figure;

use crate::room::Shared;

/// `/metrics`.
pub fn routes() -> Router<Shared> {
    Router::new().route("/metrics", get(show))
}

async fn show(State(room): State<Shared>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text(&room.engine.figures()))
}

fn text(figures: &[Figure]) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut out = format!(
        "# HELP offhook_build_info The version that runs.\n# TYPE offhook_build_info gauge\n\
         offhook_build_info{{version=\"{version}\"}} 1\n"
    );
    for Figure { name, help, kind, value } in figures {
        let name = if name.starts_with("offhook_") { (*name).to_owned() } else { format!("offhook_{name}") };
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_has_its_help_its_type_and_our_prefix() {
        let figures = [Figure { name: "events_accepted_total", help: "Events accepted.", kind: "counter", value: 3.0 }];
        assert!(text(&figures).ends_with(
            "# HELP offhook_events_accepted_total Events accepted.\n# TYPE offhook_events_accepted_total counter\n\
             offhook_events_accepted_total 3\n"
        ));
    }
}
