//! Makes what a rotation does by itself last: a set switch, the end of an overlap, the end of the time to undo.
//!
//! Attempts go by the times and do not wait for this; here it gets into the endpoint's row and onto the record.
//! Every node looks; the locked row decides who does it.

use std::{collections::HashSet, sync::Arc, time::Duration};

use domain::{
    UnixMs,
    audit::Deed,
    id::{AccountId, EndpointId},
    rotation::{Credential, SecretRotation, TokenRotation},
    time::{MINUTE_MS, SECOND_MS},
};

use crate::store::{
    audit::{self, Entry},
    credentials::rotations::{self, Running},
    db::Tx,
    endpoints,
    error::StoreResult,
};

use super::{Sender, outcome::Outcome};

/// Looks at least this often, for rotations that were set at other nodes and clocks that jumped.
const LOOK_MS: i64 = MINUTE_MS;
/// Rests at least so long, so that what cannot be done does not keep a core busy.
const REST_MS: i64 = 20;
/// Rotations of one round.
const ROUND_MAX: u32 = 200;

/// Works until the sender stops.
pub(crate) async fn run(sender: Arc<Sender>) {
    while !sender.is_stopping() {
        let wait_ms = match round(&sender).await {
            Ok(next) => next.map_or(LOOK_MS, |at| at.since_ms(sender.now()).clamp(REST_MS, LOOK_MS)),
            Err(error) => {
                tracing::warn!(%error, "a rotation cannot go on; trying again");
                SECOND_MS
            }
        };
        let wait = Duration::from_millis(wait_ms.unsigned_abs());
        let _ = tokio::time::timeout(wait, sender.rotate_soon.notified()).await;
    }
}

/// Does all that is due; returns when there is more to do. Tests go by hand with it.
///
/// # Errors
/// When the database cannot be used; what was done stays done.
pub async fn round(sender: &Sender) -> StoreResult<Option<UnixMs>> {
    let due = rotations::due(&sender.db, sender.now(), ROUND_MAX).await?;
    let endpoints: HashSet<(String, String)> = due.into_iter().map(|(account, id, _)| (account, id)).collect();
    for (account, id) in endpoints {
        let (Ok(account), Ok(id)) = (AccountId::parse(&account), EndpointId::parse(&id)) else { continue };
        let mut tx = sender.db.begin().await?;
        settle(sender, &mut tx, &account, &id).await?;
        tx.commit().await?;
    }
    rotations::next_due(&sender.db).await
}

/// Does what is due for one endpoint, in a transaction that others may go on with.
pub(crate) async fn settle(sender: &Sender, tx: &mut Tx, account: &AccountId, id: &EndpointId) -> StoreResult<()> {
    let now = sender.now();
    if let Some(running) = rotations::lock::<TokenRotation>(tx, account, id).await? {
        settle_token(sender, tx, (account, id), running, now).await?;
    }
    if let Some(running) = rotations::lock::<SecretRotation>(tx, account, id).await?
        && running.rotation.at(now).is_none()
    {
        rotations::end(tx, account, id, Credential::SigningSecret).await?;
        note(sender, tx, (account, id), Deed::SecretRetired).await?;
    }
    Ok(())
}

async fn settle_token(
    sender: &Sender,
    tx: &mut Tx,
    at: (&AccountId, &EndpointId),
    mut running: Running<TokenRotation>,
    now: UnixMs,
) -> StoreResult<()> {
    let (account, id) = at;
    let was_switched = running.rotation.is_switched();
    let standing = running.rotation.clone().at(now);
    if !was_switched && standing.as_ref().is_none_or(TokenRotation::is_switched) {
        let (sealed, masked) = (&running.next_sealed, &running.rotation.next_masked);
        rotations::set_credential(tx, account, id, Credential::AuthToken, sealed, masked).await?;
        note(sender, tx, at, Deed::TokenSwitched).await?;
    }
    match standing {
        None => {
            rotations::end(tx, account, id, Credential::AuthToken).await?;
            note(sender, tx, at, Deed::TokenRetired).await
        }
        Some(standing) if standing != running.rotation => {
            running.rotation = standing;
            rotations::change(tx, account, id, &running).await
        }
        Some(_) => Ok(()),
    }
}

async fn note(sender: &Sender, tx: &mut Tx, at: (&AccountId, &EndpointId), action: Deed) -> StoreResult<()> {
    let (account, id) = at;
    sender.targets.forget(id.as_str());
    let name = endpoints::name(tx, account, id).await?.unwrap_or_default();
    let entry = Entry::new(sender.ids.next(), sender.now(), account.as_str(), action);
    audit::add(tx, [entry.about(id.as_str(), &name)]).await
}

/// Notes the proofs in a batch of outcomes: tests with a next credential that were answered with 2xx.
pub(super) async fn prove(tx: &mut Tx, batch: &[Outcome], kept: &HashSet<String>, now: UnixMs) -> StoreResult<()> {
    let tried = batch.iter().filter_map(|outcome| if let Outcome::Tried(sent) = outcome { Some(sent) } else { None });
    let mut proving: Vec<_> = tried.filter(|sent| sent.proves.is_some()).collect();
    // In one order at every node, so that two of them do not wait for each other.
    proving.sort_by(|a, b| a.job.endpoint_id.cmp(&b.job.endpoint_id));
    for sent in proving {
        let (Some((what, since)), None, true) = (sent.proves, &sent.answer.failure, kept.contains(&sent.job.id)) else {
            continue;
        };
        let ids = (AccountId::parse(&sent.job.account_id), EndpointId::parse(&sent.job.endpoint_id));
        let (Ok(account), Ok(id)) = ids else { continue };
        match what {
            Credential::AuthToken => rotations::prove::<TokenRotation>(tx, &account, &id, since, now).await?,
            Credential::SigningSecret => rotations::prove::<SecretRotation>(tx, &account, &id, since, now).await?,
        }
    }
    Ok(())
}
