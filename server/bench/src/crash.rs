//! `kill -9` under load, repeatedly.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use engine::delivery::concurrency::AT_ONCE_MAX;

use crate::{
    Bench, PATIENCE,
    arrivals::Arrivals,
    clock::{sleep_ms, stopwatch},
    fixture::Fixture,
    load::Events,
    receiver::{Behaviour, Receiver},
    report::{Measurement, Target, value},
    throughput::{ACCOUNTS, CONNECTIONS, platform},
};

/// The result of a round.
struct Round {
    accepted: u64,
    lost: u64,
    repeats: u64,
    recovery: Duration,
}

pub(crate) async fn measure(bench: &Bench<'_>) -> anyhow::Result<Vec<Measurement>> {
    let mut rounds = Vec::new();
    for round in 1..=bench.sizes.crash_rounds {
        bench.step(&format!("kill -9, round {round} of {}", bench.sizes.crash_rounds));
        rounds.push(one(bench, round).await?);
    }
    let most = |of: fn(&Round) -> u64| rounds.iter().map(of).max().unwrap_or_default();
    let recovery_ms = most(|round| u64::try_from(round.recovery.as_millis()).unwrap_or(u64::MAX));
    let in_flight_max = value((ACCOUNTS * AT_ONCE_MAX) as u64);
    Ok(vec![
        Measurement::new("kill -9: rounds", value(bench.sizes.crash_rounds), ""),
        Measurement::new("kill -9: accepted events", value(rounds.iter().map(|round| round.accepted).sum()), ""),
        Measurement::new("kill -9: lost events", value(rounds.iter().map(|round| round.lost).sum()), "")
            .target(Target::AtMost(0.0)),
        Measurement::new("kill -9: repeats, worst round", value(most(|round| round.repeats)), "")
            .target(Target::AtMost(in_flight_max)),
        Measurement::new("kill -9: until everything arrived, worst round", value(recovery_ms) / 1e3, "s"),
    ])
}

/// Posts events, kills the server on the way, restarts it, and counts what arrived.
async fn one(bench: &Bench<'_>, round: u64) -> anyhow::Result<Round> {
    let arrivals = Arrivals::new(bench.sizes.crash_events);
    let mut receivers = Vec::new();
    for _ in 0..ACCOUNTS {
        receivers.push(Receiver::start(Behaviour::Healthy, Some(Arc::clone(&arrivals))).await?);
    }
    let mut fixture = bench.fixture().await?;
    let events = platform(bench, &fixture, &receivers, &format!("crash-{round}")).await?;
    // Each round kills at another point: after a tenth of the events, two tenths and so on.
    let kill_after = bench.sizes.crash_events * round / (bench.sizes.crash_rounds + 1);
    let accepted = post_until_killed(bench, &mut fixture, &events, kill_after).await?;
    let began = stopwatch();
    fixture.restart().await?;
    let missing = || accepted.iter().filter(|n| arrivals.arrived_us(**n).is_none()).count() as u64;
    let (mut lost, mut since) = (missing(), stopwatch());
    while lost > 0 && since.elapsed() < PATIENCE {
        sleep_ms(20).await;
        let now = missing();
        if now < lost {
            (lost, since) = (now, stopwatch());
        }
    }
    let recovery = began.elapsed();
    // Time for late repeats to arrive.
    sleep_ms(1_000).await;
    Ok(Round { accepted: accepted.len() as u64, lost, repeats: arrivals.repeats(), recovery })
}

async fn post_until_killed(
    bench: &Bench<'_>,
    fixture: &mut Fixture,
    events: &Events,
    kill_after: u64,
) -> anyhow::Result<Vec<u64>> {
    let accepted = Arc::new(AtomicU64::new(0));
    let posting = tokio::spawn({
        let (events, accepted, count) = (events.clone(), Arc::clone(&accepted), bench.sizes.crash_events);
        async move { events.flood(count, CONNECTIONS, &accepted).await }
    });
    while accepted.load(Relaxed) < kill_after && !posting.is_finished() {
        sleep_ms(1).await;
    }
    fixture.server.kill();
    let numbers = posting.await?;
    anyhow::ensure!((numbers.len() as u64) < bench.sizes.crash_events, "everything was accepted before the kill");
    Ok(numbers)
}
