//! The plan of a recovery counts what the list counts, and says why some of it is not resent.

use domain::{
    delivery::Deliveries as _,
    event::EventKind,
    filter::DeliveryFilter,
    recover::{RecoverForm, Recovery as _},
};

use crate::{
    harness::{TestHarness, on_both},
    recover::{form, outage, start, work},
};

on_both! { a_plan_counts_what_the_list_counts }

async fn a_plan_counts_what_the_list_counts(harness: TestHarness) {
    let endpoint = outage(&harness, 3).await;
    // Two rings that expire while the endpoint is paused, and one that the end of its call supersedes.
    harness.pause(&endpoint.id).await;
    harness.accept(EventKind::IncomingCall, 11).await;
    harness.accept(EventKind::OutgoingCall, 12).await;
    harness.accept(EventKind::CallProcessed, 13).await;
    harness.accept(EventKind::IncomingCall, 13).await;
    harness.clock.step_ms(3_600_000);
    harness.resume(&endpoint.id).await;
    harness.run().await;
    harness.clock.step_ms(1);
    let plan = |form: RecoverForm| {
        let (harness, id) = (&harness, &endpoint.id);
        async move { harness.engine.plan_recovery(&harness.admin, id, &form.input().unwrap()).await.unwrap() }
    };
    let all = plan(form()).await;
    assert_eq!((all.count, all.parts.failed, all.parts.expired, all.parts.superseded), (5, 3, 2, 1));
    assert_eq!((all.parts.rings.count, all.parts.no_payload), (5, 0));
    assert_eq!(all.parts.rings.words(harness.now()), "5 rings up to 1 hour old");
    let listed = DeliveryFilter::parse("status=failed,expired&test=0");
    let listed = harness.engine.delivery_counts(&harness.admin, &listed).await.unwrap();
    assert_eq!(listed.matching, all.count + all.parts.superseded);
    let ends = plan(RecoverForm { events: vec!["CallProcessed".into()], ..form() }).await;
    assert_eq!((ends.count, ends.parts.rings.count), (0, 5), "what is left out is counted, too");
    let started = start(&harness, &endpoint.id, &form()).await;
    assert_eq!((started.total, work(&harness).await), (5, 5));
}
