//! What the machine does to any program: on a virtual one memory may be slow for a part of each second, and a 99th percentile
//! then tells more of its host than of the server.

use std::hint::black_box;

use engine::clock::{sleep_ms, stopwatch};

use super::{
    Measuring,
    report::{Figure, percentile, value},
};

/// Pages of one round, 4 KiB each: about what a busy server has in use.
const PAGES: usize = 10_000;
const PAGE_BYTES: usize = 4_096;
/// Rest between two rounds, so that a host's rhythm of a second or two is met at every point.
const REST_MS: u64 = 2;

/// How long it takes to write a byte to each of the pages, usually and at worst.
pub async fn measure(bench: &Measuring<'_>) -> Vec<Figure> {
    bench.step("the machine's own unrest");
    let mut memory = vec![1_u8; PAGES * PAGE_BYTES];
    let mut rounds_us = Vec::new();
    for _ in 0..bench.sizes.unrest_rounds {
        let began = stopwatch();
        memory.iter_mut().step_by(PAGE_BYTES).for_each(|byte| *byte = black_box(byte.wrapping_add(1)));
        rounds_us.push(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
        sleep_ms(REST_MS).await;
    }
    let mut ms = |part| value(percentile(&mut rounds_us, part)) / 1e3;
    vec![
        Figure::new("without the server: a write to 10,000 pages of memory, p50", ms(0.5), "ms"),
        Figure::new("the same, p99", ms(0.99), "ms"),
    ]
}
