//! One run of an import: from the pieces of its file to events.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::{
    Error,
    connector::imports::{BadRecord, ImportProgress, ImportState},
};
use engine::{ImportRun, RENEW_EVERY_MS, Wait, clock::stopwatch};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::{
    Turn, pause,
    post::{Left, attempt},
    reader::{Batch, Pieces, read},
};
use crate::{app_state::SharedState, records};

/// Why a file can't be read any more.
const LOST: &str = "The stored file can’t be read any more: the instance key has changed, or a part is missing. Upload it again; nothing is imported twice.";

/// Why a run has ended.
enum Ended {
    /// The whole file is imported.
    Whole,
    /// Another run has it, or it was cancelled, or the database is away: another run continues.
    Released,
    /// The connector is deleted.
    Deleted,
    /// It can never be imported.
    Failed(String),
}

/// Imports a file, from where the last run had come.
pub(super) async fn import(state: &SharedState, turn: &Turn, run: &ImportRun) {
    let ended = tokio::select! {
        ended = imported(state, turn, run) => ended,
        () = lost(state, run) => Ended::Released,
    };
    let saved = match ended {
        Ended::Released => return,
        Ended::Whole => state.engine.end_import(run, ImportState::Done, None).await,
        Ended::Deleted => state.engine.end_import(run, ImportState::Cancelled, None).await,
        Ended::Failed(why) => return fail(state, run, &why).await,
    };
    if let Err(error) = saved {
        tracing::warn!(%error, import = %run.import.id, "the end of an import could not be saved; another run repeats its last part");
    }
}

/// Ends an import that can't succeed.
pub(super) async fn fail(state: &SharedState, run: &ImportRun, why: &str) {
    match state.engine.end_import(run, ImportState::Failed, Some(why)).await {
        Ok(true) => tracing::warn!(import = %run.import.id, "an import has failed"),
        // A part of the file is missing, too, once an import is cancelled.
        Ok(false) => {}
        Err(error) => tracing::warn!(%error, import = %run.import.id, "the failure of an import could not be saved"),
    }
}

/// Returns once this run may not continue.
async fn lost(state: &SharedState, run: &ImportRun) {
    loop {
        pause(Duration::from_millis(RENEW_EVERY_MS)).await;
        // What could not be asked is asked again before the lease ends, or by the next batch.
        if matches!(state.engine.renew_import(run).await, Ok(false)) {
            return;
        }
    }
}

async fn imported(state: &SharedState, turn: &Turn, run: &ImportRun) -> Ended {
    let Some(reading) = &run.import.reading else {
        return Ended::Failed("It is not known how the file is read.".into());
    };
    let open = match state.engine.importing_connector(&run.import.connector).await {
        Ok(open) => open,
        Err(Error::NotFound(_)) => return Ended::Deleted,
        // Paused, suspended or full: looked at again when the lease has ended.
        Err(error) => return released(state, run, &run.import.progress, &error).await,
    };
    let format = match records::format(&open.connector, reading) {
        Ok(format) => format,
        Err(error) => return Ended::Failed(error.to_string()),
    };
    let is_broken = Arc::new(AtomicBool::new(false));
    let ((feed, fed), (give, given)) = (channel(1), channel(1));
    let (pieces, done) = (Pieces::new(fed, Arc::clone(&is_broken)), run.import.progress.items);
    let reading = tokio::task::spawn_blocking(move || read(pieces, format, done, &give));
    let (feeding, posting) = tokio::join!(feed_all(state, run, feed, &is_broken), post_all(state, turn, run, given));
    match (feeding, reading.await, posting) {
        (_, _, Err(ended)) | (Err(ended), _, _) => ended,
        (_, Err(_), _) => Ended::Failed("The file can’t be read. Importing it again is safe.".into()),
        (_, Ok(Err(why)), _) => Ended::Failed(why),
        _ => Ended::Whole,
    }
}

/// Says why it waits.
async fn released(state: &SharedState, run: &ImportRun, progress: &ImportProgress, error: &Error) -> Ended {
    let saved = state.engine.save_import(run, (progress, NO_ROWS), Some(Wait::Owner(&error.to_string()))).await;
    if let Err(error) = saved {
        tracing::warn!(%error, import = %run.import.id, "an import waits");
    }
    Ended::Released
}

/// Passes the pieces of the file on, in order.
async fn feed_all(
    state: &SharedState,
    run: &ImportRun,
    feed: Sender<Vec<u8>>,
    is_broken: &AtomicBool,
) -> Result<(), Ended> {
    let (mut number, mut bytes) = (0, 0);
    let ended = loop {
        match state.engine.import_piece(&run.import.id, number).await {
            Ok(Some(piece)) => {
                bytes += piece.len() as u64;
                if feed.send(piece).await.is_err() {
                    // Whoever reads has ended, and says why.
                    return Ok(());
                }
            }
            Ok(None) if bytes == run.import.file_bytes => return Ok(()),
            Ok(None) | Err(Error::Internal) => break Ended::Failed(LOST.into()),
            Err(error) => {
                tracing::warn!(%error, import = %run.import.id, "an import is interrupted, and continues later");
                break Ended::Released;
            }
        }
        number += 1;
    };
    is_broken.store(true, Ordering::SeqCst);
    Err(ended)
}

/// Posts batch after batch, and saves how far it is.
async fn post_all(
    state: &SharedState,
    turn: &Turn,
    run: &ImportRun,
    mut batches: Receiver<Batch>,
) -> Result<(), Ended> {
    let mut progress = run.import.progress;
    while let Some(batch) = batches.recv().await {
        post(state, turn, run, batch, &mut progress).await?;
    }
    Ok(())
}

async fn post(
    state: &SharedState,
    turn: &Turn,
    run: &ImportRun,
    batch: Batch,
    progress: &mut ImportProgress,
) -> Result<(), Ended> {
    let (mut events, mut bad) = (batch.events, batch.bad);
    let before = *progress;
    loop {
        let left = {
            let _mine = turn.lock().await;
            let began = stopwatch();
            let left = attempt(state, &run.import.connector, events, progress, &mut bad).await;
            // As long as a batch took, the database is free for the calls of today.
            pause(began.elapsed()).await;
            left
        };
        match left {
            Left::Deleted => return Err(Ended::Deleted),
            Left::Nothing => {
                progress.items = batch.items;
                progress.bytes_read = batch.bytes;
                progress.rows = batch.counts.rows;
                progress.ignored = batch.counts.ignored;
                progress.not_understood = batch.counts.not_understood;
                return saved(state.engine.save_import(run, (progress, &bad), None).await);
            }
            // Waiting for it would keep the place of an import that can run. What was posted of this batch is posted again by
            // the next run, and counted as known.
            Left::Blocked(error) => return Err(released(state, run, &before, &error).await),
            Left::Waiting { events: rest, why, pause: time } => {
                // The counts of a batch are saved with its end: another run would count its events once more.
                saved(state.engine.save_import(run, (&before, NO_ROWS), Some(Wait::Run(why.as_deref()))).await)?;
                pause(time).await;
                events = rest;
            }
        }
    }
}

const NO_ROWS: &[BadRecord] = &[];

/// Whether the run may continue.
fn saved(result: domain::Result<bool>) -> Result<(), Ended> {
    match result {
        Ok(true) => Ok(()),
        Ok(false) => Err(Ended::Released),
        Err(error) => {
            tracing::warn!(%error, "an import is interrupted, and continues later");
            Err(Ended::Released)
        }
    }
}
