//! The status of a connector: its badge, its verdict, and what to do.

use domain::{
    UnixMs,
    connector::{Connector, ConnectorStatus, System, Way},
    delivery::Status,
    time::ago,
};
use leptos::prelude::*;

use super::status_badge::{StatusIcon, ink};
use crate::zone::Zone;

/// The delivery status with the same icon.
#[must_use]
pub const fn icon(status: ConnectorStatus) -> Status {
    match status {
        ConnectorStatus::Waiting => Status::Queued,
        ConnectorStatus::Connected => Status::Delivered,
        ConnectorStatus::Reconnecting => Status::Retrying,
        ConnectorStatus::Down => Status::Failed,
        ConnectorStatus::Paused => Status::Held,
    }
}

/// The icon and label of a connector's status.
#[component]
pub fn ConnectorBadge(
    /// The connector's status.
    status: ConnectorStatus,
    /// How it is connected.
    way: Way,
) -> impl IntoView {
    let icon = icon(status);
    view! {
        <span class=format!("inline-flex items-center gap-1.5 font-semibold {}", ink(icon))>
            <StatusIcon status=icon class="size-3.5 shrink-0"/>
            {label(status, way)}
        </span>
    }
}

/// Whoever only sends requests is never connected.
const fn label(status: ConnectorStatus, way: Way) -> &'static str {
    match (status, way) {
        (ConnectorStatus::Waiting, Way::Http) => "Waiting for the first request",
        (ConnectorStatus::Connected, Way::Http) => "Receiving requests",
        (ConnectorStatus::Waiting, Way::Files) => "Waiting for the first file",
        (ConnectorStatus::Connected, Way::Files) => "Imports files",
        _ => status.label(),
    }
}

/// The verdict: `pbx-leeds is connected`.
#[must_use]
pub fn verdict(connector: &Connector, now: UnixMs) -> String {
    let name = &connector.name;
    let (is_http, is_files) = (connector.way == Way::Http, connector.way == Way::Files);
    match connector.status(now) {
        ConnectorStatus::Waiting if is_http => format!("{name} has received no requests yet"),
        ConnectorStatus::Waiting if is_files => format!("No call records of {name} yet"),
        ConnectorStatus::Waiting => format!("{name} has not connected yet"),
        ConnectorStatus::Connected if is_http => format!("{name} receives requests"),
        ConnectorStatus::Connected if is_files => format!("Call records of {name}"),
        ConnectorStatus::Connected => format!("{name} is connected"),
        ConnectorStatus::Reconnecting => format!("{name} is reconnecting"),
        ConnectorStatus::Down => format!("{name} is down"),
        ConnectorStatus::Paused => format!("{name} is paused"),
    }
}

/// Since when, and what that means for events.
#[must_use]
pub fn since(connector: &Connector, zone: &Zone, now: UnixMs) -> String {
    let state = &connector.state;
    let system = match &state.system_version {
        // A program reports `22.10.1`; Asterisk itself states its name, too.
        Some(version) if version.starts_with(|c: char| c.is_ascii_digit()) => {
            format!("{} {version}", short(connector.system))
        }
        Some(version) => version.clone(),
        None => connector.system.label().to_owned(),
    };
    let last = state.connected_at.map(|at| format!(" It was last connected {}.", ago(now.since_ms(at))));
    let last = last.unwrap_or_default();
    match connector.status(now) {
        ConnectorStatus::Waiting if connector.way == Way::Files => {
            "Upload a file of call records, and each call in it becomes a CallProcessed event.".to_owned()
        }
        ConnectorStatus::Waiting => "Finish the setup, and calls appear here as they happen.".to_owned(),
        ConnectorStatus::Connected => match (state.connected_since, state.last_event_at) {
            (Some(at), _) => format!("{system}, since {}.", zone.short(at)),
            (None, Some(at)) if connector.way == Way::Files => {
                format!("{system}. The last file was imported {}.", ago(now.since_ms(at)))
            }
            (None, Some(at)) => format!("{system}. The last request arrived {}.", ago(now.since_ms(at))),
            (None, None) => format!("{system}."),
        },
        // Asterisk keeps what it could not send, and sends it then.
        ConnectorStatus::Reconnecting if connector.way == Way::Ari => format!("{system}.{last}"),
        ConnectorStatus::Reconnecting => {
            format!("{system}.{last} Calls that end before it is back may be incomplete.")
        }
        ConnectorStatus::Down => format!("{system}.{last} No calls are reported until it is back."),
        ConnectorStatus::Paused => {
            let at = connector.paused_at.map(|at| zone.short(at)).unwrap_or_default();
            format!("Since {at}. Calls are not reported until it is resumed.")
        }
    }
}

/// The name of the program itself, for sentences about it.
#[must_use]
pub const fn short(system: System) -> &'static str {
    match system {
        System::Asterisk => "Asterisk",
        other => other.label(),
    }
}

/// What is wrong and what to do, if anything is.
#[must_use]
pub fn problem(connector: &Connector) -> Option<String> {
    let label = connector.state.problem?.label();
    let Some(detail) = connector.state.detail.as_deref().map(|detail| detail.trim_end_matches('.')) else {
        return Some(label.to_owned());
    };
    // A sentence knows better what to do than the label, which is about all phone systems.
    let is_sentence = detail.starts_with(char::is_uppercase);
    let what = label.split_inclusive(". ").next().unwrap_or(label).trim_end();
    Some(if is_sentence { format!("{what} {detail}.") } else { format!("{label} The connector reports: {detail}.") })
}

/// A connector created at the epoch, for this crate's tests.
#[cfg(test)]
pub(crate) fn sample(system: System) -> Connector {
    Connector {
        id: domain::id::ConnectorId::new(UnixMs(0), 1),
        owner: domain::connector::ConnectorOwner::Platform,
        name: "pbx-leeds".into(),
        system,
        way: system.ways()[0],
        country: None,
        time_zone: None,
        trunks: Vec::new(),
        include_internal: false,
        ami_address: None,
        mapping: None,
        records: None,
        identity: String::new(),
        paused_at: None,
        secret_hint: "3fA9".into(),
        version: 1,
        created_at: UnixMs(0),
        state: domain::connector::ConnectorState::default(),
    }
}

#[cfg(test)]
mod tests {
    use domain::connector::{ConnectorProblem, DOWN_MS};

    use super::*;

    #[test]
    fn each_status_has_a_verdict() {
        let mut connector = sample(System::Asterisk);
        let at = UnixMs(60_000);
        assert_eq!(verdict(&connector, at), "pbx-leeds has not connected yet");
        connector.state.reported_at = Some(at);
        connector.state.connected_since = Some(at);
        connector.state.connected_at = Some(at);
        assert_eq!(verdict(&connector, at), "pbx-leeds is connected");
        assert_eq!(since(&connector, &Zone::default(), at), "Asterisk or FreePBX, since 1 Jan 00:01.");
        for version in ["22.10.1", "Asterisk 22.10.1"] {
            connector.state.system_version = Some(version.to_owned());
            assert_eq!(since(&connector, &Zone::default(), at), "Asterisk 22.10.1, since 1 Jan 00:01.");
        }
        let soon = at.plus_ms(DOWN_MS - 1);
        for (way, expected) in
            [(Way::Beside, "Calls that end before it is back may be incomplete."), (Way::Ari, "ago.")]
        {
            connector.way = way;
            assert_eq!(verdict(&connector, soon), "pbx-leeds is reconnecting");
            assert!(since(&connector, &Zone::default(), soon).ends_with(expected), "{way:?}");
        }
        let later = at.plus_ms(DOWN_MS);
        assert_eq!(verdict(&connector, later), "pbx-leeds is down");
        assert!(since(&connector, &Zone::default(), later).contains("last connected 5 min ago"));
        connector.paused_at = Some(later);
        assert_eq!(verdict(&connector, later), "pbx-leeds is paused");
        assert_eq!(verdict(&sample(System::Yeastar), at), "pbx-leeds has received no requests yet");
    }

    #[test]
    fn a_problem_says_what_to_do_and_what_the_connector_saw() {
        let mut connector = sample(System::Asterisk);
        assert_eq!(problem(&connector), None);
        connector.state.problem = Some(ConnectorProblem::MissingPermission);
        connector.state.detail = Some("read = call is missing".into());
        let sentence = problem(&connector).unwrap_or_default();
        let expected = "with the text shown here. The connector reports: read = call is missing.";
        assert!(sentence.ends_with(expected), "{sentence}");
        connector.state.detail = Some("read = call is missing.".into());
        assert_eq!(problem(&connector), Some(sentence));
        connector.state.problem = Some(ConnectorProblem::Unreachable);
        connector.state.detail = Some("Asterisk's AMI can't be reached at 127.0.0.1:5038. Check manager.conf.".into());
        let advice =
            "The phone system can't be reached. Asterisk's AMI can't be reached at 127.0.0.1:5038. Check manager.conf.";
        assert_eq!(problem(&connector).as_deref(), Some(advice));
    }
}
