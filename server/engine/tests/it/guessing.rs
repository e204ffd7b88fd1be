//! Guessing passwords: many at once, from many addresses, and what that means for the user.

use domain::{
    Error,
    account::{Accounts, PasswordOutcome},
    error::Result,
    id::UserId,
    time::{DAY_MS, SECOND_MS},
    user::DEVICE_COOKIE_DAYS,
};
use futures::future::join_all;

use crate::harness::{TestHarness, on_both};

on_both! { guesses_at_the_same_time_are_judged_as_if_they_came_one_after_the_other a_right_password_takes_nothing_from_those_who_share_its_address strangers_cannot_lock_a_browser_out_that_has_signed_in_before a_known_browser_has_a_count_of_its_own_and_only_for_its_user the_addresses_of_one_ipv6_network_count_as_one_client }

const ANA: &str = "ana@acme.example";
const PASSWORD: &str = "correct horse battery";

type Judged = Result<PasswordOutcome>;

fn is_wrong(judged: &Judged) -> bool {
    matches!(judged, Err(Error::Unauthenticated(_)))
}

fn is_blocked(judged: &Judged) -> bool {
    matches!(judged, Err(Error::TooMany { .. }))
}

/// Ana signs in; returns her id and the cookie that her browser gets.
async fn device(harness: &TestHarness) -> (UserId, String) {
    let user = harness.engine.sign_in(ANA, PASSWORD, "203.0.113.9", "").await.unwrap().enough().unwrap();
    let cookie = harness.engine.device_cookie(&user.id);
    (user.id, cookie)
}

/// Wrong passwords of as many strangers, each as soon as it is judged.
async fn strangers_guess(harness: &TestHarness, times: usize) {
    for n in 0..times {
        let judged = harness.engine.sign_in(ANA, "wrong", &format!("198.51.100.{n}"), "").await;
        if let Err(Error::TooMany { retry_after_s }) = judged {
            harness.clock.step_ms(i64::from(retry_after_s) * SECOND_MS);
        }
    }
}

async fn guesses_at_the_same_time_are_judged_as_if_they_came_one_after_the_other(harness: TestHarness) {
    let clients: Vec<String> = (0..60).map(|n| format!("198.51.100.{n}")).collect();
    let guesses = clients.iter().map(|client| harness.engine.sign_in(ANA, "wrong", client, ""));
    let judged = join_all(guesses).await;
    assert_eq!(judged.iter().filter(|one| is_wrong(one)).count(), 5);
    let refused = |one: &&Judged| matches!(one, Err(Error::TooMany { .. } | Error::Unavailable { .. }));
    assert_eq!(judged.iter().filter(refused).count(), 55);
    let right = harness.engine.sign_in(ANA, PASSWORD, "192.0.2.1", "").await;
    assert_eq!(right, Err(Error::TooMany { retry_after_s: 2 }));
}

async fn a_right_password_takes_nothing_from_those_who_share_its_address(harness: TestHarness) {
    let office = "203.0.113.9";
    for n in 0..24 {
        assert!(is_wrong(&harness.engine.sign_in(&format!("user{n}@acme.example"), "wrong", office, "").await));
    }
    // Each counts as the failure that would block the office, until it turns out to be right.
    for _ in 0..3 {
        assert!(harness.engine.sign_in(ANA, PASSWORD, office, "").await.is_ok());
    }
    assert!(is_wrong(&harness.engine.sign_in(ANA, "wrong", office, "").await));
    assert!(is_blocked(&harness.engine.sign_in(ANA, PASSWORD, office, "").await));
}

async fn strangers_cannot_lock_a_browser_out_that_has_signed_in_before(harness: TestHarness) {
    let (_, cookie) = device(&harness).await;
    strangers_guess(&harness, 24).await;
    assert!(is_wrong(&harness.engine.sign_in(ANA, "wrong", "192.0.2.1", "").await), "the last wait is over");
    assert!(is_blocked(&harness.engine.sign_in(ANA, PASSWORD, "192.0.2.1", "").await));
    assert!(harness.engine.sign_in(ANA, PASSWORD, "192.0.2.1", &cookie).await.is_ok());
    assert!(
        is_blocked(&harness.engine.sign_in(ANA, PASSWORD, "192.0.2.1", "").await),
        "her success does not give the strangers another try"
    );
}

async fn a_known_browser_has_a_count_of_its_own_and_only_for_its_user(harness: TestHarness) {
    let (user, cookie) = device(&harness).await;
    let other = harness.engine.device_cookie(&user);
    for _ in 0..5 {
        assert!(is_wrong(&harness.engine.sign_in(ANA, "wrong", "192.0.2.1", &cookie).await));
    }
    assert!(is_blocked(&harness.engine.sign_in(ANA, PASSWORD, "192.0.2.1", &cookie).await));
    assert!(harness.engine.sign_in(ANA, PASSWORD, "192.0.2.1", &other).await.is_ok(), "another browser of hers");
    assert!(harness.engine.sign_in(ANA, PASSWORD, "192.0.2.1", "").await.is_ok(), "nor do strangers wait");
    strangers_guess(&harness, 12).await;
    assert!(is_wrong(&harness.engine.sign_in(ANA, "wrong", "192.0.2.1", "").await));
    for stranger in [
        "forged",
        &cookie[1..],
        &harness.engine.device_cookie(&UserId::parse("usr_0123456789abcdefghjkmnpqrs").unwrap()),
    ] {
        assert!(is_blocked(&harness.engine.sign_in(ANA, PASSWORD, "192.0.2.1", stranger).await), "{stranger}");
    }
    harness.clock.step_ms(i64::from(DEVICE_COOKIE_DAYS) * DAY_MS);
    strangers_guess(&harness, 12).await;
    assert!(is_wrong(&harness.engine.sign_in(ANA, "wrong", "192.0.2.1", "").await));
    assert!(is_blocked(&harness.engine.sign_in(ANA, PASSWORD, "192.0.2.1", &other).await), "it has expired");
}

async fn the_addresses_of_one_ipv6_network_count_as_one_client(harness: TestHarness) {
    for n in 0..25 {
        let (email, client) = (format!("user{n}@acme.example"), format!("2001:db8:1:2::{n:x}"));
        assert!(is_wrong(&harness.engine.sign_in(&email, "wrong", &client, "").await), "{n}");
    }
    assert!(is_blocked(&harness.engine.sign_in(ANA, PASSWORD, "2001:db8:1:2:ffff::1", "").await));
    assert!(harness.engine.sign_in(ANA, PASSWORD, "2001:db8:1:3::1", "").await.is_ok());
}
