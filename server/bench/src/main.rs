//! `offhook-bench`: measures a built `offhook` from outside, as a child process.
//!
//! Every scenario has its own server and database (on PostgreSQL the given database, with new accounts), is bounded in
//! count and time, and leaves nothing behind except rows in a given database. With `--baseline`, two builds are measured
//! in alternating order, and the report shows the ratio of their medians: on a shared machine only ratios are comparable.

mod arrivals;
mod backlog;
mod clock;
mod crash;
mod delivery_list;
mod fixture;
mod host_noise;
mod latency;
mod load;
mod receiver;
mod report;
mod server;
mod throughput;

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use self::{
    fixture::Fixture,
    load::Http,
    report::{Measurement, Report, medians},
};

/// How long nothing may arrive before the missing events count as lost.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measure a built offhook.
#[derive(Debug, Parser)]
#[command(name = "offhook-bench", version)]
struct Options {
    /// The binary to measure [default: the offhook beside this program].
    #[arg(long, value_name = "FILE")]
    offhook: Option<PathBuf>,
    /// Another build to compare with; both are measured in alternating order.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// How often each scenario is measured; the report shows medians [default: 1, with --baseline 3].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: Option<u32>,
    /// Print one line of JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// An empty database to measure on; it will be filled [default: SQLite in a temporary folder].
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Tiny counts: shows that everything works, measures nothing.
    #[arg(long)]
    quick: bool,
    /// Only these scenarios.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "SCENARIO[,SCENARIO]")]
    only: Vec<Scenario>,
    /// Number of deliveries in the delivery list.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    list_rows: Option<u64>,
    /// Where to create temporary folders; the disk there decides the figures.
    #[arg(long, value_name = "FOLDER", default_value_os_t = std::env::temp_dir(), hide_default_value = true)]
    folder: PathBuf,
}

/// The scenarios, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// Events accepted and delivered per second, beside the raw limit.
    Throughput,
    /// From posted to received, at full load to one endpoint.
    OneEndpoint,
    /// From accepted to received.
    Latency,
    /// What a hanging endpoint costs the others.
    Isolation,
    /// kill -9.
    Crash,
    /// Processor time while idle.
    Idle,
    /// The delivery list.
    List,
    /// Memory and start with many waiting deliveries.
    Backlog,
}

/// How much of everything.
struct Sizes {
    throughput_events: u64,
    rate_s: u64,
    noise_rounds: u64,
    hanging_events: u64,
    crash_rounds: u64,
    crash_events: u64,
    idle_s: u64,
    list_rows: u64,
    backlog: u64,
    watched_s: u64,
}

const FULL: Sizes = Sizes {
    throughput_events: 100_000,
    rate_s: 20,
    noise_rounds: 2_000,
    hanging_events: 2_000,
    crash_rounds: 10,
    crash_events: 20_000,
    idle_s: 10,
    list_rows: 1_000_000,
    backlog: 1_000_000,
    watched_s: 30,
};
const QUICK: Sizes = Sizes {
    throughput_events: 500,
    rate_s: 1,
    noise_rounds: 10,
    hanging_events: 50,
    crash_rounds: 1,
    crash_events: 500,
    idle_s: 1,
    list_rows: 2_000,
    backlog: 2_000,
    watched_s: 1,
};

/// What the scenarios share.
struct Bench<'a> {
    options: &'a Options,
    offhook: &'a Path,
    sizes: &'a Sizes,
    http: Http,
    bar: ProgressBar,
}

impl Bench<'_> {
    async fn fixture(&self) -> anyhow::Result<Fixture> {
        let database_url = self.options.database_url.as_deref();
        Fixture::start(self.offhook, &self.options.folder, database_url, &self.http).await
    }

    fn is_postgres(&self) -> bool {
        self.options.database_url.as_deref().is_some_and(|url| url.starts_with("postgres"))
    }

    fn step(&self, message: &str) {
        self.bar.set_message(message.to_owned());
        self.bar.tick();
    }

    async fn run(&self, scenario: Scenario) -> anyhow::Result<Vec<Measurement>> {
        match scenario {
            Scenario::Throughput => throughput::measure(self).await,
            Scenario::OneEndpoint => throughput::one_endpoint(self).await,
            Scenario::Latency => latency::latency(self).await,
            Scenario::Isolation => latency::isolation(self).await,
            Scenario::Crash => crash::measure(self).await,
            Scenario::Idle => backlog::idle(self).await,
            Scenario::List => delivery_list::measure(self).await,
            Scenario::Backlog => backlog::measure(self).await,
        }
        .with_context(|| format!("{scenario:?} of {}", self.offhook.display()))
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let measured = tokio::select! {
        measured = measure(&options) => measured,
        // Dropping the scenario ends its server and removes its folder.
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    match measured.and_then(|report| print(&report, options.json)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "offhook-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: &Options) -> anyhow::Result<Report> {
    let sizes = if options.quick { QUICK } else { FULL };
    let sizes = Sizes { list_rows: options.list_rows.unwrap_or(sizes.list_rows), ..sizes };
    let offhook = options.offhook.clone().map_or_else(beside_this_program, Ok)?;
    let bar = bar();
    let bench = |offhook| Bench { options, offhook, sizes: &sizes, http: load::http(), bar: bar.clone() };
    let (new, baseline) = (bench(offhook.as_path()), options.baseline.as_deref().map(bench));
    let mut report = Report::new(if new.is_postgres() { "postgres" } else { "sqlite" });
    let rounds = options.rounds.unwrap_or(if baseline.is_some() { 3 } else { 1 });
    for scenario in Scenario::value_variants() {
        if !options.only.is_empty() && !options.only.contains(scenario) {
            continue;
        }
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            let Some(baseline) = &baseline else {
                ours.push(new.run(*scenario).await?);
                continue;
            };
            // The order alternates, so that neither build always runs first.
            if round % 2 == 0 {
                theirs.push(baseline.run(*scenario).await?);
                ours.push(new.run(*scenario).await?);
            } else {
                ours.push(new.run(*scenario).await?);
                theirs.push(baseline.run(*scenario).await?);
            }
        }
        report.measurements.extend(medians(ours, theirs));
    }
    bar.finish_and_clear();
    Ok(report)
}

fn beside_this_program() -> anyhow::Result<PathBuf> {
    let offhook = std::env::current_exe()?.with_file_name("offhook");
    anyhow::ensure!(offhook.exists(), "there is no {}; name the binary with --offhook", offhook.display());
    Ok(offhook)
}

fn print(report: &Report, json: bool) -> anyhow::Result<()> {
    let text = if json { format!("{}\n", serde_json::to_string(report)?) } else { report.table() };
    Ok(io::stdout().write_all(text.as_bytes())?)
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template("{spinner} {elapsed} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
