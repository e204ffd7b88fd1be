//! `offhook simulate`: plays whole calls through the public API of a running server, as a phone platform would.
//!
//! Without a rate, calls run in real time: the phone rings, the parties talk, and the call record follows. With a rate,
//! that many calls start each second, and the events of each are posted immediately. Every response is checked. All
//! numbers are from the ranges that Ofcom reserves for drama, so no real number is ever used.

mod call;
mod client;
mod tally;

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use clap::Args;
use futures::{StreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};
use rand::{SeedableRng as _, rngs::StdRng};
use tokio::time::Instant;
use url::Url;

use crate::command::{CommandError, print_json};
use call::{Call, Timing};
use client::Client;
use tally::Tally;

/// Most concurrent calls.
const CALLS_AT_ONCE_MAX: usize = 512;
/// Without a rate, the time between the starts of two calls.
const BETWEEN_CALLS: Duration = Duration::from_secs(2);

/// What to play, and where.
#[derive(Debug, Args)]
pub struct Simulate {
    /// The server.
    #[arg(long, default_value = "http://127.0.0.1:3000", value_name = "URL")]
    url: Url,
    /// An API token with the scope events:write.
    #[arg(long, env = "OFFHOOK_TOKEN", hide_env_values = true)]
    token: String,
    /// The account to post for, by id or reference; required with a platform token.
    #[arg(long, value_name = "REF")]
    account: Option<String>,
    /// Number of calls.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    calls: u32,
    /// Calls started per second; by default, calls run in real time.
    #[arg(long, value_name = "R", value_parser = rate)]
    rate: Option<f64>,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| *rate > 0.0 && rate.is_finite());
    rate.ok_or_else(|| "a rate must be a number above 0".to_owned())
}

impl Simulate {
    fn timing(&self) -> (Timing, Duration) {
        match self.rate {
            Some(rate) => (Timing::Immediate, Duration::from_secs_f64(1.0 / rate)),
            None => (Timing::Real, BETWEEN_CALLS),
        }
    }
}

pub(super) async fn run(wanted: Simulate) -> Result<(), CommandError> {
    let (timing, between) = wanted.timing();
    let client = Client::new(&wanted.url, &wanted.token).context("simulate")?;
    let mut random = StdRng::from_os_rng();
    let calls: Vec<Call> = (0..wanted.calls).map(|_| Call::random(&mut random)).collect();
    let tally = Arc::new(Tally::default());
    let bar = bar(calls.iter().map(|call| call.events.len() as u64).sum());
    let begin = now();
    let playing = calls.into_iter().enumerate().map(|(n, call)| {
        let player = Player { client: &client, account: wanted.account.as_deref(), timing, tally: &tally, bar: &bar };
        async move { player.play(call, begin + between * u32::try_from(n).unwrap_or(u32::MAX)).await }
    });
    stream::iter(playing).buffer_unordered(CALLS_AT_ONCE_MAX).collect::<()>().await;
    bar.finish_and_clear();
    print_json(&tally.report(wanted.calls, begin.elapsed()))?;
    tally.verdict()
}

/// Plays calls.
struct Player<'a> {
    client: &'a Client,
    account: Option<&'a str>,
    timing: Timing,
    tally: &'a Tally,
    bar: &'a ProgressBar,
}

impl Player<'_> {
    /// Posts the events of a call in order, up to the first that is rejected.
    async fn play(&self, call: Call, begin: Instant) {
        let length_s = call.length_s();
        for event in call.events {
            let (due, timestamp_s) = match self.timing {
                Timing::Real => (begin + Duration::from_secs(event.after_s), 0),
                // As if the call had just ended.
                Timing::Immediate => (begin, length_s - event.after_s),
            };
            until(due).await;
            let body = event.body(self.account, unix_now().saturating_sub(timestamp_s));
            let accepted = self.tally.count(self.client.post(&event.id, body).await);
            self.bar.inc(1);
            if !accepted {
                break;
            }
        }
    }
}

fn bar(events: u64) -> ProgressBar {
    let bar = ProgressBar::new(events);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} events, {per_sec}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

#[expect(clippy::disallowed_methods, reason = "plays calls in real time, as an external client")]
fn now() -> Instant {
    Instant::now()
}

async fn until(due: Instant) {
    tokio::time::sleep_until(due).await;
}

#[expect(clippy::disallowed_methods, reason = "a phone platform uses real time")]
fn unix_now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
