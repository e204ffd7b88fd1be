//! The instance key takes its turn: everything is sealed again, and opens; without a key nothing can be read.

use domain::{
    actor::Actor,
    audit::Change,
    endpoint::{Endpoint, Endpoints},
    event::EventKind,
    id::UserId,
    rotation::{Credential, Rotations},
    second_factor::SecondFactors,
    test_line::TestLines,
    totp::{TotpKey, step_at},
};
use engine::{
    Engine,
    key_ring::{Key, KeyId, KeyRing},
    store::{
        sealed::{self, COLUMNS, Changed},
        sessions::Stored,
    },
};

use crate::bed::{Bed, on_both};

on_both! {
    everything_is_sealed_again_and_opens_with_the_next_key_alone
    a_value_that_changed_meanwhile_is_left_as_it_is
    what_opens_with_no_key_is_counted_and_left
    keys_that_open_nothing_of_what_lasts_are_told
    every_column_with_sealed_texts_is_on_the_list
    a_database_without_its_key_gives_nothing_away
    a_rotation_begins_whoever_has_sealed_the_credential_again
}

const HEADER: &str = "a-value-for-nobody-else";
const NEXT: &str = "the-next-token-of-all";
const FLASH: &str = r#"{"flash":"typed-and-kept"}"#;

/// An account with something in every column that is sealed. Answers with the signing secrets, too.
async fn full(bed: &Bed) -> (Endpoint, Vec<String>) {
    let endpoint = bed
        .endpoint_with(|form| {
            form.headers = format!("x-crm: {HEADER}");
        })
        .await;
    let first = bed.engine.reveal_credentials(&bed.admin, &endpoint.id).await.unwrap().signing_secret;
    bed.engine.prepare_token(&bed.admin, &endpoint.id, Some(NEXT.into())).await.unwrap();
    let second = bed.engine.rotate_secret(&bed.admin, &endpoint.id, 3_600).await.unwrap();
    let line = bed.engine.test_line(&bed.admin).await.unwrap();
    let key = line.url.rsplit('/').next().unwrap();
    bed.engine.test_line_called(key, "x-crm: a-value-for-nobody-else", r#"{"auth_token":"my-token"}"#).await.unwrap();
    let session = Stored { id: "what-the-cookie-holds", data: FLASH, expires: bed.now().plus_ms(1_000), owner: None };
    assert!(bed.engine.create_session(session).await.unwrap());
    let factor = second_factor(bed).await;
    (endpoint, vec![first, second, factor])
}

/// Switches the admin's second factor on. Answers with its key.
async fn second_factor(bed: &Bed) -> String {
    let user = UserId::parse(bed.admin.id().unwrap()).unwrap();
    let draft = bed.engine.draft_factor(&user).await.unwrap();
    let key = bed.engine.drafted_factor(&user, &draft).await.unwrap().key.replace(' ', "");
    let code = TotpKey::parse(&key).unwrap().code(step_at(bed.now()));
    bed.engine.switch_factor_on(&user, &draft, &code, "here", "203.0.113.9").await.unwrap();
    key
}

fn first() -> KeyRing {
    KeyRing::one([7; 32])
}

fn both() -> KeyRing {
    first().with_waiting([8; 32]).promoted()
}

async fn opens_everything(bed: &Bed, engine: &Engine, endpoint: &Endpoint) {
    let shown = engine.reveal_credentials(&bed.admin, &endpoint.id).await.unwrap();
    assert_eq!((shown.auth_token.as_str(), shown.other_auth_token.as_deref()), ("my-token", Some(NEXT)));
    assert!(shown.earlier_signing_secret.is_some());
    assert_eq!(engine.load_session("what-the-cookie-holds").await.unwrap().as_deref(), Some(FLASH));
    let line = engine.test_line(&bed.admin).await.unwrap();
    assert!(line.requests[0].body.contains("my-token") && line.requests[0].headers.contains(HEADER));
    engine.test_credential(&bed.admin, &endpoint.id, Credential::AuthToken).await.unwrap();
    engine.sender().run_once().await.unwrap();
    let got = bed.receiver.received().pop().unwrap();
    assert_eq!(got.header("x-crm").as_deref(), Some(HEADER));
    assert!(got.body.contains(NEXT), "{}", got.body);
}

async fn everything_is_sealed_again_and_opens_with_the_next_key_alone(bed: Bed) {
    let (endpoint, _) = full(&bed).await;
    let (old, new) = (KeyId::FIRST, both().current().id);
    let before = bed.engine.sealed_by().await.unwrap();
    assert_eq!((before.by(old), before.all()), (11, 11), "{before:?}");

    let turning = bed.another_with(both()).await;
    let mut told = 0;
    let pass = turning.reseal(|more| told += more).await.unwrap();
    assert_eq!((pass.resealed, pass.left, pass.closed, told), (9, 0, 0, 9), "one row holds two texts");
    let after = turning.sealed_by().await.unwrap();
    assert_eq!((after.by(new), after.not_by(new)), (11, 0), "{after:?}");
    assert_eq!(turning.reseal(|_| {}).await.unwrap().resealed, 0, "nothing is left to do");

    let later = bed.another_with(both().without(&[old])).await;
    opens_everything(&bed, &later, &endpoint).await;
    let change = Change::between("key", "k1", "k2").into_iter().collect();
    turning.record_key_change(&Actor::COMMAND_LINE, change).await.unwrap();
    assert!(turning.verify_audit().await.unwrap().broken.is_empty());
}

async fn a_value_that_changed_meanwhile_is_left_as_it_is(bed: Bed) {
    let endpoint = bed.endpoint().await;
    let column = COLUMNS.iter().find(|column| column.name == "endpoints.auth_token_sealed").unwrap();
    let stored = sealed::page(&bed.engine.sender().db, column, "", 10).await.unwrap().remove(0);
    assert_eq!(stored.place, endpoint.id.as_str());
    let write = async |was: &str| {
        let changed = Changed { place: stored.place.clone(), was: was.to_owned(), becomes: "k2.other".to_owned() };
        let mut tx = bed.engine.sender().db.begin().await.unwrap();
        let done = sealed::write(&mut tx, column, &[changed]).await.unwrap();
        tx.commit().await.unwrap();
        done
    };
    assert_eq!(write("k1.what-it-was-before").await, 0);
    assert_eq!(write(&stored.text).await, 1);
}

async fn what_opens_with_no_key_is_counted_and_left(bed: Bed) {
    bed.endpoint().await;
    bed.endpoint().await;
    let strange = KeyRing::new(vec![
        Key { id: KeyId::parse("k2").unwrap(), bytes: [8; 32] },
        Key { id: KeyId::FIRST, bytes: [9; 32] },
    ]);
    let pass = bed.another_with(strange.unwrap()).await.reseal(|_| {}).await.unwrap();
    assert_eq!((pass.resealed, pass.closed), (0, 6));
    assert_eq!(bed.engine.sealed_by().await.unwrap().by(KeyId::FIRST), 6);
}

async fn keys_that_open_nothing_of_what_lasts_are_told(bed: Bed) {
    let closed = async |keys: KeyRing| {
        let sealed = bed.another_with(keys).await.sealed_by().await.unwrap();
        sealed.closed().collect::<Vec<_>>()
    };
    let strange = KeyRing::one([9; 32]);
    let session = Stored { id: "a-cookie", data: FLASH, expires: bed.now().plus_ms(1_000), owner: None };
    assert!(bed.engine.create_session(session).await.unwrap());
    assert_eq!(closed(strange.clone()).await, [], "a session that does not open is over, and nothing is lost");
    bed.endpoint().await;
    assert_eq!(closed(strange).await, [KeyId::FIRST], "another key of the same name");
    assert_eq!(closed(both().without(&[KeyId::FIRST])).await, [KeyId::FIRST], "a key that is missing");
    assert_eq!(closed(both()).await, []);
    bed.execute("UPDATE endpoints SET secret_sealed = auth_token_sealed").await.unwrap();
    assert_eq!(closed(first()).await, [], "values that were moved say nothing about the key");
}

async fn every_column_with_sealed_texts_is_on_the_list(bed: Bed) {
    full(&bed).await;
    let listed: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
    let mut found = 0;
    for name in bed.columns().await {
        let (table, column) = name.split_once('.').unwrap();
        assert_eq!(column.ends_with("_sealed"), listed.contains(&name.as_str()), "{name}");
        let sealed = bed.texts(format!("SELECT {column} FROM {table} WHERE {column} LIKE '%k1.%'")).await;
        assert!(sealed.is_empty() || listed.contains(&name.as_str()), "{name} holds {sealed:?}");
        found += usize::from(!sealed.is_empty());
    }
    assert_eq!(found, listed.len(), "the test has something in each");
}

async fn a_database_without_its_key_gives_nothing_away(bed: Bed) {
    let (_, secrets) = full(&bed).await;
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    let known = ["my-token", NEXT, HEADER, "typed-and-kept", "what-the-cookie-holds", "correct horse battery"];
    let known: Vec<&str> =
        known.into_iter().chain(secrets.iter().map(|secret| secret.trim_start_matches("whsec_"))).collect();
    for name in bed.columns().await {
        let (table, column) = name.split_once('.').unwrap();
        for value in bed.texts(format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL")).await {
            let secret = known.iter().find(|secret| value.contains(**secret));
            assert_eq!(secret, None, "{name}: {value}");
        }
    }
    bed.raw_file_is_free_of(&known);
}

async fn a_rotation_begins_whoever_has_sealed_the_credential_again(bed: Bed) {
    let endpoint = bed.endpoint().await;
    let turning = bed.another_with(both()).await;
    assert_eq!(turning.reseal(|_| {}).await.unwrap().resealed, 3);
    turning.prepare_token(&bed.admin, &endpoint.id, Some(NEXT.into())).await.unwrap();
    turning.rotate_secret(&bed.admin, &endpoint.id, 60).await.unwrap();
    assert_eq!(turning.sealed_by().await.unwrap().by(KeyId::FIRST), 0);
}
