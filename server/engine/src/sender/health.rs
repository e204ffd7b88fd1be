//! What a batch of outcomes means for its endpoints: health, hourly counts, and the states that follow from them.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::{
    UnixMs,
    audit::Deed,
    cause::Cause,
    endpoint::{DISABLED_AFTER_MS, FAILING_AFTER_ATTEMPTS, FAILING_AFTER_MS, WARNED_AFTER_MS},
    tally::{Tally, hour_of},
};

use crate::store::{
    audit::{self, Entry},
    db::Tx,
    deliveries::outcomes::{self, ChangedEndpoint, Finish, HealthChange},
    endpoints::tallies::{self, HourRow},
    error::StoreResult,
};

use super::{
    Sender,
    alerts::EndpointTransition,
    outcome::{Outcome, Sent},
};

/// More failures in a row than there ever are: for warnings that only time decides.
const NEVER: i64 = i64::MAX;

/// Writes all of it in the transaction that records the outcomes.
pub(super) async fn record(
    sender: &Sender,
    tx: &mut Tx,
    batch: &[Outcome],
    finishes: &[Finish],
    kept: &HashSet<String>,
) -> StoreResult<Vec<EndpointTransition>> {
    let now = sender.now();
    let hours = hour_rows(batch, finishes, kept, now);
    if !hours.is_empty() {
        tallies::add(tx, &hours).await?;
    }
    let tried =
        batch.iter().filter_map(|outcome| if let Outcome::Tried(sent) = outcome { Some(&**sent) } else { None });
    // In one order at every node, so that two of them do not wait for each other.
    let mut changes: BTreeMap<&str, HealthChange> = BTreeMap::new();
    let mut gone: HashSet<&str> = HashSet::new();
    for sent in tried {
        let endpoint = &*sent.job.endpoint_id;
        count(changes.entry(endpoint).or_insert_with(|| no_change(endpoint)), sent);
        if sent.answer.failure.as_ref().is_some_and(|failure| failure.cause == Cause::Http410) {
            gone.insert(endpoint);
        }
    }
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let failing: Vec<&str> = changes.values().filter(|c| c.failures > 0).map(|c| c.endpoint_id.as_str()).collect();
    outcomes::health(tx, &changes.values().cloned().collect::<Vec<_>>()).await?;
    let mut happened = Vec::new();
    if !gone.is_empty() {
        let paused = outcomes::pause_gone(tx, &gone.into_iter().collect::<Vec<_>>(), now).await?;
        happened.extend(of(Deed::EndpointPausedGone, paused));
    }
    if !failing.is_empty() {
        happened.extend(warnings(tx, &failing, now).await?);
    }
    note(sender, tx, &happened, now).await?;
    Ok(happened)
}

fn of(action: Deed, changed: Vec<ChangedEndpoint>) -> impl Iterator<Item = EndpointTransition> {
    changed.into_iter().map(move |ChangedEndpoint { id, account_id, name }| EndpointTransition {
        action,
        account: account_id,
        endpoint: id,
        name,
    })
}

/// Warns, and disables after five days. Each warning is given once for a row of failures.
async fn warnings(tx: &mut Tx, failing: &[&str], now: UnixMs) -> StoreResult<Vec<EndpointTransition>> {
    let [day_ms, four_days_ms] = WARNED_AFTER_MS;
    let mut happened = Vec::new();
    // The longest first: an endpoint that is told of four days need not hear of one.
    for (what, level, after_ms, failures) in [
        (Deed::EndpointFailingFourDays, 3, four_days_ms, NEVER),
        (Deed::EndpointFailingOneDay, 2, day_ms, NEVER),
        (Deed::EndpointFailing, 1, FAILING_AFTER_MS, i64::from(FAILING_AFTER_ATTEMPTS)),
    ] {
        let warned = outcomes::warn(tx, failing, level, now.plus_ms(-after_ms), failures).await?;
        happened.extend(of(what, warned));
    }
    let disabled = outcomes::disable(tx, failing, now.plus_ms(-DISABLED_AFTER_MS), now).await?;
    happened.extend(of(Deed::EndpointDisabled, disabled));
    Ok(happened)
}

/// Writes what happened into the accounts' logs. The letters about it go out after the commit.
async fn note(sender: &Sender, tx: &mut Tx, happened: &[EndpointTransition], now: UnixMs) -> StoreResult<()> {
    let entry = |EndpointTransition { action, account, endpoint, name }: &EndpointTransition| {
        sender.targets.forget(endpoint);
        tracing::info!(action = action.as_str(), endpoint, "an endpoint changed by itself");
        Entry::new(sender.ids.next(), now, account, *action).about(endpoint, name)
    };
    audit::add(tx, happened.iter().map(entry)).await
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

fn count(change: &mut HealthChange, sent: &Sent) {
    let ended_ms = sent.started_at.0 + i64::from(sent.answer.duration_ms);
    change.attempt_ms = change.attempt_ms.max(ended_ms);
    if let Some(failure) = &sent.answer.failure {
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

/// The counts of the hour, by endpoint, of those outcomes that counted.
fn hour_rows(batch: &[Outcome], finishes: &[Finish], kept: &HashSet<String>, now: UnixMs) -> Vec<HourRow> {
    let states: HashMap<&str, &str> = finishes.iter().map(|finish| (finish.id.as_str(), finish.state)).collect();
    let mut tallies: BTreeMap<(&str, &str), Tally> = BTreeMap::new();
    for outcome in batch.iter().filter(|outcome| kept.contains(&outcome.job().id)) {
        let job = outcome.job();
        let tally = tallies.entry((&job.account_id, &job.endpoint_id)).or_default();
        match states.get(job.id.as_str()) {
            Some(&"delivered") => tally.delivered += 1,
            Some(&"retrying") => tally.retrying += 1,
            Some(&"failed") => tally.failed += 1,
            Some(&"expired") => tally.expired += 1,
            _ => {}
        }
        if let Outcome::Tried(sent) = outcome {
            tally.durations.add(sent.answer.duration_ms);
        }
    }
    let row = |((account, endpoint), tally)| HourRow::new(account, endpoint, hour_of(now), &tally);
    tallies.into_iter().map(row).collect()
}
