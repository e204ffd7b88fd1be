//! A filter means the same in a link, in the address bar and to the store, and never breaks a list.

use std::panic::AssertUnwindSafe;

use domain::{
    Error, Result,
    audit::{Audit as _, AuditFilter},
    delivery::{Deliveries as _, DeliveryRow},
    event::EventKind,
    filter::DeliveryFilter,
    ops::{OpsAccounts as _, accounts::AccountFilter},
    query::page_size,
};

use super::texts;
use crate::{
    harness::{On, TestHarness},
    ops::operator,
    receiver::Reply,
};

/// Some deliveries of every kind, delivered and retrying.
pub(super) async fn filled() -> TestHarness {
    let harness = TestHarness::new(On::Sqlite).await;
    harness.endpoint().await;
    harness.endpoint_with(|form| form.events = vec!["CallProcessed".into()]).await;
    for call in 0..8 {
        harness.receiver.next([Reply::Status(if call % 3 == 0 { 500 } else { 200 })]);
        harness.accept(EventKind::ALL[call as usize % 3], call).await;
        harness.run_after_ms(700).await;
    }
    harness
}

#[test]
fn a_link_shows_what_the_filter_showed() {
    texts("queries", 500, |query| {
        let filter = DeliveryFilter::parse(query);
        assert_eq!(DeliveryFilter::parse(&filter.to_query()), filter);
        let filter = AuditFilter::parse(query);
        assert_eq!(AuditFilter::parse(&filter.to_query()), filter);
        let filter = AccountFilter::parse(query);
        assert_eq!(AccountFilter::parse(&filter.to_query()), filter);
    });
}

#[test]
fn every_filter_can_be_searched_for_and_finds_only_what_it_asks_for() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let harness = runtime.block_on(filled());
    let olga = runtime.block_on(operator(&harness));
    let world = AssertUnwindSafe((runtime, harness, olga));
    texts("queries", 40, |query| {
        let (runtime, harness, olga) = &*world;
        runtime.block_on(async {
            let filter = DeliveryFilter::parse(query);
            if let Some(page) = is_accepted(harness.engine.deliveries(&harness.admin, &filter).await) {
                assert!(page.rows.len() <= page_size(filter.limit) as usize);
                assert!(page.rows.iter().all(|row| fits(&filter, row)), "{filter:?}: {:?}", page.rows);
                let counts = harness.engine.delivery_counts(&harness.admin, &filter).await.unwrap();
                assert!(page.rows.len() <= counts.matching as usize);
            }
            is_accepted(harness.engine.audit(&harness.admin, &AuditFilter::parse(query)).await);
            is_accepted(harness.engine.accounts(olga, &AccountFilter::parse(query)).await);
        });
    });
}

/// The rows; none if the filter was refused. The store accepts every other text.
pub(super) fn is_accepted<T>(result: Result<T>) -> Option<T> {
    match result {
        Ok(page) => Some(page),
        Err(Error::Invalid(_)) => None,
        Err(error) => panic!("{error:?}"),
    }
}

fn fits(filter: &DeliveryFilter, row: &DeliveryRow) -> bool {
    let is_one = |any: bool, one: bool| any || one;
    is_one(filter.statuses.is_empty(), filter.statuses.contains(&row.status))
        && is_one(filter.kinds.is_empty(), filter.kinds.contains(&row.kind))
        && filter.endpoint.as_ref().is_none_or(|endpoint| *endpoint == row.endpoint_id)
        && filter.cause.is_none_or(|cause| row.failure.as_ref().is_some_and(|failure| failure.cause == cause))
        && filter.call.as_ref().is_none_or(|call| *call == row.call_id)
        && filter.from.is_none_or(|from| row.created_at >= from)
        && filter.to.is_none_or(|to| row.created_at < to)
}
