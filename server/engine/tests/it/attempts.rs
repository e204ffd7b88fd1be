//! However often a delivery is sent, showing it costs no more.

use domain::{
    delivery::{ATTEMPTS_PAGE_MAX, ATTEMPTS_SHOWN, Deliveries as _, MARKS_MAX, RESENDS_PER_HOUR},
    event::EventKind,
    filter::DeliveryFilter,
    id::DeliveryId,
    time::{HOUR_MS, MINUTE_MS},
};

use crate::harness::{TestHarness, on_both};

on_both! { attempts_are_shown_in_pages a_delivery_can_be_resent_twenty_times_an_hour }

/// A delivery with this many attempts.
async fn sent(harness: &TestHarness, times: u32) -> DeliveryId {
    harness.endpoint().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    let id = harness.only_delivery().await.row.id;
    for _ in 1..times {
        harness.clock.step_ms(HOUR_MS / i64::from(RESENDS_PER_HOUR) + 1);
        harness.engine.resend(&harness.admin, &id).await.unwrap();
        harness.run().await;
    }
    id
}

async fn attempts_are_shown_in_pages(harness: TestHarness) {
    let id = sent(&harness, 70).await;
    let shown = async |around: Option<u32>| {
        let detail = harness.engine.delivery(&harness.admin, &id, around).await.unwrap();
        assert_eq!(detail.row.attempts, 70);
        assert_eq!(detail.attempts.len(), ATTEMPTS_SHOWN as usize);
        (detail.attempts[0].number, detail.attempts[detail.attempts.len() - 1].number)
    };
    assert_eq!(shown(None).await, (51, 70));
    assert_eq!(shown(Some(70)).await, (51, 70));
    assert_eq!(shown(Some(30)).await, (21, 40));
    assert_eq!(shown(Some(1)).await, (1, 20));
    assert_eq!(shown(Some(u32::MAX)).await, (51, 70));
    let (mut before, mut numbers) = (None, Vec::new());
    loop {
        let page = harness.engine.attempts(&harness.admin, &id, before, 250).await.unwrap();
        assert!(page.rows.len() <= ATTEMPTS_PAGE_MAX as usize);
        numbers.extend(page.rows.iter().map(|attempt| attempt.number));
        let Some(next) = page.next else { break };
        before = Some(next.parse().unwrap());
    }
    assert_eq!(numbers, (1..=70).rev().collect::<Vec<_>>());
    let listed = harness.engine.deliveries(&harness.admin, &DeliveryFilter::default()).await.unwrap().rows.remove(0);
    assert_eq!(listed.beats.len(), MARKS_MAX as usize);
}

async fn a_delivery_can_be_resent_twenty_times_an_hour(harness: TestHarness) {
    let id = sent(&harness, 1).await;
    for n in 0..RESENDS_PER_HOUR {
        harness.engine.resend(&harness.admin, &id).await.unwrap();
        harness.run().await;
        harness.clock.step_ms(if n == 0 { 10 * MINUTE_MS } else { 0 });
    }
    let refused = harness.engine.resend(&harness.admin, &id).await.unwrap_err();
    assert_eq!(refused.retry_after_s(), Some(50 * 60), "an hour after the first: {refused:?}");
    assert_eq!(harness.run().await, 0, "nothing was queued");
    harness.clock.step_ms(50 * MINUTE_MS - 1);
    assert!(harness.engine.resend(&harness.admin, &id).await.is_err());
    harness.clock.step_ms(1);
    harness.engine.resend(&harness.admin, &id).await.unwrap();
    assert_eq!(harness.run().await, 1);
}
