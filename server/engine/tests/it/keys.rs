//! Rotating the instance key: everything is resealed and still opens; without a key nothing can be read.

use domain::{
    actor::Actor,
    audit::Change,
    connector::{ConnectorDoors, ConnectorForm, Connectors},
    endpoint::{Endpoint, Endpoints},
    event::EventKind,
    id::UserId,
    rotation::{Credential, RotationStep, Rotations},
    second_factor::SecondFactors,
    test_line::TestLines,
    totp::{TotpKey, step_at},
};
use engine::{
    Engine,
    key_ring::{Key, KeyId, KeyRing},
    store::{
        credentials::sealed::{self, COLUMNS, Resealed},
        users::sessions::Stored,
    },
};

use crate::harness::{TestHarness, on_both};

on_both! { everything_is_resealed_and_opens_with_the_next_key_alone a_value_that_changes_while_resealing_is_left_alone values_that_no_key_opens_are_counted_and_left_alone keys_that_open_no_lasting_value_are_reported every_sealed_column_is_listed a_database_without_its_key_reveals_nothing a_rotation_starts_even_while_the_credential_is_resealed files_are_counted_without_being_read }

const HEADER: &str = "a-value-for-nobody-else";
const NEXT: &str = "the-next-token-of-all";
const FLASH: &str = r#"{"flash":"typed-and-kept"}"#;

/// An account with a value in every sealed column. Returns its signing secrets as well.
async fn full(harness: &TestHarness) -> (Endpoint, Vec<String>) {
    let endpoint = harness
        .endpoint_with(|form| {
            form.headers = format!("x-crm: {HEADER}");
        })
        .await;
    let first = harness.engine.reveal_credentials(&harness.admin, &endpoint.id).await.unwrap().signing_secret;
    harness.engine.rotate(&harness.admin, &endpoint.id, &RotationStep::PrepareToken(Some(NEXT.into()))).await.unwrap();
    let second = crate::rotation::created(
        harness.engine.rotate(&harness.admin, &endpoint.id, &RotationStep::RotateSecret(3_600)).await.unwrap(),
    );
    let line = harness.engine.test_line(&harness.admin).await.unwrap();
    let key = line.url.rsplit('/').next().unwrap();
    harness
        .engine
        .record_test_line_request(key, "x-crm: a-value-for-nobody-else", r#"{"auth_token":"my-token"}"#)
        .await
        .unwrap();
    let session =
        Stored { id: "what-the-cookie-holds", data: FLASH, expires: harness.now().plus_ms(1_000), owner: None };
    assert!(harness.engine.create_session(session).await.unwrap());
    let factor = second_factor(harness).await;
    let dialled = connectors(harness).await;
    crate::imports::kept(harness).await;
    (endpoint, vec![first, second, factor, dialled])
}

/// A connector that the server dials, and one that has received a request. Returns the secret of the first.
async fn connectors(harness: &TestHarness) -> String {
    let ami = ConnectorForm { ami_address: "127.0.0.1:5038".into(), ..crate::connectors::form("asterisk", "ami") };
    let operator = Actor::COMMAND_LINE;
    let ami = harness.engine.create_connector(&operator, &ami.input().unwrap()).await.unwrap();
    let http = crate::connectors::create(harness, &harness.admin, "other", "http").await;
    let open = harness.engine.open_connector(http.connector.id.as_str(), &http.secret).await.unwrap();
    harness.engine.keep_request(&open, &crate::connectors::request(1, HEADER)).await.unwrap();
    ami.secret
}

/// Turns on the admin's second factor. Returns its key.
async fn second_factor(harness: &TestHarness) -> String {
    let user = UserId::parse(harness.admin.id().unwrap()).unwrap();
    let draft = harness.engine.draft_factor(&user).await.unwrap();
    let key = harness.engine.drafted_factor(&user, &draft).await.unwrap().key.replace(' ', "");
    let code = TotpKey::parse(&key).unwrap().code(step_at(harness.now()));
    harness.engine.switch_factor_on(&user, &draft, &code, "here", "203.0.113.9").await.unwrap();
    key
}

fn first() -> KeyRing {
    KeyRing::one([7; 32])
}

fn both() -> KeyRing {
    first().with_waiting([8; 32]).promoted()
}

async fn decrypts_everything(harness: &TestHarness, engine: &Engine, endpoint: &Endpoint) {
    let shown = engine.reveal_credentials(&harness.admin, &endpoint.id).await.unwrap();
    assert_eq!((shown.auth_token.as_str(), shown.other_auth_token.as_deref()), ("my-token", Some(NEXT)));
    assert!(shown.earlier_signing_secret.is_some());
    assert_eq!(engine.load_session("what-the-cookie-holds").await.unwrap().as_deref(), Some(FLASH));
    let line = engine.test_line(&harness.admin).await.unwrap();
    assert_eq!(engine.inside_connectors().await.unwrap().len(), 1);
    let http = engine.connectors(&harness.admin).await.unwrap();
    assert_eq!(engine.raw_requests(&harness.admin, &http[0].id).await.unwrap()[0].body, HEADER);
    assert!(line.requests[0].body.contains("my-token") && line.requests[0].headers.contains(HEADER));
    engine.rotate(&harness.admin, &endpoint.id, &RotationStep::Test(Credential::AuthToken)).await.unwrap();
    engine.sender().run_once().await.unwrap();
    let got = harness.receiver.received().pop().unwrap();
    assert_eq!(got.header("x-crm").as_deref(), Some(HEADER));
    assert!(got.body.contains(NEXT), "{}", got.body);
}

async fn everything_is_resealed_and_opens_with_the_next_key_alone(harness: TestHarness) {
    let (endpoint, _) = full(&harness).await;
    let (old, new) = (KeyId::FIRST, both().current().id);
    let before = harness.engine.sealed_by().await.unwrap();
    assert_eq!((before.by(old), before.all()), (17, 17), "{before:?}");

    let turning = harness.another_with(both()).await;
    let mut reported = 0;
    let pass = turning.reseal(|more| reported += more).await.unwrap();
    assert_eq!((pass.resealed, pass.left, pass.closed, reported), (15, 0, 0, 15), "one row has two values");
    let after = turning.sealed_by().await.unwrap();
    assert_eq!((after.by(new), after.not_by(new)), (17, 0), "{after:?}");
    assert_eq!(turning.reseal(|_| {}).await.unwrap().resealed, 0, "there is nothing left to do");

    let later = harness.another_with(both().without(&[old])).await;
    decrypts_everything(&harness, &later, &endpoint).await;
    let change = Change::between("key", "k1", "k2").into_iter().collect();
    turning.record_key_change(&Actor::COMMAND_LINE, change).await.unwrap();
    assert!(turning.verify_audit().await.unwrap().broken.is_empty());
}

async fn a_value_that_changes_while_resealing_is_left_alone(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    let column = COLUMNS.iter().find(|column| column.name == "endpoints.auth_token_sealed").unwrap();
    let stored = sealed::page(&harness.engine.context().db, column, "", 10).await.unwrap().remove(0);
    assert_eq!(stored.place, endpoint.id.as_str());
    let write = async |was: &str| {
        let changed = Resealed { place: stored.place.clone(), was: was.to_owned(), becomes: "k2.other".to_owned() };
        let mut tx = harness.engine.context().db.begin().await.unwrap();
        let done = sealed::write(&mut tx, column, &[changed]).await.unwrap();
        tx.commit().await.unwrap();
        done
    };
    assert_eq!(write("k1.what-it-was-before").await, 0);
    assert_eq!(write(&stored.text).await, 1);
}

async fn values_that_no_key_opens_are_counted_and_left_alone(harness: TestHarness) {
    harness.endpoint().await;
    harness.endpoint().await;
    let strange = KeyRing::new(vec![
        Key { id: KeyId::parse("k2").unwrap(), bytes: [8; 32] },
        Key { id: KeyId::FIRST, bytes: [9; 32] },
    ]);
    let pass = harness.another_with(strange.unwrap()).await.reseal(|_| {}).await.unwrap();
    assert_eq!((pass.resealed, pass.closed), (0, 6));
    assert_eq!(harness.engine.sealed_by().await.unwrap().by(KeyId::FIRST), 6);
}

async fn keys_that_open_no_lasting_value_are_reported(harness: TestHarness) {
    let closed = async |keys: KeyRing| {
        let sealed = harness.another_with(keys).await.sealed_by().await.unwrap();
        sealed.closed().collect::<Vec<_>>()
    };
    let strange = KeyRing::one([9; 32]);
    let session = Stored { id: "a-cookie", data: FLASH, expires: harness.now().plus_ms(1_000), owner: None };
    assert!(harness.engine.create_session(session).await.unwrap());
    assert_eq!(closed(strange.clone()).await, [], "a session that does not open ends, and nothing is lost");
    harness.endpoint().await;
    assert_eq!(closed(strange).await, [KeyId::FIRST], "another key of the same name");
    assert_eq!(closed(both().without(&[KeyId::FIRST])).await, [KeyId::FIRST], "a key that is missing");
    assert_eq!(closed(both()).await, []);
    harness.execute("UPDATE endpoints SET secret_sealed = auth_token_sealed").await.unwrap();
    assert_eq!(closed(first()).await, [], "values that were moved do not count against the key");
}

async fn every_sealed_column_is_listed(harness: TestHarness) {
    full(&harness).await;
    let listed: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
    let mut found = 0;
    for name in harness.columns().await {
        let (table, column) = name.split_once('.').unwrap();
        assert_eq!(column.ends_with("_sealed"), listed.contains(&name.as_str()), "{name}");
        let sealed = harness.texts(format!("SELECT {column} FROM {table} WHERE {column} LIKE '%k1.%'")).await;
        assert!(sealed.is_empty() || listed.contains(&name.as_str()), "{name} holds {sealed:?}");
        found += usize::from(!sealed.is_empty());
    }
    assert_eq!(found, listed.len(), "the test covers each column");
}

async fn a_database_without_its_key_reveals_nothing(harness: TestHarness) {
    let (_, secrets) = full(&harness).await;
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    let known = ["my-token", NEXT, HEADER, "typed-and-kept", "what-the-cookie-holds", "correct horse battery"];
    let known: Vec<&str> =
        known.into_iter().chain(secrets.iter().map(|secret| secret.trim_start_matches("whsec_"))).collect();
    for name in harness.columns().await {
        let (table, column) = name.split_once('.').unwrap();
        for value in harness.texts(format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL")).await {
            let secret = known.iter().find(|secret| value.contains(**secret));
            assert_eq!(secret, None, "{name}: {value}");
        }
    }
    harness.raw_file_is_free_of(&known);
}

async fn a_rotation_starts_even_while_the_credential_is_resealed(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    let turning = harness.another_with(both()).await;
    assert_eq!(turning.reseal(|_| {}).await.unwrap().resealed, 3);
    turning.rotate(&harness.admin, &endpoint.id, &RotationStep::PrepareToken(Some(NEXT.into()))).await.unwrap();
    turning.rotate(&harness.admin, &endpoint.id, &RotationStep::RotateSecret(60)).await.unwrap();
    assert_eq!(turning.sealed_by().await.unwrap().by(KeyId::FIRST), 0);
}

/// Of 1.4 MB each, 500 would be read at once each time that the server starts.
async fn files_are_counted_without_being_read(harness: TestHarness) {
    crate::imports::kept(&harness).await;
    for column in COLUMNS.iter().filter(|column| column.name.starts_with("record_import_")) {
        assert!(column.is_large() && !column.is_durable(), "{}", column.name);
        let db = &harness.engine.context().db;
        let (first, whole) = (sealed::beginnings(db, column, "", 1), sealed::page(db, column, "", 10));
        let (mut first, whole) = (first.await.unwrap(), whole.await.unwrap());
        first.extend(sealed::beginnings(db, column, &first[0].place, 10).await.unwrap());
        assert_eq!(first.len(), whole.len(), "{}", column.name);
        for (beginning, whole) in first.iter().zip(whole) {
            assert_eq!((&beginning.place, KeyId::of(&beginning.text)), (&whole.place, Some(KeyId::FIRST)));
            assert!(beginning.text.len() <= 16 && whole.text.starts_with(&beginning.text));
        }
    }
    assert_eq!(harness.engine.sealed_by().await.unwrap().by(KeyId::FIRST), 3);
}
