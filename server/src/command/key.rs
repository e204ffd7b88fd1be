//! `offhook key …`
//!
//! The order matters: every node must know a key before anything is encrypted with it, and a key is removed only when
//! nothing is encrypted with it. Decision 0010 gives the reasons.

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
    service::credentials::key_rotation::{KeyUsage, Pass},
};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::{
    command::{CommandError, engine, instance_keys, print_json, require_database},
    config::Store,
    secret_key,
};

/// Longest duration of a request: one that started before the new key may still encrypt with the old one.
const REQUEST_MAX_MS: i64 = 30 * SECOND_MS;
/// Pause before rows that were in use are retried, in milliseconds.
const RETRY_PAUSE_MS: u64 = 200;
/// Consecutive passes without progress before the command gives up.
const IDLE_PASSES_MAX: u32 = 50;

/// Instance key commands.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// List the keys, and how many values each has encrypted.
    List(List),
    /// Add a key to the key file. It encrypts nothing before `rotate`, so that it can be copied to other nodes first.
    Add(Add),
    /// Switch to the next key and re-encrypt what older keys have encrypted, while the server runs. Resumes where it was
    /// stopped.
    Rotate(Rotate),
}

/// The keys.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    store: Store,
}

/// An additional key.
#[derive(Debug, Args)]
pub struct Add {
    #[command(flatten)]
    store: Store,
}

/// A rotation.
#[derive(Debug, Args)]
pub struct Rotate {
    /// Remove the old keys from the key file at the end. Earlier backups cannot be read without them.
    #[arg(long)]
    retire: bool,
    #[command(flatten)]
    store: Store,
}

pub(super) async fn run(key: Key) -> Result<(), CommandError> {
    let (Key::List(List { store }) | Key::Add(Add { store }) | Key::Rotate(Rotate { store, .. })) = &key;
    require_database(store)?;
    match key {
        Key::List(list) => show(&list.store).await,
        Key::Add(add) => add_to_file(&add.store),
        Key::Rotate(rotate) => rotate_keys(rotate).await,
    }
}

async fn show(store: &Store) -> Result<(), CommandError> {
    let sealed = engine(store).await?.sealed_by().await.map_err(anyhow::Error::from)?;
    let ring = ring(store, &sealed)?;
    let key =
        |id: &KeyId| json!({ "id": id.to_string(), "current": *id == ring.current().id, "sealed": sealed.by(*id) });
    let missing: Vec<String> = unknown(&ring, &sealed).iter().map(KeyId::to_string).collect();
    let present = ids(&ring);
    let wrong: Vec<String> = sealed.closed().filter(|id| present.contains(id)).map(|id| id.to_string()).collect();
    let keys: Vec<_> = present.iter().map(key).collect();
    print_json(&json!({ "keys": keys, "missing": missing, "wrong": wrong, "nameless": sealed.nameless }))?;
    instance_keys::check(&sealed, Some(&ring), store, &[])
}

/// The configured keys. If there are none, the error depends on whether anything is encrypted.
fn ring(store: &Store, sealed: &KeyUsage) -> Result<KeyRing, CommandError> {
    if let Some(keys) = store.keys().map_err(anyhow::Error::from)? {
        return Ok(keys.ring);
    }
    instance_keys::check(sealed, None, store, &[])?;
    Err(anyhow!("there is no instance key at {}; `offhook serve` generates one when it starts", store.key_place())
        .into())
}

fn add_to_file(store: &Store) -> Result<(), CommandError> {
    let path = key_file(store)?;
    let _lock = secret_key::lock(&path).map_err(anyhow::Error::from)?;
    let ring = secret_key::read(&path).map_err(anyhow::Error::from)?;
    if let Some(waiting) = ring.waiting() {
        return Err(anyhow!("{} was already added; run `offhook key rotate` to use it", waiting.id).into());
    }
    let ring = ring.with_waiting(secret_key::random().map_err(anyhow::Error::from)?);
    secret_key::replace(&path, &ring).map_err(anyhow::Error::from)?;
    let added = ring.waiting().map(|key| key.id.to_string());
    print_json(&json!({ "added": added, "file": path }))
}

/// The key file, for operations that need one.
fn key_file(store: &Store) -> Result<PathBuf, CommandError> {
    store.key_file().ok_or_else(|| {
        CommandError::Usage(
            "the keys are in OFFHOOK_SECRET_KEY, which only you can change: set it to `k2:NEW k1:OLD`, restart the \
             server, then run `offhook key rotate` (docs/operations.md, \"Changing the instance key\")"
                .to_owned(),
        )
    })
}

async fn rotate_keys(request: Rotate) -> Result<(), CommandError> {
    let store = &request.store;
    if request.retire {
        // Checked first: a key can be removed only from a file.
        key_file(store)?;
    }
    let path = store.key_file();
    let _lock = path.as_deref().map(secret_key::lock).transpose().map_err(anyhow::Error::from)?;
    let engine = engine(store).await?;
    let sealed = engine.sealed_by().await.map_err(anyhow::Error::from)?;
    let before = ring(store, &sealed)?;
    if let Some(unknown) = unknown(&before, &sealed).first() {
        let many = values(sealed.by(*unknown));
        return Err(anyhow!("{unknown} encrypted {many} and is not among the configured keys; add it first").into());
    }
    instance_keys::check(&sealed, Some(&before), store, &[])?;
    let ring = begin_or_continue(&engine, store, &before, &sealed, request.retire).await?;
    let pass = reencrypt_all(&engine, sealed.not_by(ring.current().id)).await?;
    note(&engine, &before, &ring, pass).await?;
    let open = pass.closed == 0;
    let (ring, retired) = if request.retire && open { retire(&engine, store, ring).await? } else { (ring, Vec::new()) };
    let kept: Vec<String> = ids(&ring).iter().skip(1).map(KeyId::to_string).collect();
    let retired: Vec<String> = retired.iter().map(KeyId::to_string).collect();
    let current = ring.current().id.to_string();
    print_json(
        &json!({ "current": current, "resealed": pass.resealed, "closed": pass.closed, "retired": retired, "kept": kept }),
    )?;
    if open {
        return Ok(());
    }
    let many = values(pass.closed);
    Err(anyhow!("none of the keys decrypts {many}; they were left unchanged, and so were the keys").into())
}

/// The ring whose first key encrypts everything from now on. An unfinished rotation is finished before another starts.
async fn begin_or_continue(
    engine: &Engine,
    store: &Store,
    before: &KeyRing,
    sealed: &KeyUsage,
    retire: bool,
) -> Result<KeyRing, CommandError> {
    let others = before.keys().count() > 1;
    let unfinished = sealed.not_by(before.current().id) > 0;
    if before.waiting().is_none() && (unfinished || (retire && others)) {
        return Ok(before.clone());
    }
    let path = key_file(store)?;
    let next = match before.waiting() {
        Some(_) => before.clone(),
        None => {
            let nodes = engine.nodes_alive().await.map_err(anyhow::Error::from)?;
            if nodes > 1 {
                return Err(CommandError::Usage(format!(
                    "{nodes} servers use this database, and each must know the next key before it is used: run \
                     `offhook key add`, copy the key file to every node, then run `offhook key rotate` again"
                )));
            }
            before.clone().with_waiting(secret_key::random().map_err(anyhow::Error::from)?)
        }
    };
    let next = next.promoted();
    secret_key::replace(&path, &next).map_err(anyhow::Error::from)?;
    Ok(next)
}

/// Makes passes over all values until one finds nothing to do.
async fn reencrypt_all(engine: &Engine, to_do: u64) -> Result<Pass, CommandError> {
    let bar = bar(to_do);
    let (mut total, mut idle) = (Pass::default(), 0);
    loop {
        let progress = |more| {
            bar.inc(more);
            tracing::debug!(done = bar.position(), of = to_do, "re-encrypted");
        };
        let pass = engine.reseal(progress).await.context("re-encrypt")?;
        total = Pass { resealed: total.resealed + pass.resealed, ..pass };
        if pass.resealed == 0 && pass.left == 0 {
            bar.finish_and_clear();
            return Ok(total);
        }
        idle = if pass.resealed == 0 { idle + 1 } else { 0 };
        if idle > IDLE_PASSES_MAX {
            return Err(anyhow!("{} are in use; run the command again later", values(pass.left)).into());
        }
        clock::sleep_ms(RETRY_PAUSE_MS).await;
    }
}

async fn note(engine: &Engine, before: &KeyRing, after: &KeyRing, pass: Pass) -> Result<(), CommandError> {
    if pass.resealed == 0 && before == after {
        return Ok(());
    }
    let change = Change::between("key", before.current().id.to_string(), after.current().id.to_string());
    let count = Change::noted("values re-encrypted", pass.resealed.to_string());
    Ok(engine.record_key_change(&Actor::COMMAND_LINE, change.into_iter().chain([count]).collect()).await?)
}

/// Removes the keys from the file with which nothing is encrypted any more.
async fn retire(engine: &Arc<Engine>, store: &Store, ring: KeyRing) -> Result<(KeyRing, Vec<KeyId>), CommandError> {
    let path = key_file(store)?;
    let age = engine.clock().now().since_ms(changed_at(&path)?);
    let wait = REQUEST_MAX_MS.saturating_sub(age.max(0)).max(0);
    if wait > 0 {
        tracing::info!(wait_ms = wait, "waiting for requests that started with the old key");
        clock::sleep_ms(wait.unsigned_abs()).await;
        reencrypt_all(engine, 0).await?;
    }
    let sealed = engine.sealed_by().await.map_err(anyhow::Error::from)?;
    let current = ring.current().id;
    let unused: Vec<KeyId> = ids(&ring).into_iter().filter(|id| *id < current && sealed.by(*id) == 0).collect();
    if unused.is_empty() {
        return Ok((ring, unused));
    }
    let remaining = ring.without(&unused);
    secret_key::replace(&path, &remaining).map_err(anyhow::Error::from)?;
    let names: Vec<String> = unused.iter().map(KeyId::to_string).collect();
    engine.record_key_change(&Actor::COMMAND_LINE, vec![Change::noted("retired", names.join(", "))]).await?;
    Ok((remaining, unused))
}

fn changed_at(path: &std::path::Path) -> Result<UnixMs, CommandError> {
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

/// Keys that encrypted something and are not configured.
fn unknown(ring: &KeyRing, sealed: &KeyUsage) -> Vec<KeyId> {
    let present = ids(ring);
    sealed.keys.keys().copied().filter(|id| !present.contains(id)).collect()
}

fn bar(values: u64) -> ProgressBar {
    let bar = ProgressBar::new(values);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} re-encrypted, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
