//! Endpoints that fail for a long time, and hourly counts.

use domain::{
    audit::AuditAction,
    delivery::Status,
    endpoint::{EndpointInput, EndpointState, EndpointStatus, Endpoints},
    event::EventKind,
    time::{DAY_MS, HOUR_MS},
};

use crate::{
    harness::{START, TestHarness, on_both},
    receiver::Reply,
};

on_both! { an_endpoint_that_fails_for_days_is_reported_and_then_disabled silence_between_two_failures_is_no_evidence a_day_passes_between_the_last_warning_and_the_disabling many_failures_on_one_day_are_not_spread_over_days an_endpoint_is_unproven_until_it_succeeds_again a_disabled_endpoint_holds_events_and_drains_on_resume hourly_counts_match_what_was_recorded account_counts_are_the_sum_of_its_endpoints user_actions_are_in_the_endpoints_history automatic_changes_are_recorded_with_the_endpoints_name admins_are_emailed_about_automatic_changes a_410_is_reported_unless_it_comes_from_the_test_line }

async fn history(harness: &TestHarness, id: &domain::id::EndpointId) -> Vec<AuditAction> {
    let mut log = harness.engine.endpoint_log(&harness.admin, id).await.unwrap();
    log.reverse();
    log.into_iter().map(|entry| entry.action).collect()
}

/// Slightly more than a day: attempts take real milliseconds, which count as failing time.
const GOOD_DAY_MS: i64 = DAY_MS + 60_000;

/// Fails one delivery a day, for this many days.
pub(crate) async fn fail_for_days(harness: &TestHarness, days: u32) {
    harness.receiver.usually(Reply::Status(500));
    for day in 0..=days {
        harness.accept(EventKind::CallProcessed, 1_000 + day).await;
        harness.run().await;
        harness.clock.step_ms(if day == days { 0 } else { GOOD_DAY_MS });
    }
}

async fn an_endpoint_that_fails_for_days_is_reported_and_then_disabled(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    fail_for_days(&harness, 4).await;
    let reported = history(&harness, &endpoint.id).await;
    let expected =
        [AuditAction::EndpointCreated, AuditAction::EndpointFailingOneDay, AuditAction::EndpointFailingFourDays];
    assert_eq!(
        reported.iter().filter(|what| **what != AuditAction::EndpointFailing).copied().collect::<Vec<_>>(),
        expected
    );
    assert!(
        reported.iter().filter(|what| **what == AuditAction::EndpointFailing).count() <= 1,
        "reported at most once: {reported:?}"
    );
    assert_eq!(
        harness.engine.endpoint(&harness.admin, &endpoint.id).await.unwrap().endpoint.state,
        EndpointState::Active
    );
    harness.run_after_ms(GOOD_DAY_MS).await;
    let now = harness.engine.endpoint(&harness.admin, &endpoint.id).await.unwrap().endpoint;
    assert_eq!(now.state, EndpointState::Disabled);
    assert_eq!(history(&harness, &endpoint.id).await.last(), Some(&AuditAction::EndpointDisabled));
    assert_eq!(harness.run_after_ms(DAY_MS).await, 0, "nothing is sent to a disabled endpoint");
}

async fn silence_between_two_failures_is_no_evidence(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.receiver.usually(Reply::Status(500));
    for call in 0..2 {
        harness.accept(EventKind::IncomingCall, call).await;
        assert_eq!(harness.run().await, 1);
        assert_eq!(harness.run_after_ms(6 * DAY_MS).await, 0, "the event is too old for another attempt");
    }
    assert_eq!(history(&harness, &endpoint.id).await, [AuditAction::EndpointCreated]);
    assert_eq!(status(&harness, &endpoint.id).await, EndpointStatus::Degraded);
}

async fn a_day_passes_between_the_last_warning_and_the_disabling(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    fail_for_days(&harness, 3).await;
    let fail_after_ms = async |ms, call| {
        harness.clock.step_ms(ms);
        harness.accept(EventKind::IncomingCall, call).await;
        assert!(harness.run().await > 0);
        *history(&harness, &endpoint.id).await.last().unwrap()
    };
    assert_eq!(
        fail_after_ms(3 * DAY_MS, 1).await,
        AuditAction::EndpointFailingFourDays,
        "although six days have passed"
    );
    assert_eq!(fail_after_ms(0, 2).await, AuditAction::EndpointFailingFourDays);
    assert_eq!(fail_after_ms(DAY_MS - HOUR_MS, 3).await, AuditAction::EndpointFailingFourDays);
    assert_eq!(fail_after_ms(HOUR_MS, 4).await, AuditAction::EndpointDisabled);
}

async fn many_failures_on_one_day_are_not_spread_over_days(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.receiver.usually(Reply::Status(500));
    for burst in 0..2 {
        for call in 0..12 {
            harness.accept(EventKind::IncomingCall, 100 * burst + call).await;
        }
        while harness.run_after_ms(1_000).await > 0 {}
        harness.clock.step_ms(6 * DAY_MS);
    }
    let log = history(&harness, &endpoint.id).await;
    assert!(!log.contains(&AuditAction::EndpointFailingFourDays), "{log:?}");
    assert_eq!(status(&harness, &endpoint.id).await, EndpointStatus::Failing);
}

async fn status(harness: &TestHarness, id: &domain::id::EndpointId) -> EndpointStatus {
    let summary = harness.engine.endpoint(&harness.admin, id).await.unwrap();
    assert_eq!(
        harness.engine.endpoints(&harness.admin).await.unwrap(),
        std::slice::from_ref(&summary),
        "the list and the page agree"
    );
    EndpointStatus::of(&summary, harness.now())
}

async fn an_endpoint_is_unproven_until_it_succeeds_again(harness: TestHarness) {
    let id = harness.endpoint().await.id;
    let send = async |call| {
        harness.accept(EventKind::CallProcessed, call).await;
        assert_eq!(harness.run().await, 1);
    };
    assert_eq!(status(&harness, &id).await, EndpointStatus::Idle);
    send(1).await;
    assert_eq!(status(&harness, &id).await, EndpointStatus::Healthy);
    harness.pause(&id).await;
    harness.resume(&id).await;
    assert_eq!(status(&harness, &id).await, EndpointStatus::Unproven);
    harness.receiver.next([Reply::Status(500)]);
    send(2).await;
    assert_eq!(status(&harness, &id).await, EndpointStatus::Degraded);
    send(3).await;
    assert_eq!(status(&harness, &id).await, EndpointStatus::Healthy);
    let form = EndpointInput::of(&harness.engine.endpoint(&harness.admin, &id).await.unwrap().endpoint);
    let same = EndpointInput { name: "Helpdesk".into(), ..form.clone() };
    harness.engine.update_endpoint(&harness.admin, &id, &same, None).await.unwrap();
    assert_eq!(status(&harness, &id).await, EndpointStatus::Healthy);
    let moved = EndpointInput { url: format!("{}/moved", form.url), ..form };
    harness.engine.update_endpoint(&harness.admin, &id, &moved, None).await.unwrap();
    assert_eq!(status(&harness, &id).await, EndpointStatus::Unproven, "the success was at another URL");
}

async fn a_disabled_endpoint_holds_events_and_drains_on_resume(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    fail_for_days(&harness, 5).await;
    harness.accept(EventKind::CallProcessed, 7).await;
    assert_eq!(harness.run().await, 0);
    assert!(harness.deliveries().await.iter().filter(|row| row.status == Status::Held).count() >= 2);
    harness.receiver.reset_script();
    harness.resume(&endpoint.id).await;
    harness.run_after_ms(DAY_MS).await;
    assert!(harness.deliveries().await.iter().all(|row| row.status == Status::Delivered));
}

async fn hourly_counts_match_what_was_recorded(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.receiver.next([Reply::Status(500)]);
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    harness.run_after_ms(6_000).await;
    harness.clock.step_ms(3_600_000);
    harness.accept(EventKind::CallProcessed, 2).await;
    harness.run().await;
    let hours = harness.engine.endpoint_hours(&harness.admin, &endpoint.id, START).await.unwrap();
    let counts: Vec<_> = hours.iter().map(|(_, tally)| (tally.delivered, tally.retrying)).collect();
    assert_eq!(counts, [(1, 1), (1, 0)]);
    assert_eq!(hours[0].1.durations.0.iter().sum::<u64>(), 2);
    let summary = harness.engine.endpoint(&harness.admin, &endpoint.id).await.unwrap();
    assert_eq!((summary.delivered_24h, summary.failed_24h, summary.waiting), (2, 0, 0));
    assert!(summary.p95_ms.is_some());
}

async fn account_counts_are_the_sum_of_its_endpoints(harness: TestHarness) {
    let first = harness.endpoint().await;
    let second = harness.endpoint_with(|form| form.url.push_str("/second")).await;
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    harness.clock.step_ms(3_600_000);
    harness.pause(&second.id).await;
    harness.accept(EventKind::CallProcessed, 2).await;
    harness.run().await;
    let hours = harness.engine.account_hours(&harness.admin, START).await.unwrap();
    assert_eq!(hours.iter().map(|(_, tally)| tally.delivered).collect::<Vec<_>>(), [2, 1]);
    let listed = harness.engine.endpoints(&harness.admin).await.unwrap();
    assert_eq!(listed.iter().map(|one| (one.delivered_24h, one.waiting)).collect::<Vec<_>>(), [(2, 0), (1, 1)]);
    for (id, row) in [&first.id, &second.id].into_iter().zip(listed) {
        assert_eq!(harness.engine.endpoint(&harness.admin, id).await.unwrap(), row, "the list and the page agree");
    }
    let (stranger, _) = harness.newcomer("Other").await;
    assert!(harness.engine.account_hours(&stranger, START).await.unwrap().is_empty());
}

async fn user_actions_are_in_the_endpoints_history(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.pause(&endpoint.id).await;
    harness.pause(&endpoint.id).await;
    harness.resume(&endpoint.id).await;
    harness.receiver.next([Reply::Status(410)]);
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    let log = harness.engine.endpoint_log(&harness.admin, &endpoint.id).await.unwrap();
    assert_eq!((log[0].action, log[0].who.clone()), (AuditAction::EndpointPausedGone, None));
    assert_eq!((log[1].action, log[1].who.as_deref()), (AuditAction::EndpointResumed, Some("ana@acme.example")));
    assert_eq!(log.len(), 4, "pausing twice is recorded once");
}

async fn automatic_changes_are_recorded_with_the_endpoints_name(harness: TestHarness) {
    let failing = harness.endpoint_with(|form| form.name = "Helpdesk".into()).await;
    fail_for_days(&harness, 5).await;
    let gone = harness.endpoint_with(|form| form.name = "Old CRM".into()).await;
    harness.receiver.next([Reply::Status(410)]);
    harness.accept(EventKind::CallProcessed, 9).await;
    harness.run().await;
    for (endpoint, latest) in [(failing, AuditAction::EndpointDisabled), (gone, AuditAction::EndpointPausedGone)] {
        let log = harness.engine.endpoint_log(&harness.admin, &endpoint.id).await.unwrap();
        assert_eq!(log[0].action, latest);
        assert!(log.iter().all(|record| record.object.as_deref() == Some(&*endpoint.name)), "{log:?}");
    }
}

async fn admins_are_emailed_about_automatic_changes(harness: TestHarness) {
    let endpoint = harness.endpoint_with(|form| form.name = "Helpdesk".into()).await;
    fail_for_days(&harness, 5).await;
    let emails = harness.emails().await;
    let subjects: Vec<&str> = emails.iter().map(|email| email.subject.as_str()).collect();
    let expected = [
        "“Helpdesk” is failing",
        "“Helpdesk” has been failing for a day",
        "“Helpdesk” has been failing for four days",
        "“Helpdesk” is disabled",
    ];
    // Whether a day passes before ten failures in a row depends on the number of attempts in it.
    let mut wanted: Vec<&str> = expected.into_iter().filter(|subject| subjects.contains(subject)).collect();
    assert_eq!(subjects, wanted, "each once, in this order");
    wanted.retain(|subject| *subject != "“Helpdesk” is failing");
    assert_eq!(wanted, expected[1..]);
    let last = emails.last().unwrap();
    assert_eq!(last.to, "ana@acme.example");
    assert!(last.text.contains("Server error (500)") && last.text.contains("none is lost"), "{}", last.text);
    assert!(last.text.contains(&format!("/endpoints/{}", endpoint.id)), "{}", last.text);
}

async fn a_410_is_reported_unless_it_comes_from_the_test_line(harness: TestHarness) {
    harness.endpoint().await;
    harness.receiver.next([Reply::Status(410), Reply::Status(410)]);
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    let emails = harness.emails().await;
    assert_eq!(emails.len(), 1);
    assert!(emails[0].subject.ends_with("is paused") && emails[0].text.contains("410 Gone"), "{}", emails[0].text);
    let other = harness.endpoint().await;
    harness.execute("UPDATE endpoints SET test_line = 1 WHERE state = 'active'").await.unwrap();
    harness.accept(EventKind::CallProcessed, 2).await;
    harness.run().await;
    assert_eq!(harness.engine.endpoint(&harness.admin, &other.id).await.unwrap().endpoint.state, EndpointState::Paused);
    assert_eq!(harness.emails().await.len(), 1, "the user chooses its responses");
}
