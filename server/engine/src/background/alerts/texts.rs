//! What alerts say.

use domain::{
    UnixMs,
    account::Account,
    audit::AuditAction,
    connector::{Connector, ConnectorProblem},
    endpoint::Endpoint,
    time::ago,
};

use crate::mail::naming;

/// Subject and text about an endpoint; none for what needs no alert.
pub(super) fn endpoint(
    action: AuditAction,
    endpoint: &Endpoint,
    account: &str,
    why: Option<&str>,
    page: &str,
) -> Option<(String, String)> {
    let (name, account, host) = (naming::to_member(&endpoint.name), naming::to_member(account), endpoint.url.host());
    let retrying = "Offhook keeps retrying, and nothing is lost.";
    let (what, next) = match action {
        AuditAction::EndpointFailing => (
            "is failing",
            format!("{retrying} If attempts keep failing for five days, it is disabled and its events are held."),
        ),
        AuditAction::EndpointFailingOneDay => (
            "has been failing for a day",
            format!("{retrying} If attempts keep failing for four more days, it is disabled and its events are held."),
        ),
        AuditAction::EndpointFailingFourDays => (
            "has been failing for four days",
            format!("{retrying} This is the last warning: if attempts still fail in a day, it is disabled and its events are held."),
        ),
        AuditAction::EndpointDisabled => (
            "is disabled",
            "Attempts have failed for five days or more without a success, so Offhook has stopped retrying. Its events are \
             held, and none is lost: resume the endpoint when your server responds again."
                .to_owned(),
        ),
        AuditAction::EndpointPausedGone => (
            "is paused",
            "Your server responded with 410 Gone, which asks Offhook to stop. Its events are held, and none is lost: \
             resume the endpoint if that was not intended, or delete it."
                .to_owned(),
        ),
        _ => return None,
    };
    let latest = why.map(|why| format!("The latest failure: {why}.\n\n")).unwrap_or_default();
    let text = format!(
        "The endpoint {name} ({host}) of {account} {what}.\n\n{latest}{next}\n\nDetails and what to do:\n{page}\n"
    );
    Some((format!("{name} {what}"), text))
}

/// Subject and text about a connector that lost its phone system. It is the platform's if it has no account.
pub(super) fn connector(connector: &Connector, account: Option<&Account>, now: UnixMs, page: &str) -> (String, String) {
    let name = naming::to_member(&connector.name);
    let of = account.map(|account| format!(" of {}", naming::to_member(&account.name))).unwrap_or_default();
    let since = connector.state.connected_at.map(|at| format!(" It was last connected {}.", ago(now.since_ms(at))));
    let problem = connector.state.problem.map(ConnectorProblem::label).map(|label| format!("\n\n{label}"));
    let text = format!(
        "The connector {name}{of} has lost its phone system.{}{}\n\nCalls are not reported meanwhile. Once it is connected \
         again, it reports those whose end it finds in the call records, and the page lists the gap.\n\nDetails and what \
         to do:\n{page}\n",
        since.unwrap_or_default(),
        problem.unwrap_or_default()
    );
    (format!("{name} is down"), text)
}
