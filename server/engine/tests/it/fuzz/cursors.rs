//! A cursor starts a page where the previous one ended; any other text is no cursor, and breaks no list.

use std::panic::AssertUnwindSafe;

use bolero::check;
use domain::{
    UnixMs,
    audit::{Audit as _, AuditFilter},
    delivery::Deliveries as _,
    event::{EventFilter, Events as _},
    filter::DeliveryFilter,
    id::{decode, encode},
    ops::{OpsAccounts as _, accounts::AccountFilter},
};

use super::{
    filters::{filled, is_accepted},
    texts,
};
use crate::ops::operator;

#[test]
fn only_what_was_encoded_is_decoded() {
    texts("cursors", 2_000, |text| {
        if let Some((at, entropy)) = decode(text) {
            assert_eq!(encode(at, entropy), text);
        }
    });
}

#[test]
fn what_was_encoded_is_decoded() {
    check!().with_type::<(u64, u128)>().with_iterations(5_000).for_each(|(ms, entropy)| {
        let at = UnixMs(i64::try_from(ms >> 16).unwrap());
        let entropy = entropy & ((1 << 74) - 1);
        assert_eq!(decode(&encode(at, entropy)), Some((at, entropy)));
    });
}

#[test]
fn a_page_has_exactly_the_rows_after_its_cursor() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let harness = runtime.block_on(filled());
    let olga = runtime.block_on(operator(&harness));
    let all = runtime.block_on(harness.engine.deliveries(&harness.admin, &DeliveryFilter::default())).unwrap().rows;
    let world = AssertUnwindSafe((runtime, harness, olga, all));
    texts("cursors", 40, |cursor| {
        let (runtime, harness, olga, all) = &*world;
        // What is no id here may be one in this place: a position, and an id of a row that is there.
        for cursor in [cursor.to_owned(), format!("dlv_{cursor}"), all[cursor.len() % all.len()].id.to_string()] {
            runtime.block_on(async {
                let filter = DeliveryFilter { cursor: Some(cursor.clone()), ..DeliveryFilter::default() };
                let page = harness.engine.deliveries(&harness.admin, &filter).await.unwrap();
                let later = all.iter().filter(|row| row.id.as_str() < cursor.as_str());
                assert!(page.rows.iter().map(|row| &row.id).eq(later.map(|row| &row.id)), "{cursor:?}");
                let filter = EventFilter { cursor: Some(cursor.clone()), ..EventFilter::default() };
                is_accepted(harness.engine.events(&harness.admin, &filter).await);
                let filter = AuditFilter { cursor: Some(cursor.clone()), ..AuditFilter::default() };
                is_accepted(harness.engine.audit(&harness.admin, &filter).await);
                let filter = AccountFilter { cursor: Some(cursor.clone()), ..AccountFilter::default() };
                is_accepted(harness.engine.accounts(olga, &filter).await);
            });
        }
    });
}

#[test]
fn paging_finds_every_row_once_whatever_the_size_of_the_page() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let harness = runtime.block_on(filled());
    let all = runtime.block_on(harness.engine.deliveries(&harness.admin, &DeliveryFilter::default())).unwrap().rows;
    let world = AssertUnwindSafe((runtime, harness, all));
    check!().with_type::<[u8; 16]>().with_iterations(50).for_each(|sizes| {
        let (runtime, harness, all) = &*world;
        let (mut filter, mut found) = (DeliveryFilter::default(), Vec::new());
        for size in sizes.iter().cycle() {
            filter.limit = u32::from(*size) % 5 + 1;
            let page = runtime.block_on(harness.engine.deliveries(&harness.admin, &filter)).unwrap();
            found.extend(page.rows.into_iter().map(|row| row.id));
            filter.cursor = page.next;
            if filter.cursor.is_none() || found.len() > all.len() {
                break;
            }
        }
        assert!(found.iter().eq(all.iter().map(|row| &row.id)), "{sizes:?}");
    });
}
