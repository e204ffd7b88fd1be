//! A number is found in whatever spelling it was sent and is typed.

use domain::{
    account::{AccountForm, Accounts},
    delivery::Deliveries,
    filter::DeliveryFilter,
};
use engine::background::Pacing;

use crate::{
    harness::{TestHarness, on_both},
    phone_numbers::{call, index_all},
};

on_both! { a_number_is_found_whatever_surrounds_its_digits what_an_earlier_build_indexed_is_found_and_indexed_again }

const SPELLED: [&str; 6] = [
    "+44 1632 960001",
    "tel:+44-1632-960001",
    "sip:+441632960001@pbx.example",
    "+44 (0)1632 960001",
    "\u{202a}0044 1632 960001\u{202c}",
    "(01632) 960-001",
];

async fn stored_in_britain(harness: &TestHarness, callee: &str) {
    harness.endpoint().await;
    let form = AccountForm { name: "Acme".into(), country: "gb".into(), ..AccountForm::default() };
    harness.engine.change_account(&harness.admin, &form.input().unwrap()).await.unwrap();
    for (n, stored) in (1..).zip(SPELLED) {
        call(harness, &harness.token, n, (stored, callee)).await;
    }
}

async fn rows(harness: &TestHarness, typed: &str) -> usize {
    let filter = DeliveryFilter { text: Some(typed.into()), ..DeliveryFilter::default() };
    harness.engine.deliveries(&harness.admin, &filter).await.unwrap().rows.len()
}

async fn a_number_is_found_whatever_surrounds_its_digits(harness: TestHarness) {
    stored_in_britain(&harness, "7048").await;
    call(&harness, &harness.token, 90, ("01632960002", "7049")).await;
    for indexed in [false, true] {
        if indexed {
            index_all(&harness, &harness.engine).await;
        }
        for typed in SPELLED {
            assert_eq!(rows(&harness, typed).await, SPELLED.len(), "{typed:?}, indexed: {indexed}");
        }
        for extension in ["7048", "ext. 7048", "extension 7048", "sip:7048@pbx.example"] {
            assert_eq!(rows(&harness, extension).await, SPELLED.len(), "{extension}, indexed: {indexed}");
        }
        assert_eq!(rows(&harness, "01632 960003").await, 0);
    }
}

async fn what_an_earlier_build_indexed_is_found_and_indexed_again(harness: TestHarness) {
    stored_in_britain(&harness, "extension 7048").await;
    index_all(&harness, &harness.engine).await;
    // As the migration leaves it: entries by another key, and a place to begin at.
    harness.execute("UPDATE called_numbers SET number = number + 1").await.unwrap();
    harness
        .execute("INSERT INTO numbers_again (what, place, until) SELECT what, '', place FROM numbers_followed WHERE place <> ''")
        .await
        .unwrap();
    assert_eq!(rows(&harness, "01632 960001").await, 0);
    let again = &harness.engine.background().phone_reindexer;
    assert_eq!(again.round(Pacing::Immediate).await.unwrap(), SPELLED.len());
    assert_eq!(rows(&harness, "01632 960001").await, SPELLED.len());
    assert_eq!(rows(&harness, "7048").await, SPELLED.len());
    assert_eq!(again.round(Pacing::Immediate).await.unwrap(), 0, "there is nothing left");
    assert!(harness.texts("SELECT what FROM numbers_again".to_owned()).await.is_empty());
}
