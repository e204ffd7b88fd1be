//! Rotations: records which credentials an attempt proved, and stores what has become due.

use std::collections::HashSet;

use domain::{
    UnixMs,
    audit::AuditAction,
    id::{AccountId, EndpointId},
    rotation::{Credential, SecretRotation, TokenRotation},
};

use crate::store::{
    audit::{self, Entry},
    credentials::rotations::{self, Running},
    db::Tx,
    endpoints,
    error::StoreResult,
};

use super::{
    outcome::{Attempt, Outcome},
    sender::Sender,
};

/// Records the proofs in a batch of outcomes: tests with a next credential that got a 2xx.
pub(super) async fn record_proofs(
    tx: &mut Tx,
    batch: &[Outcome],
    kept: &HashSet<String>,
    now: UnixMs,
) -> StoreResult<()> {
    let proves = |attempt: &&Attempt| {
        attempt.proves.is_some() && attempt.response.failure.is_none() && kept.contains(&attempt.delivery.id)
    };
    let mut proving: Vec<&Attempt> = batch.iter().filter_map(Outcome::attempt).filter(proves).collect();
    // Ordered by endpoint on every node, so that two of them do not wait for each other.
    proving.sort_by(|a, b| a.delivery.endpoint_id.cmp(&b.delivery.endpoint_id));
    for attempt in proving {
        let ids = (AccountId::parse(&attempt.delivery.account_id), EndpointId::parse(&attempt.delivery.endpoint_id));
        let (Some((what, since)), (Ok(account), Ok(id))) = (attempt.proves, ids) else { continue };
        match what {
            Credential::AuthToken => rotations::prove::<TokenRotation>(tx, &account, &id, since, now).await?,
            Credential::SigningSecret => rotations::prove::<SecretRotation>(tx, &account, &id, since, now).await?,
        }
    }
    Ok(())
}

/// Stores what is due of an endpoint's rotations, in a transaction that may do more: a scheduled switch, the end of an
/// overlap, the end of the time to undo.
pub(crate) async fn apply_due(sender: &Sender, tx: &mut Tx, account: &AccountId, id: &EndpointId) -> StoreResult<()> {
    let now = sender.now();
    if let Some(running) = rotations::lock::<TokenRotation>(tx, account, id).await? {
        apply_due_token(sender, tx, (account, id), running, now).await?;
    }
    if let Some(running) = rotations::lock::<SecretRotation>(tx, account, id).await?
        && running.rotation.at(now).is_none()
    {
        rotations::end(tx, account, id, Credential::SigningSecret).await?;
        note(sender, tx, (account, id), AuditAction::SecretRetired).await?;
    }
    Ok(())
}

async fn apply_due_token(
    sender: &Sender,
    tx: &mut Tx,
    at: (&AccountId, &EndpointId),
    mut running: Running<TokenRotation>,
    now: UnixMs,
) -> StoreResult<()> {
    let (account, id) = at;
    let was_switched = running.rotation.is_switched();
    let current = running.rotation.clone().at(now);
    if !was_switched && current.as_ref().is_none_or(TokenRotation::is_switched) {
        let (sealed, masked) = (&running.next_sealed, &running.rotation.next_masked);
        rotations::set_credential(tx, account, id, Credential::AuthToken, sealed, masked).await?;
        note(sender, tx, at, AuditAction::TokenSwitched).await?;
    }
    match current {
        None => {
            rotations::end(tx, account, id, Credential::AuthToken).await?;
            note(sender, tx, at, AuditAction::TokenRetired).await
        }
        Some(current) if current != running.rotation => {
            running.rotation = current;
            rotations::change(tx, account, id, &running).await
        }
        Some(_) => Ok(()),
    }
}

async fn note(sender: &Sender, tx: &mut Tx, at: (&AccountId, &EndpointId), action: AuditAction) -> StoreResult<()> {
    let (account, id) = at;
    sender.targets.forget(id.as_str());
    let name = endpoints::name(tx, account, id).await?.unwrap_or_default();
    let entry = Entry::new(sender.context.ids.next(), sender.now(), account.as_str(), action);
    audit::add(tx, [entry.about(id.as_str(), &name)]).await
}
