//! `kill -9` in the middle of the work, again and again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use engine::{
    clock::{sleep_ms, stopwatch},
    sender::pace::AT_ONCE_MAX,
};

use super::{
    Measuring, PATIENCE,
    bed::Bed,
    book::Book,
    flow::{ACCOUNTS, LINES, platform},
    post::Events,
    receiver::{Receiver, Temper},
    report::{Figure, Target, value},
};

/// What came of a round.
struct Round {
    accepted: u64,
    lost: u64,
    repeats: u64,
    recovery: Duration,
}

pub async fn measure(bench: &Measuring<'_>) -> anyhow::Result<Vec<Figure>> {
    let mut rounds = Vec::new();
    for round in 1..=bench.sizes.crash_rounds {
        bench.step(&format!("kill -9, round {round} of {}", bench.sizes.crash_rounds));
        rounds.push(one(bench, round).await?);
    }
    let most = |of: fn(&Round) -> u64| rounds.iter().map(of).max().unwrap_or_default();
    let recovery_ms = most(|round| u64::try_from(round.recovery.as_millis()).unwrap_or(u64::MAX));
    let in_flight_max = value((ACCOUNTS * AT_ONCE_MAX) as u64);
    Ok(vec![
        Figure::new("kill -9: rounds", value(bench.sizes.crash_rounds), ""),
        Figure::new("kill -9: accepted events", value(rounds.iter().map(|round| round.accepted).sum()), ""),
        Figure::new("kill -9: lost events", value(rounds.iter().map(|round| round.lost).sum()), "")
            .target(Target::AtMost(0.0)),
        Figure::new("kill -9: most repeats in a round", value(most(|round| round.repeats)), "")
            .target(Target::AtMost(in_flight_max)),
        Figure::new("kill -9: until all had arrived, longest", value(recovery_ms) / 1e3, "s"),
    ])
}

/// Posts, kills in the middle, starts again, and counts what arrived.
async fn one(bench: &Measuring<'_>, round: u64) -> anyhow::Result<Round> {
    let book = Book::new(bench.sizes.crash_events);
    let mut receivers = Vec::new();
    for _ in 0..ACCOUNTS {
        receivers.push(Receiver::start(Temper::Healthy, Some(Arc::clone(&book))).await?);
    }
    let mut bed = bench.bed().await?;
    let events = platform(bench, &bed, &receivers, &format!("crash-{round}")).await?;
    // Each round dies at another point: after a tenth of the events, two tenths and so on.
    let dies_after = bench.sizes.crash_events * round / (bench.sizes.crash_rounds + 1);
    let accepted = post_until_killed(bench, &mut bed, &events, dies_after).await?;
    let began = stopwatch();
    bed.restart().await?;
    let missing = || accepted.iter().filter(|n| book.arrived_us(**n).is_none()).count() as u64;
    let (mut lost, mut since) = (missing(), stopwatch());
    while lost > 0 && since.elapsed() < PATIENCE {
        sleep_ms(20).await;
        let now = missing();
        if now < lost {
            (lost, since) = (now, stopwatch());
        }
    }
    let recovery = began.elapsed();
    // What may still be repeated has been taken up by now and is on its way.
    sleep_ms(1_000).await;
    Ok(Round { accepted: accepted.len() as u64, lost, repeats: book.repeats(), recovery })
}

async fn post_until_killed(
    bench: &Measuring<'_>,
    bed: &mut Bed,
    events: &Events,
    dies_after: u64,
) -> anyhow::Result<Vec<u64>> {
    let accepted = Arc::new(AtomicU64::new(0));
    let posting = tokio::spawn({
        let (events, accepted, count) = (events.clone(), Arc::clone(&accepted), bench.sizes.crash_events);
        async move { events.flood(count, LINES, &accepted).await }
    });
    while accepted.load(Relaxed) < dies_after && !posting.is_finished() {
        sleep_ms(1).await;
    }
    bed.server.kill();
    let numbers = posting.await?;
    anyhow::ensure!((numbers.len() as u64) < bench.sizes.crash_events, "all was accepted before the kill");
    Ok(numbers)
}
