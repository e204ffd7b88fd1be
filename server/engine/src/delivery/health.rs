//! What a batch of outcomes means for its endpoints: health, hourly counts, and the states that follow from them.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::{
    UnixMs,
    audit::AuditAction,
    cause::Cause,
    endpoint::{DISABLED, FAILING, FAILING_FOUR_DAYS, FAILING_ONE_DAY, LAST_WARNING_MS},
    id::encode,
    tally::{Tally, hour_of},
};

use crate::store::{
    alerts::{self, Alert},
    audit::{self, Entry},
    db::Tx,
    deliveries::outcomes::Finish,
    endpoints::{
        health::{self, ChangedEndpoint, HealthChange, WarningLevel},
        tallies::{self, HourRow},
    },
    error::StoreResult,
};

use super::{
    outcome::{Attempt, Outcome},
    sender::Sender,
};

/// An endpoint is failing, was disabled, or was paused by a 410.
struct EndpointTransition {
    action: AuditAction,
    account: String,
    endpoint: String,
    name: String,
}

/// Writes all of it in the transaction that records the outcomes. Returns whether there are alerts to send after the commit.
pub(super) async fn record(
    sender: &Sender,
    tx: &mut Tx,
    batch: &[Outcome],
    finishes: &[Finish],
    kept: &HashSet<String>,
) -> StoreResult<bool> {
    let now = sender.now();
    let hours = hour_rows(batch, finishes, kept, now);
    if !hours.is_empty() {
        tallies::add(tx, &hours).await?;
    }
    // Ordered by endpoint on every node, so that two of them do not wait for each other.
    let mut changes: BTreeMap<&str, HealthChange> = BTreeMap::new();
    let (mut gone, mut throttled): (HashSet<&str>, HashSet<&str>) = Default::default();
    for attempt in batch.iter().filter_map(Outcome::attempt) {
        let endpoint = &*attempt.delivery.endpoint_id;
        if attempt.response.failure.as_ref().is_some_and(|failure| failure.cause == Cause::OurFault) {
            continue;
        }
        // A burst that exceeds a rate limit is one failure, not as many as the burst had attempts.
        if attempt.throttled_until.is_some() && !throttled.insert(endpoint) {
            continue;
        }
        count(changes.entry(endpoint).or_insert_with(|| no_change(endpoint)), attempt);
        if attempt.response.failure.as_ref().is_some_and(|failure| failure.cause == Cause::Http410) {
            gone.insert(endpoint);
        }
    }
    if changes.is_empty() {
        return Ok(false);
    }
    let failing: Vec<&str> = changes.values().filter(|c| c.failures > 0).map(|c| c.endpoint_id.as_str()).collect();
    health::update(tx, &changes.values().cloned().collect::<Vec<_>>()).await?;
    let mut transitions = Vec::new();
    if !gone.is_empty() {
        let paused = health::pause_gone(tx, &gone.into_iter().collect::<Vec<_>>(), now).await?;
        transitions.extend(transition(AuditAction::EndpointPausedGone, paused));
    }
    if !failing.is_empty() {
        transitions.extend(warnings(tx, &failing, now).await?);
    }
    note(sender, tx, &transitions, now).await?;
    Ok(!transitions.is_empty())
}

fn transition(action: AuditAction, changed: Vec<ChangedEndpoint>) -> impl Iterator<Item = EndpointTransition> {
    changed.into_iter().map(move |ChangedEndpoint { id, account_id, name }| EndpointTransition {
        action,
        account: account_id,
        endpoint: id,
        name,
    })
}

/// Warns, and disables after five days. Each warning is given once for consecutive failures.
async fn warnings(tx: &mut Tx, failing: &[&str], now: UnixMs) -> StoreResult<Vec<EndpointTransition>> {
    let [many, an_hour] = FAILING;
    let mut transitions = Vec::new();
    // The longest first: a warning about four days makes the one about a day redundant.
    for (what, level, evidence) in [
        (AuditAction::EndpointFailingFourDays, WarningLevel::Last, FAILING_FOUR_DAYS),
        (AuditAction::EndpointFailingOneDay, WarningLevel::Second, FAILING_ONE_DAY),
        (AuditAction::EndpointFailing, WarningLevel::First, many),
        (AuditAction::EndpointFailing, WarningLevel::First, an_hour),
    ] {
        transitions.extend(transition(what, health::warn(tx, failing, level, evidence, now).await?));
    }
    let disabled = health::disable(tx, failing, DISABLED, now.plus_ms(-LAST_WARNING_MS), now).await?;
    transitions.extend(transition(AuditAction::EndpointDisabled, disabled));
    Ok(transitions)
}

/// Writes the transitions into the accounts' audit logs, and alerts to them.
async fn note(sender: &Sender, tx: &mut Tx, transitions: &[EndpointTransition], now: UnixMs) -> StoreResult<()> {
    let entry = |EndpointTransition { action, account, endpoint, name }: &EndpointTransition| {
        sender.targets.forget(endpoint);
        tracing::info!(action = action.as_str(), endpoint, "an endpoint changed state after its attempts");
        Entry::new(sender.context.ids.next(), now, account, *action).about(endpoint, name)
    };
    audit::add(tx, transitions.iter().map(entry)).await?;
    let alert = |EndpointTransition { action, account, endpoint, .. }: &EndpointTransition| {
        let (at, random) = sender.context.ids.next();
        Alert {
            id: encode(at, random),
            account_id: account.clone(),
            object_id: endpoint.clone(),
            action: action.as_str().to_owned(),
        }
    };
    alerts::add(tx, &transitions.iter().map(alert).collect::<Vec<_>>()).await
}

fn no_change(endpoint: &str) -> HealthChange {
    HealthChange {
        endpoint_id: endpoint.to_owned(),
        success_ms: None,
        failures: 0,
        failed_first_ms: None,
        attempt_ms: 0,
        failure: None,
    }
}

fn count(change: &mut HealthChange, attempt: &Attempt) {
    let ended_ms = attempt.started_at.0 + i64::from(attempt.response.duration_ms);
    change.attempt_ms = change.attempt_ms.max(ended_ms);
    if let Some(failure) = &attempt.response.failure {
        change.failures += 1;
        change.failed_first_ms.get_or_insert(ended_ms);
        change.failure = serde_json::to_string(failure).ok();
    } else {
        change.success_ms = Some(ended_ms);
        change.failures = 0;
        change.failed_first_ms = None;
        change.failure = None;
    }
}

/// The counts of the hour, by endpoint, of the outcomes that were kept.
fn hour_rows(batch: &[Outcome], finishes: &[Finish], kept: &HashSet<String>, now: UnixMs) -> Vec<HourRow> {
    let states: HashMap<&str, &str> = finishes.iter().map(|finish| (finish.id.as_str(), finish.state)).collect();
    let mut tallies: BTreeMap<(&str, &str), Tally> = BTreeMap::new();
    for outcome in batch.iter().filter(|outcome| kept.contains(&outcome.delivery().id)) {
        let delivery = outcome.delivery();
        let tally = tallies.entry((&delivery.account_id, &delivery.endpoint_id)).or_default();
        match states.get(delivery.id.as_str()) {
            Some(&"delivered") => tally.delivered += 1,
            Some(&"retrying") => tally.retrying += 1,
            Some(&"failed") => tally.failed += 1,
            Some(&"expired") => tally.expired += 1,
            _ => {}
        }
        if let Some(attempt) = outcome.attempt() {
            tally.durations.add(attempt.response.duration_ms);
        }
    }
    let row = |((account, endpoint), tally)| HourRow::new(account, endpoint, hour_of(now), &tally);
    tallies.into_iter().map(row).collect()
}
