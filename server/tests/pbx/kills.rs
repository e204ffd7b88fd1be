//! The connector is killed at any moment of any call, again and again.

use domain::time::Clock as _;
use engine::{SystemClock, clock::sleep_ms};

use crate::{
    expected::{Call, Exactness},
    scenario::Scenario,
    scenarios,
    site::{Records, Site},
};

/// How often.
const ROUNDS: usize = 20;
/// Latest moment of a kill: the calls of a round take about four seconds.
const KILL_AFTER_MAX_MS: u64 = 3_500;
/// What an office plays in a round. Not a rejected call: Asterisk's records say that no one answered it, so its status is wrong
/// if the connector is away just then.
const CALLS: [&str; 8] = [
    "in_answered_callee_hangs_up",
    "in_cancelled",
    "in_busy",
    "in_ring_group_cancelled",
    "out_answered",
    "out_busy",
    "out_cancelled",
    "in_ring_group",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Asterisk; make test-pbx runs it"]
async fn twenty_kills_at_random_moments_give_no_wrong_status() {
    let mut site = Site::start(21, Records::Readable, "info").await;
    let scenarios: Vec<Scenario> = scenarios::all().into_iter().filter(|one| CALLS.contains(&one.name)).collect();
    assert_eq!(scenarios.len(), CALLS.len());
    // Other moments each time; a failure names its own.
    let seed = SystemClock.now().0.unsigned_abs();
    let (mut expected, mut moments): (Vec<Call>, _) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let moment_ms = mixed(seed.wrapping_add(round as u64)) % KILL_AFTER_MAX_MS;
        moments.push(moment_ms);
        let offices = site.offices().into_iter().enumerate();
        let plays = offices.map(|(at, office)| (scenarios[(at + round) % scenarios.len()].play)(office)).collect();
        let kill = async |site: &mut Site| {
            sleep_ms(moment_ms).await;
            site.connector.kill();
            site.connector.start_again();
        };
        expected.extend(site.play(plays, kill).await);
    }
    let complaints = site.differences(&expected, Exactness::AfterKill).await;
    let log = site.connector.log();
    assert!(complaints.is_empty(), "seed {seed}, killed after {moments:?} ms:\n{}\n{log}", complaints.join("\n"));
}

/// Spreads the bits of a number (SplitMix64).
fn mixed(seed: u64) -> u64 {
    let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 31)
}
