//! Sessions with phone systems inside the server: one at a time, on whichever node.

use domain::{
    UnixMs,
    connector::{
        BegunSession, ConnectorDoors, ConnectorWithSecret, LatestSession, OPEN_CALLS_MAX_BYTES, Saving, SessionNumber,
    },
};

use crate::{
    connectors::create,
    harness::{TestHarness, on_both},
};

on_both! { one_session_of_a_connector_at_a_time holding_a_connector_leaves_its_open_calls_alone }

async fn one_session_of_a_connector_at_a_time(harness: TestHarness) {
    let ConnectorWithSecret { connector, secret } = create(&harness, &harness.admin, "asterisk", "ari").await;
    let open = harness.engine.open_connector(connector.id.as_str(), &secret).await.unwrap();
    let (here, there) = (&harness.engine, &harness.another().await);
    assert_eq!(here.latest_session(&open).await.unwrap(), None);
    let until = harness.now().plus_ms(1_000);
    let (one, other) = tokio::join!(here.begin_session(&open, until), there.begin_session(&open, until));
    let first: Vec<_> = [one.unwrap(), other.unwrap()].into_iter().flatten().collect();
    assert_eq!(first, [BegunSession { number: SessionNumber(1), open_calls: None }], "one of two nodes begins");
    let first = first[0].number;
    assert_eq!(here.save_open_calls(&open, first, b"calls").await, Ok(Saving::Done));
    assert_eq!(here.hold_session(&open, first, until.plus_ms(1)).await, Ok(Saving::Done));
    harness.clock.step_ms(1_000);
    assert_eq!(there.begin_session(&open, until).await, Ok(None), "it is held for longer");
    harness.clock.step_ms(1);
    let second = there.begin_session(&open, UnixMs(0)).await.unwrap().unwrap();
    assert_eq!(second, BegunSession { number: SessionNumber(2), open_calls: Some(b"calls".to_vec()) });
    assert_eq!(here.hold_session(&open, first, until).await, Ok(Saving::Superseded));
    assert_eq!(here.save_open_calls(&open, first, b"older").await, Ok(Saving::Superseded));
    assert_eq!(here.open_calls(&open).await.unwrap().as_deref(), Some(&b"calls"[..]));
    let large = vec![0; OPEN_CALLS_MAX_BYTES + 1];
    assert_eq!(there.save_open_calls(&open, second.number, &large).await, Ok(Saving::TooLarge));
    let latest = LatestSession { number: second.number, held_until: UnixMs(0) };
    assert_eq!(here.latest_session(&open).await.unwrap(), Some(latest));
}

async fn holding_a_connector_leaves_its_open_calls_alone(harness: TestHarness) {
    let ConnectorWithSecret { connector, secret } = create(&harness, &harness.admin, "asterisk", "ari").await;
    let open = harness.engine.open_connector(connector.id.as_str(), &secret).await.unwrap();
    let session = harness.engine.begin_session(&open, UnixMs(0)).await.unwrap().unwrap().number;
    harness.execute("ALTER TABLE connector_calls RENAME TO elsewhere").await.unwrap();
    assert_eq!(harness.engine.hold_session(&open, session, UnixMs(7)).await, Ok(Saving::Done));
    let latest = harness.engine.latest_session(&open).await.unwrap();
    assert_eq!(latest, Some(LatestSession { number: session, held_until: UnixMs(7) }));
    assert!(harness.engine.save_open_calls(&open, session, b"calls").await.is_err(), "only saving needs them");
}
