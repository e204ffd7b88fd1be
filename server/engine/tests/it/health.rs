//! Endpoints that fail for long, and what is counted by the hour.

use domain::{
    audit::Deed,
    delivery::Status,
    endpoint::{EndpointState, Endpoints},
    event::EventKind,
    time::DAY_MS,
};

use crate::{
    bed::{Bed, START, newcomer, on_both},
    receiver::Reply,
};

on_both! {
    an_endpoint_that_fails_for_days_is_told_and_then_disabled
    a_disabled_endpoint_holds_and_drains_when_it_is_resumed
    hours_count_what_was_recorded_in_them
    an_account_counts_what_its_endpoints_did_together
    what_people_do_is_in_the_endpoints_history
    what_happened_by_itself_is_on_the_record_with_the_endpoints_name
    admins_hear_by_letter_of_what_an_endpoint_did_by_itself
    a_410_is_told_and_the_own_test_line_is_not
}

async fn happenings(bed: &Bed, id: &domain::id::EndpointId) -> Vec<Deed> {
    let mut log = bed.engine.endpoint_log(&bed.admin, id).await.unwrap();
    log.reverse();
    log.into_iter().map(|entry| entry.deed).collect()
}

/// A day and a little: attempts take real milliseconds, which count towards the time of failing.
const GOOD_DAY_MS: i64 = DAY_MS + 60_000;

/// Fails something every day, for so many days.
pub async fn fail_for_days(bed: &Bed, days: u32) {
    bed.receiver.usually(Reply::Status(500));
    for day in 0..=days {
        bed.accept(EventKind::CallProcessed, 1_000 + day).await;
        bed.run().await;
        bed.clock.step_ms(if day == days { 0 } else { GOOD_DAY_MS });
    }
}

async fn an_endpoint_that_fails_for_days_is_told_and_then_disabled(bed: Bed) {
    let endpoint = bed.endpoint().await;
    fail_for_days(&bed, 4).await;
    let told = happenings(&bed, &endpoint.id).await;
    let expected = [Deed::EndpointCreated, Deed::EndpointFailingOneDay, Deed::EndpointFailingFourDays];
    assert_eq!(told.iter().filter(|what| **what != Deed::EndpointFailing).copied().collect::<Vec<_>>(), expected);
    assert!(told.iter().filter(|what| **what == Deed::EndpointFailing).count() <= 1, "told once: {told:?}");
    assert_eq!(bed.engine.endpoint(&bed.admin, &endpoint.id).await.unwrap().endpoint.state, EndpointState::Active);
    bed.run_after_ms(GOOD_DAY_MS).await;
    let now = bed.engine.endpoint(&bed.admin, &endpoint.id).await.unwrap().endpoint;
    assert_eq!(now.state, EndpointState::Disabled);
    assert_eq!(happenings(&bed, &endpoint.id).await.last(), Some(&Deed::EndpointDisabled));
    assert_eq!(bed.run_after_ms(DAY_MS).await, 0, "a disabled endpoint is left alone");
}

async fn a_disabled_endpoint_holds_and_drains_when_it_is_resumed(bed: Bed) {
    let endpoint = bed.endpoint().await;
    fail_for_days(&bed, 5).await;
    bed.accept(EventKind::CallProcessed, 7).await;
    assert_eq!(bed.run().await, 0);
    assert!(bed.deliveries().await.iter().filter(|row| row.status == Status::Held).count() >= 2);
    bed.receiver.forget_script();
    bed.resume(&endpoint.id).await;
    bed.run_after_ms(DAY_MS).await;
    assert!(bed.deliveries().await.iter().all(|row| row.status == Status::Delivered));
}

async fn hours_count_what_was_recorded_in_them(bed: Bed) {
    let endpoint = bed.endpoint().await;
    bed.receiver.next([Reply::Status(500)]);
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    bed.run_after_ms(6_000).await;
    bed.clock.step_ms(3_600_000);
    bed.accept(EventKind::CallProcessed, 2).await;
    bed.run().await;
    let hours = bed.engine.endpoint_hours(&bed.admin, &endpoint.id, START).await.unwrap();
    let counts: Vec<_> = hours.iter().map(|(_, tally)| (tally.delivered, tally.retrying)).collect();
    assert_eq!(counts, [(1, 1), (1, 0)]);
    assert_eq!(hours[0].1.durations.0.iter().sum::<u64>(), 2);
    let summary = bed.engine.endpoint(&bed.admin, &endpoint.id).await.unwrap();
    assert_eq!((summary.delivered_24h, summary.failed_24h, summary.waiting), (2, 0, 0));
    assert!(summary.p95_ms.is_some());
}

async fn an_account_counts_what_its_endpoints_did_together(bed: Bed) {
    let first = bed.endpoint().await;
    let second = bed.endpoint_with(|form| form.url.push_str("/second")).await;
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    bed.clock.step_ms(3_600_000);
    bed.pause(&second.id).await;
    bed.accept(EventKind::CallProcessed, 2).await;
    bed.run().await;
    let hours = bed.engine.account_hours(&bed.admin, START).await.unwrap();
    assert_eq!(hours.iter().map(|(_, tally)| tally.delivered).collect::<Vec<_>>(), [2, 1]);
    let listed = bed.engine.endpoints(&bed.admin).await.unwrap();
    assert_eq!(listed.iter().map(|one| (one.delivered_24h, one.waiting)).collect::<Vec<_>>(), [(2, 0), (1, 1)]);
    for (id, row) in [&first.id, &second.id].into_iter().zip(listed) {
        assert_eq!(bed.engine.endpoint(&bed.admin, id).await.unwrap(), row, "the list says what the page says");
    }
    let (stranger, _) = newcomer(&bed.engine, "Other").await;
    assert!(bed.engine.account_hours(&stranger, START).await.unwrap().is_empty());
}

async fn what_people_do_is_in_the_endpoints_history(bed: Bed) {
    let endpoint = bed.endpoint().await;
    bed.pause(&endpoint.id).await;
    bed.pause(&endpoint.id).await;
    bed.resume(&endpoint.id).await;
    bed.receiver.next([Reply::Status(410)]);
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    let log = bed.engine.endpoint_log(&bed.admin, &endpoint.id).await.unwrap();
    assert_eq!((log[0].deed, log[0].who.clone()), (Deed::EndpointPausedGone, None));
    assert_eq!((log[1].deed, log[1].who.as_deref()), (Deed::EndpointResumed, Some("ana@acme.example")));
    assert_eq!(log.len(), 4, "pausing twice happened once");
}

async fn what_happened_by_itself_is_on_the_record_with_the_endpoints_name(bed: Bed) {
    let failing = bed.endpoint_with(|form| form.name = "Helpdesk".into()).await;
    fail_for_days(&bed, 5).await;
    let gone = bed.endpoint_with(|form| form.name = "Old CRM".into()).await;
    bed.receiver.next([Reply::Status(410)]);
    bed.accept(EventKind::CallProcessed, 9).await;
    bed.run().await;
    for (endpoint, latest) in [(failing, Deed::EndpointDisabled), (gone, Deed::EndpointPausedGone)] {
        let log = bed.engine.endpoint_log(&bed.admin, &endpoint.id).await.unwrap();
        assert_eq!(log[0].deed, latest);
        assert!(log.iter().all(|record| record.object.as_deref() == Some(&*endpoint.name)), "{log:?}");
    }
}

async fn admins_hear_by_letter_of_what_an_endpoint_did_by_itself(bed: Bed) {
    let endpoint = bed.endpoint_with(|form| form.name = "Helpdesk".into()).await;
    fail_for_days(&bed, 5).await;
    let letters = bed.mail.emails();
    let subjects: Vec<&str> = letters.iter().map(|letter| letter.subject.as_str()).collect();
    let expected = [
        "Helpdesk is failing",
        "Helpdesk has been failing for a day",
        "Helpdesk has been failing for four days",
        "Helpdesk is disabled",
    ];
    // Whether a day comes before ten attempts in a row depends on how many fell into it.
    let mut wanted: Vec<&str> = expected.into_iter().filter(|subject| subjects.contains(subject)).collect();
    assert_eq!(subjects, wanted, "each once and in this order");
    wanted.retain(|subject| *subject != "Helpdesk is failing");
    assert_eq!(wanted, expected[1..]);
    let last = letters.last().unwrap();
    assert_eq!(last.to, "ana@acme.example");
    assert!(last.text.contains("Error in your server (500)") && last.text.contains("none is dropped"), "{}", last.text);
    assert!(last.text.contains(&format!("/endpoints/{}", endpoint.id)), "{}", last.text);
}

async fn a_410_is_told_and_the_own_test_line_is_not(bed: Bed) {
    bed.endpoint().await;
    bed.receiver.next([Reply::Status(410), Reply::Status(410)]);
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    let letters = bed.mail.emails();
    assert_eq!(letters.len(), 1);
    assert!(letters[0].subject.ends_with("is paused") && letters[0].text.contains("410 Gone"), "{}", letters[0].text);
    let other = bed.endpoint().await;
    bed.execute("UPDATE endpoints SET test_line = 1 WHERE state = 'active'").await.unwrap();
    bed.accept(EventKind::CallProcessed, 2).await;
    bed.run().await;
    assert_eq!(bed.engine.endpoint(&bed.admin, &other.id).await.unwrap().endpoint.state, EndpointState::Paused);
    assert_eq!(bed.mail.emails().len(), 1, "its answers are chosen by whoever tries it");
}
