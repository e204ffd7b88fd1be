//! `offhook key …`
//!
//! The order matters: a key is known wherever it may be met before anything is sealed with it, and leaves only when
//! nothing is. Decision 0010 says why it is done this way.

use std::{path::PathBuf, sync::Arc, time::UNIX_EPOCH};

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};
use domain::{
    Backend as _,
    actor::Actor,
    audit::Change,
    time::{SECOND_MS, UnixMs, counted},
};
use engine::{
    Engine, clock,
    key_ring::{KeyId, KeyRing},
    service::keys::{KeyUsage, Pass},
};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::{
    command::{Failed, database_is_there, engine, own_keys, say},
    config::Store,
    secret_key,
};

/// How long a request may be worked on: what began before the new key was there may still seal with the old one.
const IN_FLIGHT_MS: i64 = 30 * SECOND_MS;
/// Rest before rows are tried again that somebody worked on, in milliseconds.
const AGAIN_MS: u64 = 200;
/// Passes in a row that get nowhere before the command gives up.
const FRUITLESS_MAX: u32 = 50;

/// What can be done with the instance keys.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Show which keys there are, and how much each has sealed.
    List(List),
    /// Add a key to the key file. It seals nothing before `rotate`, so that it can be copied to other nodes first.
    Add(Add),
    /// Let the next key seal, and seal again what older ones have sealed, while the server runs. Goes on where it was
    /// stopped.
    Rotate(Rotate),
}

/// The keys.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    store: Store,
}

/// A further key.
#[derive(Debug, Args)]
pub struct Add {
    #[command(flatten)]
    store: Store,
}

/// A rotation.
#[derive(Debug, Args)]
pub struct Rotate {
    /// Take the old keys out of the key file at the end. Backups made before cannot be read without them.
    #[arg(long)]
    retire: bool,
    #[command(flatten)]
    store: Store,
}

pub(super) async fn run(key: Key) -> Result<(), Failed> {
    let (Key::List(List { store }) | Key::Add(Add { store }) | Key::Rotate(Rotate { store, .. })) = &key;
    database_is_there(store)?;
    match key {
        Key::List(list) => show(&list.store).await,
        Key::Add(add) => add_to_file(&add.store),
        Key::Rotate(rotate) => turn(rotate).await,
    }
}

async fn show(store: &Store) -> Result<(), Failed> {
    let sealed = engine(store).await?.sealed_by().await.map_err(anyhow::Error::from)?;
    let ring = ring(store, &sealed)?;
    let key =
        |id: &KeyId| json!({ "id": id.to_string(), "current": *id == ring.current().id, "sealed": sealed.by(*id) });
    let missing: Vec<String> = unknown(&ring, &sealed).iter().map(KeyId::to_string).collect();
    let here = ids(&ring);
    let wrong: Vec<String> = sealed.closed().filter(|id| here.contains(id)).map(|id| id.to_string()).collect();
    let keys: Vec<_> = here.iter().map(key).collect();
    say(&json!({ "keys": keys, "missing": missing, "wrong": wrong, "nameless": sealed.nameless }))?;
    own_keys::fit(&sealed, Some(&ring), store, &[])
}

/// The keys that are here. Where there are none, it matters whether anything was sealed.
fn ring(store: &Store, sealed: &KeyUsage) -> Result<KeyRing, Failed> {
    if let Some(keys) = store.keys().map_err(anyhow::Error::from)? {
        return Ok(keys.ring);
    }
    own_keys::fit(sealed, None, store, &[])?;
    Err(anyhow!("there is no instance key at {}; `offhook serve` makes one when it starts", store.key_place()).into())
}

fn add_to_file(store: &Store) -> Result<(), Failed> {
    let path = key_file(store)?;
    let _alone = secret_key::lock(&path).map_err(anyhow::Error::from)?;
    let ring = secret_key::read(&path).map_err(anyhow::Error::from)?;
    if let Some(waiting) = ring.waiting() {
        return Err(anyhow!("{} is there already and waits for `offhook key rotate`", waiting.id).into());
    }
    let ring = ring.with_waiting(secret_key::random().map_err(anyhow::Error::from)?);
    secret_key::replace(&path, &ring).map_err(anyhow::Error::from)?;
    let added = ring.waiting().map(|key| key.id.to_string());
    say(&json!({ "added": added, "file": path }))
}

/// The key file, for what only a file can do.
fn key_file(store: &Store) -> Result<PathBuf, Failed> {
    store.key_file().ok_or_else(|| {
        Failed::Usage(
            "the keys are in OFFHOOK_SECRET_KEY, which only you can change: write `k2:NEW k1:OLD` there, restart the \
             server, then run `offhook key rotate` (docs/operations.md, \"Another instance key\")"
                .to_owned(),
        )
    })
}

async fn turn(wanted: Rotate) -> Result<(), Failed> {
    let store = &wanted.store;
    if wanted.retire {
        // Said before anything is done: only a file can lose a key by itself.
        key_file(store)?;
    }
    let path = store.key_file();
    let _alone = path.as_deref().map(secret_key::lock).transpose().map_err(anyhow::Error::from)?;
    let engine = engine(store).await?;
    let sealed = engine.sealed_by().await.map_err(anyhow::Error::from)?;
    let was = ring(store, &sealed)?;
    if let Some(unknown) = unknown(&was, &sealed).first() {
        let many = values(sealed.by(*unknown));
        return Err(anyhow!("{unknown} has sealed {many} and is not among the keys here; add it first").into());
    }
    own_keys::fit(&sealed, Some(&was), store, &[])?;
    let ring = begun(&engine, store, &was, &sealed, wanted.retire).await?;
    let pass = everything(&engine, sealed.not_by(ring.current().id)).await?;
    note(&engine, &was, &ring, pass).await?;
    let open = pass.closed == 0;
    let (ring, retired) = if wanted.retire && open { retire(&engine, store, ring).await? } else { (ring, Vec::new()) };
    let kept: Vec<String> = ids(&ring).iter().skip(1).map(KeyId::to_string).collect();
    let retired: Vec<String> = retired.iter().map(KeyId::to_string).collect();
    let current = ring.current().id.to_string();
    say(
        &json!({ "current": current, "resealed": pass.resealed, "closed": pass.closed, "retired": retired, "kept": kept }),
    )?;
    if open {
        return Ok(());
    }
    let many = values(pass.closed);
    Err(anyhow!("none of the keys opens {many}; what does not open was left as it is, and so were the keys").into())
}

/// The ring whose first key is to seal everything: a rotation that was begun is finished before another begins.
async fn begun(
    engine: &Engine,
    store: &Store,
    was: &KeyRing,
    sealed: &KeyUsage,
    retire: bool,
) -> Result<KeyRing, Failed> {
    let others = was.keys().count() > 1;
    let unfinished = sealed.not_by(was.current().id) > 0;
    if was.waiting().is_none() && (unfinished || (retire && others)) {
        return Ok(was.clone());
    }
    let path = key_file(store)?;
    let next = match was.waiting() {
        Some(_) => was.clone(),
        None => {
            let nodes = engine.nodes_alive().await.map_err(anyhow::Error::from)?;
            if nodes > 1 {
                return Err(Failed::Usage(format!(
                    "{nodes} servers work on this database, and each must know the next key before it is used: run \
                     `offhook key add`, copy the key file to every node, then run `offhook key rotate` again"
                )));
            }
            was.clone().with_waiting(secret_key::random().map_err(anyhow::Error::from)?)
        }
    };
    let next = next.promoted();
    secret_key::replace(&path, &next).map_err(anyhow::Error::from)?;
    Ok(next)
}

/// Passes over everything until one finds nothing to do.
async fn everything(engine: &Engine, to_do: u64) -> Result<Pass, Failed> {
    let bar = bar(to_do);
    let (mut all, mut fruitless) = (Pass::default(), 0);
    loop {
        let told = |more| {
            bar.inc(more);
            tracing::debug!(done = bar.position(), of = to_do, "sealed again");
        };
        let pass = engine.reseal(told).await.context("seal again")?;
        all = Pass { resealed: all.resealed + pass.resealed, ..pass };
        if pass.resealed == 0 && pass.left == 0 {
            bar.finish_and_clear();
            return Ok(all);
        }
        fruitless = if pass.resealed == 0 { fruitless + 1 } else { 0 };
        if fruitless > FRUITLESS_MAX {
            return Err(anyhow!("somebody else holds {}; run the command again later", values(pass.left)).into());
        }
        clock::sleep_ms(AGAIN_MS).await;
    }
}

async fn note(engine: &Engine, was: &KeyRing, now: &KeyRing, pass: Pass) -> Result<(), Failed> {
    if pass.resealed == 0 && was == now {
        return Ok(());
    }
    let change = Change::between("key", was.current().id.to_string(), now.current().id.to_string());
    let noted = Change::noted("values sealed again", pass.resealed.to_string());
    Ok(engine.record_key_change(&Actor::COMMAND_LINE, change.into_iter().chain([noted]).collect()).await?)
}

/// Takes those keys out of the file with which nothing is sealed any more.
async fn retire(engine: &Arc<Engine>, store: &Store, ring: KeyRing) -> Result<(KeyRing, Vec<KeyId>), Failed> {
    let path = key_file(store)?;
    let age = engine.clock().now().since_ms(changed_at(&path)?);
    let wait = IN_FLIGHT_MS.saturating_sub(age.max(0)).max(0);
    if wait > 0 {
        tracing::info!(wait_ms = wait, "waiting for requests that began with the old key");
        clock::sleep_ms(wait.unsigned_abs()).await;
        everything(engine, 0).await?;
    }
    let sealed = engine.sealed_by().await.map_err(anyhow::Error::from)?;
    let current = ring.current().id;
    let unused: Vec<KeyId> = ids(&ring).into_iter().filter(|id| *id < current && sealed.by(*id) == 0).collect();
    if unused.is_empty() {
        return Ok((ring, unused));
    }
    let left = ring.without(&unused);
    secret_key::replace(&path, &left).map_err(anyhow::Error::from)?;
    let names: Vec<String> = unused.iter().map(KeyId::to_string).collect();
    engine.record_key_change(&Actor::COMMAND_LINE, vec![Change::noted("retired", names.join(", "))]).await?;
    Ok((left, unused))
}

fn changed_at(path: &std::path::Path) -> Result<UnixMs, Failed> {
    let modified = std::fs::metadata(path).and_then(|file| file.modified()).context("key file")?;
    let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(UnixMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
}

fn values(many: u64) -> String {
    counted(i64::try_from(many).unwrap_or(i64::MAX), "value")
}

fn ids(ring: &KeyRing) -> Vec<KeyId> {
    ring.keys().map(|key| key.id).collect()
}

/// Keys that have sealed something and are not here.
fn unknown(ring: &KeyRing, sealed: &KeyUsage) -> Vec<KeyId> {
    let here = ids(ring);
    sealed.keys.keys().copied().filter(|id| !here.contains(id)).collect()
}

fn bar(values: u64) -> ProgressBar {
    let bar = ProgressBar::new(values);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} sealed again, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
