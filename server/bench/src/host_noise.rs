//! Noise of the host: on a virtual machine, memory may be slow for a part of each second, so that a 99th percentile
//! says more about the host than about the server.

use std::hint::black_box;

use crate::{
    Bench,
    clock::{sleep_ms, stopwatch},
    report::{Measurement, percentile, value},
};

/// Pages per round, 4 KiB each: roughly the working set of a busy server.
const PAGES: usize = 10_000;
const PAGE_BYTES: usize = 4_096;
/// Pause between rounds, so that a periodic disturbance is sampled evenly, in milliseconds.
const PAUSE_MS: u64 = 2;

/// Median and 99th percentile of writing one byte to each page.
pub(crate) async fn measure(bench: &Bench<'_>) -> Vec<Measurement> {
    bench.step("noise of the host");
    let mut memory = vec![1_u8; PAGES * PAGE_BYTES];
    let mut rounds_us = Vec::new();
    for _ in 0..bench.sizes.noise_rounds {
        let began = stopwatch();
        memory.iter_mut().step_by(PAGE_BYTES).for_each(|byte| *byte = black_box(byte.wrapping_add(1)));
        rounds_us.push(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
        sleep_ms(PAUSE_MS).await;
    }
    let mut ms = |part| value(percentile(&mut rounds_us, part)) / 1e3;
    vec![
        Measurement::new("host noise: writing 10,000 pages of memory, p50", ms(0.5), "ms"),
        Measurement::new("host noise: writing 10,000 pages of memory, p99", ms(0.99), "ms"),
    ]
}
