//! Whether the instance keys here are those that have sealed what is in the database.
//!
//! A server with other keys takes events and can send none of them, so it does not start; and a key is only made where
//! nothing was sealed yet.

use anyhow::anyhow;
use engine::{
    key_ring::{KeyId, KeyRing, Keys},
    service::keys::KeyUsage,
};

use super::{Failed, open, stand_in};
use crate::{
    config::{Serve, Store},
    secret_key,
};

/// The keys of a server that is about to start, which are made at the first start.
pub(super) async fn of_server(settings: &Serve) -> Result<Keys, Failed> {
    let store = &settings.store;
    if store.database_url.is_none() {
        secret_key::make_data_folder(&store.data).map_err(anyhow::Error::from)?;
    }
    if let Some(keys) = store.keys().map_err(anyhow::Error::from)? {
        return Ok(keys);
    }
    let Some(path) = store.key_file() else { return Err(anyhow!("there is no instance key").into()) };
    let engine = open(store, stand_in()?).await?;
    let sealed = engine.sealed_by().await.map_err(anyhow::Error::from);
    engine.stop().await;
    let sealed = sealed?;
    fit(&sealed, None, store, &settings.lost_keys)?;
    // A name that something was sealed under is taken, whatever has become of that key.
    let next = sealed.keys.keys().max().map_or(KeyId::FIRST, |latest| latest.after());
    secret_key::make_data_folder(&store.data).map_err(anyhow::Error::from)?;
    secret_key::make(&path, next).map_err(anyhow::Error::from)?;
    Ok(secret_key::watched(path).map_err(anyhow::Error::from)?)
}

/// Whether these keys open what is sealed in the database, but for those that are said to be lost.
pub(super) fn fit(sealed: &KeyUsage, ring: Option<&KeyRing>, store: &Store, lost: &[KeyId]) -> Result<(), Failed> {
    let is_here = |id: KeyId| ring.is_some_and(|ring| ring.keys().any(|key| key.id == id));
    let closed: Vec<KeyId> = sealed.closed().filter(|id| is_here(*id) || !lost.contains(id)).collect();
    let (Some(first), place) = (closed.first(), store.key_place()) else { return Ok(()) };
    let names = closed.iter().map(KeyId::to_string).collect::<Vec<_>>().join(",");
    let (what, another) = if ring.is_none() {
        (format!("there is no instance key at {place}, and values in this database were sealed with {names}"), "")
    } else if is_here(*first) {
        let what = format!("the key {first} in {place} is not the {first} that sealed values in this database");
        (what, "give the key that you have now another name, as in k9:BASE64, and ")
    } else {
        (format!("values in this database were sealed with {first}, which is not among the keys in {place}"), "")
    };
    Err(anyhow!(
        "{what}. Put the key that belongs to this database there (docs/operations.md, \"Backup\"). Only if it is lost \
         for good, {another}start the server with OFFHOOK_LOST_KEYS={names}: endpoints from before must then be made anew"
    )
    .into())
}
