//! Checks that the instance keys match the ones that encrypted the values in the database.
//!
//! A server with other keys could accept events but send none of them, so it does not start. A key is generated only if
//! nothing has been encrypted yet.

use anyhow::anyhow;
use engine::{
    key_ring::{KeyId, KeyRing, Keys},
    service::credentials::key_rotation::KeyUsage,
};

use super::{CommandError, open, placeholder_keys};
use crate::{
    config::{Serve, Store},
    secret_key,
};

/// The keys of a server that is starting. They are generated at the first start.
pub(super) async fn for_server(settings: &Serve) -> Result<Keys, CommandError> {
    let store = &settings.store;
    if store.database_url.is_none() {
        secret_key::create_data_folder(&store.data).map_err(anyhow::Error::from)?;
    }
    if let Some(keys) = store.keys().map_err(anyhow::Error::from)? {
        return Ok(keys);
    }
    let Some(path) = store.key_file() else { return Err(anyhow!("there is no instance key").into()) };
    let engine = open(store, placeholder_keys()?).await?;
    let sealed = engine.sealed_by().await.map_err(anyhow::Error::from);
    engine.stop().await;
    let sealed = sealed?;
    check(&sealed, None, store, &settings.lost_keys)?;
    // The name of a key that encrypted something is never reused, even if the key is lost.
    let next = sealed.keys.keys().max().map_or(KeyId::FIRST, |latest| latest.after());
    secret_key::create_data_folder(&store.data).map_err(anyhow::Error::from)?;
    secret_key::create(&path, next).map_err(anyhow::Error::from)?;
    Ok(secret_key::watched(path).map_err(anyhow::Error::from)?)
}

/// Checks that these keys decrypt the values in the database, except for keys declared lost.
pub(super) fn check(
    sealed: &KeyUsage,
    ring: Option<&KeyRing>,
    store: &Store,
    lost: &[KeyId],
) -> Result<(), CommandError> {
    let is_present = |id: KeyId| ring.is_some_and(|ring| ring.keys().any(|key| key.id == id));
    let closed: Vec<KeyId> = sealed.closed().filter(|id| is_present(*id) || !lost.contains(id)).collect();
    let (Some(first), place) = (closed.first(), store.key_place()) else { return Ok(()) };
    let names = closed.iter().map(KeyId::to_string).collect::<Vec<_>>().join(",");
    let (reason, rename) = if ring.is_none() {
        (format!("there is no instance key at {place}, and values in this database are encrypted with {names}"), "")
    } else if is_present(*first) {
        let reason = format!("the key {first} in {place} is not the {first} that encrypted values in this database");
        (reason, "rename the key that you have now, as in k9:BASE64, and ")
    } else {
        (format!("values in this database are encrypted with {first}, which is not among the keys in {place}"), "")
    };
    Err(anyhow!(
        "{reason}. Add the key that belongs to this database there (docs/operations.md, \"Backup\"). Only if it is lost \
         for good, {rename}start the server with OFFHOOK_LOST_KEYS={names}: existing endpoints must then be recreated"
    ).into())
}
