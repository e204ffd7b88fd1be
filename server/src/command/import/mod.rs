//! `offhook import calls FILE`: the ends of the calls of a call record file, posted through the public API of a running
//! server. The ids of events follow from the records, so a file that is imported again adds nothing: after an
//! interruption, run the same command again.

mod batch;
mod kind;
mod tally;

use std::{
    fs::File,
    io::{self, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};
use connect::{
    event::CallEvent,
    records::{Format, Records},
};
use domain::connector::imports::PIECE_BYTES;
use engine::clock::stopwatch;
use indicatif::{ProgressBar, ProgressStyle};
use url::Url;

use self::{
    batch::{BATCH_EVENTS, Target},
    kind::Kind,
    tally::Tally,
};
use crate::{
    command::{CommandError, print_json},
    rest_client::{RestClient, wait},
};

/// Rows of a file that were not understood, and events that were rejected, which are reported in full.
const REPORTED_MAX: u64 = 100;
/// Events that a dry run prints.
const PREVIEW_EVENTS: u64 = 10;

/// What to import.
#[derive(Debug, Subcommand)]
pub enum Import {
    /// A call record file: each call becomes a CallProcessed event.
    Calls(Box<Calls>),
}

/// A call record file, and where its events go.
#[derive(Debug, Args)]
pub struct Calls {
    /// The file: separated by commas, semicolons or tabs, in UTF-8 or Latin-1; or a line of JSON for each call.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    kind: Kind,
    /// The server.
    #[arg(long, default_value = "http://127.0.0.1:3000", value_name = "URL")]
    url: Url,
    /// An API token with the scope events:write; with --connector, connectors:read as well. Not needed for a dry run without
    /// --connector.
    #[arg(long, env = "OFFHOOK_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The connector of the phone system: its country, trunks and identity, so that calls it has reported are not stored
    /// again. One of the platform routes the calls.
    #[arg(long, value_name = "CON")]
    connector: Option<String>,
    /// The account of all calls, by id or reference, for a platform token without a connector.
    #[arg(long, value_name = "REF", conflicts_with = "connector")]
    account: Option<String>,
    /// Events per second at most. By default, half of what an account may usually post: the calls of today come first.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..), value_name = "N")]
    rate: u32,
    /// Print the first events and what is not understood; post nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(import: Import) -> Result<(), CommandError> {
    let Import::Calls(calls) = import;
    let target = target(&calls).await?;
    let format = calls.kind.format(target.as_ref().and_then(Target::settings))?;
    refuse_missing(&format, &calls.file)?;
    let (file, bytes) = open(&calls.file)?;
    let records = Records::new(BufReader::new(file), format).map_err(CommandError::Usage)?;
    let mut importing = Importing { tally: Tally::default(), bar: bar(bytes), file: &calls.file };
    match target.filter(|_| !calls.dry_run) {
        Some(target) => importing.post(records, &target, calls.rate).await?,
        None => importing.preview(records)?,
    }
    importing.bar.finish_and_clear();
    print_json(&importing.tally)?;
    importing.tally.verdict()
}

/// Where the events go. A dry run needs it only for the settings of the connector.
async fn target(calls: &Calls) -> Result<Option<Target>, CommandError> {
    let Some(token) = &calls.token else {
        if calls.dry_run && calls.connector.is_none() {
            return Ok(None);
        }
        return Err(CommandError::Usage("give an API token with --token or OFFHOOK_TOKEN".to_owned()));
    };
    let client = RestClient::new(&calls.url, token)?;
    Ok(Some(Target::find(client, calls.connector.as_deref(), calls.account.clone()).await?))
}

fn open(path: &Path) -> Result<(File, u64), CommandError> {
    let named = |error: io::Error| anyhow!("{}: {error}", path.display());
    let file = File::open(path).map_err(named)?;
    let bytes = file.metadata().map_err(named)?.len();
    Ok((file, bytes))
}

/// Refuses columns that the file does not have: one that may be empty would be left out of every call.
fn refuse_missing(format: &Format, path: &Path) -> Result<(), CommandError> {
    let Format::Columns(columns, _, locale) = format else { return Ok(()) };
    let start = BufReader::new(open(path)?.0.take(PIECE_BYTES as u64));
    let missing: Vec<_> =
        columns.missing_in(start, locale).into_iter().map(|(name, why)| format!("{name}: {why}")).collect();
    if missing.is_empty() { Ok(()) } else { Err(CommandError::Usage(format!("--columns: {}", missing.join(" ")))) }
}

/// A file that is being imported.
struct Importing<'a> {
    tally: Tally,
    bar: ProgressBar,
    file: &'a Path,
}

impl Importing<'_> {
    async fn post(
        &mut self,
        mut records: Records<BufReader<File>>,
        target: &Target,
        rate: u32,
    ) -> Result<(), CommandError> {
        // A batch of a second at most, since that is how long is waited after it.
        let size = BATCH_EVENTS.min(rate as usize);
        let mut batch = Vec::with_capacity(size);
        loop {
            let event = self.next(&mut records);
            let is_last = event.is_none();
            batch.extend(event);
            if batch.len() >= size || (is_last && !batch.is_empty()) {
                let (began, events) = (stopwatch(), batch.len() as u64);
                self.post_batch(&mut batch, target).await?;
                let pace = Duration::from_millis(events * 1_000 / u64::from(rate));
                if !is_last {
                    wait(pace.saturating_sub(began.elapsed())).await;
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }

    async fn post_batch(&mut self, batch: &mut Vec<CallEvent>, target: &Target) -> Result<(), CommandError> {
        let results = target
            .post(batch)
            .await
            .context("the import stopped; once this is solved, run the same command again: nothing is stored twice")?;
        for (event, result) in batch.drain(..).zip(results) {
            if let Some(reason) = self.tally.count(result) {
                self.report(self.tally.rejected, &format!("{}: {reason}", event.id));
            }
        }
        Ok(())
    }

    fn preview(&mut self, mut records: Records<BufReader<File>>) -> Result<(), CommandError> {
        let mut printed = 0;
        while let Some(event) = self.next(&mut records) {
            if printed < PREVIEW_EVENTS {
                printed += 1;
                self.bar.suspend(|| print_json(&event))?;
            }
        }
        Ok(())
    }

    /// The next event. Rows before it that were not understood are reported.
    fn next(&mut self, records: &mut Records<BufReader<File>>) -> Option<CallEvent> {
        let event = loop {
            match records.next() {
                Some(Ok(event)) => break Some(event),
                Some(Err(bad)) => {
                    let line = format!("{}:{}: {}", self.file.display(), bad.line, bad.reason);
                    self.report(records.counts().not_understood, &line);
                }
                None => break None,
            }
        };
        self.tally.counts = records.counts().into();
        self.tally.stopped_early |= records.stopped_early();
        self.bar.set_position(records.bytes());
        event
    }

    /// Reports the `n`th of its kind.
    fn report(&self, n: u64, line: &str) {
        if n <= REPORTED_MAX {
            // If stderr is closed, the line is lost; the count is not.
            self.bar.suspend(|| writeln!(io::stderr(), "{line}")).ok();
        }
    }
}

fn bar(bytes: u64) -> ProgressBar {
    let bar = ProgressBar::new(bytes);
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
