//! `offhook bench`: how much this machine moves, measured from outside, with the real server as a child process.
//!
//! Every part has a server and a database of its own (on Postgres the one that was given, with accounts of its own),
//! is bounded in count and time, and leaves nothing behind but rows in a database that was given.

mod bed;
mod book;
mod child;
mod crash;
mod flow;
mod lists;
mod post;
mod receiver;
mod report;
mod unrest;
mod wait_times;
mod waiting;

use std::{
    io::{self, Write as _},
    path::PathBuf,
    time::Duration,
};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use self::{
    bed::Bed,
    post::Http,
    report::{Figure, Report},
};
use crate::command::{CommandError, print_json, serve};

/// How long nothing may arrive before events count as lost.
const PATIENCE: Duration = Duration::from_secs(60);

/// What to measure, and on what.
#[derive(Debug, Args)]
pub struct Bench {
    /// Answer with one line of JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// An empty database to measure on; it is filled [default: SQLite in a temporary folder].
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Tiny counts: shows that everything works, measures nothing.
    #[arg(long)]
    quick: bool,
    /// Only these parts.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PART[,PART]")]
    only: Vec<Part>,
    /// Deliveries that the list is measured with.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    list_rows: Option<u64>,
    /// Where temporary folders are made; what is durable there decides the figures.
    #[arg(long, value_name = "FOLDER", default_value_os_t = std::env::temp_dir(), hide_default_value = true)]
    folder: PathBuf,
}

/// The parts, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Accepted and delivered per second, beside the raw limit.
    Flow,
    /// From accepted to received.
    Latency,
    /// What a hanging endpoint costs the others.
    Isolation,
    /// kill -9.
    Crash,
    /// Processor time of doing nothing.
    Idle,
    /// The list of deliveries.
    List,
    /// Memory and start with many waiting deliveries.
    Waiting,
}

/// How much of everything.
struct Sizes {
    flow_events: u64,
    rate_s: u64,
    unrest_rounds: u64,
    hanging_events: u64,
    crash_rounds: u64,
    crash_events: u64,
    idle_s: u64,
    list_rows: u64,
    waiting: u64,
    watched_s: u64,
}

const FULL: Sizes = Sizes {
    flow_events: 100_000,
    rate_s: 20,
    unrest_rounds: 2_000,
    hanging_events: 2_000,
    crash_rounds: 10,
    crash_events: 20_000,
    idle_s: 10,
    list_rows: 1_000_000,
    waiting: 1_000_000,
    watched_s: 30,
};
const QUICK: Sizes = Sizes {
    flow_events: 500,
    rate_s: 1,
    unrest_rounds: 10,
    hanging_events: 50,
    crash_rounds: 1,
    crash_events: 500,
    idle_s: 1,
    list_rows: 2_000,
    waiting: 2_000,
    watched_s: 1,
};

/// What the parts need.
struct Measuring<'a> {
    wanted: &'a Bench,
    sizes: Sizes,
    http: Http,
    bar: ProgressBar,
}

impl Measuring<'_> {
    async fn bed(&self) -> anyhow::Result<Bed> {
        Bed::start(&self.wanted.folder, self.wanted.database_url.as_deref(), &self.http).await
    }

    fn is_postgres(&self) -> bool {
        self.wanted.database_url.as_deref().is_some_and(|url| url.starts_with("postgres"))
    }

    fn step(&self, says: &str) {
        self.bar.set_message(says.to_owned());
        self.bar.tick();
    }

    async fn part(&self, part: Part) -> anyhow::Result<Vec<Figure>> {
        match part {
            Part::Flow => flow::measure(self).await,
            Part::Latency => wait_times::latency(self).await,
            Part::Isolation => wait_times::isolation(self).await,
            Part::Crash => crash::measure(self).await,
            Part::Idle => waiting::idle(self).await,
            Part::List => lists::measure(self).await,
            Part::Waiting => waiting::measure(self).await,
        }
    }
}

pub(super) async fn run(wanted: Bench) -> Result<(), CommandError> {
    let sizes = if wanted.quick { QUICK } else { FULL };
    let sizes = Sizes { list_rows: wanted.list_rows.unwrap_or(sizes.list_rows), ..sizes };
    let bench = Measuring { wanted: &wanted, sizes, http: post::http(), bar: bar() };
    let mut report = Report {
        version: env!("CARGO_PKG_VERSION"),
        database: if bench.is_postgres() { "postgres" } else { "sqlite" },
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        figures: Vec::new(),
    };
    for part in Part::value_variants().iter().filter(|part| wanted.only.is_empty() || wanted.only.contains(part)) {
        let figures = tokio::select! {
            figures = bench.part(*part) => figures.with_context(|| format!("{part:?}"))?,
            // What the part holds goes with it: its server, its folder.
            () = serve::signalled() => return Err(anyhow::anyhow!("interrupted").into()),
        };
        report.figures.extend(figures);
    }
    bench.bar.finish_and_clear();
    if wanted.json {
        return print_json(&report);
    }
    write!(io::stdout(), "{}", report.table()).map_err(|error| anyhow::Error::from(error).into())
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template("{spinner} {elapsed} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
