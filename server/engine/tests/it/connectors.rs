//! Connectors: who manages them, what they report, when they are down, and what is kept of them.

use domain::{
    Error, UnixMs,
    account::StaffRole,
    actor::{Actor, Who},
    audit::{Audit, AuditAction, AuditFilter},
    connector::{
        CONNECTORS_MAX, ConnectorDoors, ConnectorForm, ConnectorStatus, ConnectorWithSecret, Connectors, DOWN_MS,
        GAPS_MAX, Gap, GapReason, OPEN_CALLS_KEPT_MS, OPEN_CALLS_MAX_BYTES, REQUEST_KEPT_BYTES, REQUESTS_KEPT,
        REQUESTS_KEPT_MS, RawRequest, StateReport, Way,
    },
    id::TokenId,
    role::Role,
    time::MINUTE_MS,
    token::Scope,
};
use engine::background::Worker as _;

use crate::{
    harness::{TestHarness, on_both},
    support::{inside, staff},
};

on_both! { admins_manage_connectors_and_developers_see_them an_edit_states_the_version_it_started_from a_secret_opens_its_connector_until_it_is_rotated open_pages_hear_of_what_a_connector_reports a_paused_connector_does_not_open an_account_has_at_most_fifty_connectors a_connector_that_loses_its_phone_system_is_recorded_and_its_admins_get_an_email_once operators_get_emails_about_platform_connectors a_later_report_of_a_gap_replaces_it_and_the_latest_are_kept requests_are_sealed_and_kept_for_an_hour open_calls_survive_a_restart a_deleted_connector_leaves_nothing only_operators_let_the_server_dial support_sees_no_mapping_and_no_requests }

pub(crate) fn form(system: &str, way: &str) -> ConnectorForm {
    ConnectorForm {
        name: "pbx-1".into(),
        system: system.into(),
        way: way.into(),
        country: "GB".into(),
        trunks: "PJSIP/provider".into(),
        ..ConnectorForm::default()
    }
}

pub(crate) async fn create(harness: &TestHarness, actor: &Actor, system: &str, way: &str) -> ConnectorWithSecret {
    harness.engine.create_connector(actor, &form(system, way).input().unwrap()).await.unwrap()
}

/// The admin in another role.
fn as_role(admin: &Actor, as_role: Role) -> Actor {
    let mut actor = admin.clone();
    if let Who::Member { role, .. } = &mut actor.who {
        *role = as_role;
    }
    actor
}

pub(crate) fn platform_token(harness: &TestHarness) -> Actor {
    let (at, entropy) = harness.engine.context().ids.next();
    let token = TokenId::new(at, entropy);
    Actor::new(Who::Token { token, name: "pbx".into(), account: None, scopes: Scope::ALL.to_vec() })
}

pub(crate) fn connected() -> StateReport {
    StateReport { connected: true, calls_open: 3, seen: vec!["PJSIP/provider".into()], ..StateReport::default() }
}

async fn actions(harness: &TestHarness) -> Vec<AuditAction> {
    let filter = AuditFilter::parse("?area=connector");
    harness.engine.audit(&harness.admin, &filter).await.unwrap().rows.iter().map(|record| record.action).collect()
}

async fn admins_manage_connectors_and_developers_see_them(harness: TestHarness) {
    let created = create(&harness, &harness.admin, "asterisk", "").await;
    let id = &created.connector.id;
    assert_eq!((created.connector.way, created.connector.identity.as_str()), (Way::Beside, id.as_str()));
    assert!(created.secret.ends_with(&created.connector.secret_hint) && created.secret.len() > 40);
    let developer = as_role(&harness.admin, Role::Developer);
    assert_eq!(harness.engine.connectors(&developer).await.unwrap(), std::slice::from_ref(&created.connector));
    let input = form("asterisk", "").input().unwrap();
    for (actor, may_read) in [(developer, true), (as_role(&harness.admin, Role::Viewer), false)] {
        assert_eq!(harness.engine.connector(&actor, id).await.is_ok(), may_read);
        for refused in [
            harness.engine.create_connector(&actor, &input).await.map(drop),
            harness.engine.update_connector(&actor, id, &input, None).await.map(drop),
            harness.engine.pause_connector(&actor, id).await.map(drop),
            harness.engine.rotate_connector_secret(&actor, id).await.map(drop),
            harness.engine.report_state(&actor, id, &connected()).await.map(drop),
            harness.engine.delete_connector(&actor, id).await,
            harness.engine.raw_requests(&actor, id).await.map(drop),
        ] {
            assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
        }
    }
    let (other, _) = harness.newcomer("Beta").await;
    for stranger in [other, platform_token(&harness), Actor::COMMAND_LINE] {
        let refused = harness.engine.connector(&stranger, id).await;
        assert_eq!(refused, Err(Error::NotFound("Connector".into())));
    }
    assert_eq!(harness.engine.connector_log(&harness.admin, id).await.unwrap().len(), 1);
    assert_eq!(actions(&harness).await, [AuditAction::ConnectorCreated]);
}

async fn open_pages_hear_of_what_a_connector_reports(harness: TestHarness) {
    let own = create(&harness, &harness.admin, "twilio", "").await;
    let mut changes = harness.engine.changes();
    harness.engine.report_state(&harness.admin, &own.connector.id, &connected()).await.unwrap();
    let account = harness.admin.account().unwrap().clone();
    assert_eq!(changes.recv().await.unwrap(), account);
    let gap =
        Gap { from: harness.now(), to: None, reason: GapReason::Other, calls_closed: 0, filled: 0, incomplete: 0 };
    harness.engine.report_gap(&harness.admin, &own.connector.id, &gap).await.unwrap();
    assert_eq!(changes.recv().await.unwrap(), account);
    let open = harness.engine.open_connector(own.connector.id.as_str(), &own.secret).await.unwrap();
    harness.engine.keep_request(&open, &request(1, "")).await.unwrap();
    assert_eq!(changes.recv().await.unwrap(), account);
}

async fn an_edit_states_the_version_it_started_from(harness: TestHarness) {
    let id = create(&harness, &harness.admin, "yeastar", "").await.connector.id;
    let change = ConnectorForm { name: "pbx-2".into(), mapping: r#"{"when":[]}"#.into(), ..form("asterisk", "ari") };
    let changed =
        harness.engine.update_connector(&harness.admin, &id, &change.input().unwrap(), Some(1)).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.version, changed.way), ("pbx-2", 2, Way::Http), "its way stays");
    assert_eq!(changed.mapping.as_deref(), Some(r#"{"when":[]}"#));
    let late = harness.engine.update_connector(&harness.admin, &id, &change.input().unwrap(), Some(1)).await;
    assert!(matches!(late, Err(Error::Conflict { .. })));
    let log = harness.engine.connector_log(&harness.admin, &id).await.unwrap();
    let what: Vec<_> = log[0].changes.iter().map(|change| change.what.as_str()).collect();
    assert_eq!(what, ["name", "mapping"]);
}

async fn a_secret_opens_its_connector_until_it_is_rotated(harness: TestHarness) {
    let first = create(&harness, &harness.admin, "asterisk", "ari").await;
    let id = &first.connector.id;
    let open = harness.engine.open_connector(id.as_str(), &first.secret).await.unwrap();
    assert_eq!(open.actor.account().unwrap(), harness.admin.account().unwrap());
    assert_eq!(open.actor.name(), "connector pbx-1");
    let beside = create(&harness, &harness.admin, "asterisk", "beside").await;
    for (id, secret) in [
        (id.as_str(), "wrong"),
        (id.as_str(), ""),
        (beside.connector.id.as_str(), beside.secret.as_str()),
        (beside.connector.id.as_str(), first.secret.as_str()),
        ("con_00000000000000000000000000", first.secret.as_str()),
        ("x", ""),
    ] {
        let refused = harness.engine.open_connector(id, secret).await;
        assert_eq!(refused, Err(Error::NotFound("Connector".into())), "{id} {secret}");
    }
    let second = harness.engine.rotate_connector_secret(&harness.admin, id).await.unwrap();
    assert!(harness.engine.open_connector(id.as_str(), &first.secret).await.is_err());
    assert!(harness.engine.open_connector(id.as_str(), &second.secret).await.is_ok());
    let stored = harness.texts("SELECT secret_hash FROM connectors WHERE secret_hash IS NOT NULL".into()).await;
    assert!(stored.len() == 1 && !stored[0].contains(&second.secret), "only a hash of what is sent to us");
}

async fn a_paused_connector_does_not_open(harness: TestHarness) {
    let ConnectorWithSecret { connector, secret } = create(&harness, &harness.admin, "sipgate", "").await;
    let id = &connector.id;
    for _ in 0..2 {
        let paused = harness.engine.pause_connector(&harness.admin, id).await.unwrap();
        assert_eq!(paused.status(harness.now()), ConnectorStatus::Paused);
    }
    let refused = harness.engine.open_connector(id.as_str(), &secret).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })));
    harness.engine.resume_connector(&harness.admin, id).await.unwrap();
    assert!(harness.engine.open_connector(id.as_str(), &secret).await.is_ok());
    let expected = [AuditAction::ConnectorResumed, AuditAction::ConnectorPaused, AuditAction::ConnectorCreated];
    assert_eq!(actions(&harness).await, expected, "once each");
}

async fn an_account_has_at_most_fifty_connectors(harness: TestHarness) {
    let mut last = None;
    for _ in 0..CONNECTORS_MAX {
        last = Some(create(&harness, &harness.admin, "twilio", "").await.connector.id);
    }
    let input = form("twilio", "").input().unwrap();
    let refused = harness.engine.create_connector(&harness.admin, &input).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })));
    harness.engine.delete_connector(&harness.admin, &last.unwrap()).await.unwrap();
    assert!(harness.engine.create_connector(&harness.admin, &input).await.is_ok());
}

async fn a_connector_that_loses_its_phone_system_is_recorded_and_its_admins_get_an_email_once(harness: TestHarness) {
    let id = create(&harness, &harness.admin, "asterisk", "").await.connector.id;
    let watch = async || {
        harness.engine.background().connector_watch.tick().await.unwrap();
        harness.run().await;
    };
    harness.clock.step_ms(10 * DOWN_MS);
    watch().await;
    assert_eq!(actions(&harness).await.len(), 1, "one that never connected is not down");
    let report = harness.engine.report_state(&harness.admin, &id, &connected()).await.unwrap();
    assert_eq!((report.status(harness.now()), report.state.calls_open), (ConnectorStatus::Connected, 3));
    let emails = harness.emails().await.len();
    harness.clock.step_ms(DOWN_MS - 1);
    watch().await;
    assert_eq!(actions(&harness).await.len(), 1);
    harness.clock.step_ms(1);
    watch().await;
    watch().await;
    let down = harness.engine.connector(&harness.admin, &id).await.unwrap();
    assert_eq!((down.status(harness.now()), down.state.connected_since), (ConnectorStatus::Down, None));
    assert_eq!(actions(&harness).await[0], AuditAction::ConnectorDown);
    let sent = harness.emails().await;
    assert_eq!(sent.len(), emails + 1, "once");
    let email = sent.last().unwrap();
    assert!(email.subject.contains("pbx-1") && email.subject.ends_with("is down"), "{}", email.subject);
    assert!(email.text.contains(&format!("/connectors/{id}")) && email.text.contains("5 min ago"), "{}", email.text);
    harness.engine.report_state(&harness.admin, &id, &connected()).await.unwrap();
    let expected = [AuditAction::ConnectorUp, AuditAction::ConnectorDown, AuditAction::ConnectorCreated];
    assert_eq!(actions(&harness).await, expected);
    harness.engine.pause_connector(&harness.admin, &id).await.unwrap();
    harness.clock.step_ms(DOWN_MS);
    watch().await;
    harness.engine.resume_connector(&harness.admin, &id).await.unwrap();
    watch().await;
    assert_eq!(actions(&harness).await.len(), 5, "a pause is no outage");
}

async fn operators_get_emails_about_platform_connectors(harness: TestHarness) {
    let olga = staff(&harness, "olga", StaffRole::Operator).await;
    let id = create(&harness, &olga, "asterisk", "").await.connector.id;
    harness.engine.report_state(&platform_token(&harness), &id, &connected()).await.unwrap();
    harness.clock.step_ms(DOWN_MS);
    harness.engine.background().connector_watch.tick().await.unwrap();
    harness.run().await;
    let emails = harness.emails().await;
    let about: Vec<_> = emails.iter().filter(|email| email.subject.ends_with("is down")).collect();
    assert_eq!(about.iter().map(|email| email.to.as_str()).collect::<Vec<_>>(), ["olga@provider.example"]);
    assert!(about[0].text.contains(&format!("/ops/connectors/{id}")), "{}", about[0].text);
    let records = harness.engine.ops_audit(&olga, &AuditFilter::parse("?area=connector")).await.unwrap().rows;
    assert_eq!(records[0].action, AuditAction::ConnectorDown);
}

async fn a_later_report_of_a_gap_replaces_it_and_the_latest_are_kept(harness: TestHarness) {
    let id = create(&harness, &harness.admin, "asterisk", "").await.connector.id;
    let gap = |minutes_ago: i64| Gap {
        from: harness.now().plus_ms(-minutes_ago * MINUTE_MS),
        to: None,
        reason: GapReason::ConnectionLost,
        calls_closed: 0,
        filled: 0,
        incomplete: 0,
    };
    assert!(harness.engine.report_gap(&harness.admin, &id, &gap(5)).await.unwrap());
    let ended = Gap { to: Some(harness.now()), calls_closed: 2, filled: 1, incomplete: 1, ..gap(5) };
    assert!(!harness.engine.report_gap(&harness.admin, &id, &ended).await.unwrap(), "the same gap");
    let shown = harness.engine.gaps(&harness.admin, &id, None, 0).await.unwrap().rows;
    assert_eq!(shown, std::slice::from_ref(&ended));
    let backwards = Gap { to: Some(ended.from.plus_ms(-1)), ..ended };
    assert!(matches!(harness.engine.report_gap(&harness.admin, &id, &backwards).await, Err(Error::Invalid(_))));
    for minutes_ago in 6..i64::from(GAPS_MAX) + 10 {
        harness.engine.report_gap(&harness.admin, &id, &gap(minutes_ago)).await.unwrap();
    }
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = harness.engine.gaps(&harness.admin, &id, cursor.as_deref(), 200).await.unwrap();
        seen.extend(page.rows);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((seen.len(), &seen[0].from), (GAPS_MAX as usize, &gap(5).from));
    assert!(seen.windows(2).all(|pair| pair[0].from > pair[1].from), "newest first");
}

pub(crate) fn request(n: usize, body: &str) -> RawRequest {
    RawRequest {
        received_at: UnixMs(0),
        method: "POST".into(),
        query: format!("n={n}"),
        content_type: "application/json".into(),
        body: body.into(),
    }
}

async fn requests_are_sealed_and_kept_for_an_hour(harness: TestHarness) {
    let ConnectorWithSecret { connector, secret } = create(&harness, &harness.admin, "3cx", "").await;
    let open = harness.engine.open_connector(connector.id.as_str(), &secret).await.unwrap();
    for n in 0..REQUESTS_KEPT as usize + 5 {
        harness.engine.keep_request(&open, &request(n, "{\"from\":\"01632960001\"}")).await.unwrap();
    }
    let kept = harness.engine.raw_requests(&harness.admin, &connector.id).await.unwrap();
    assert_eq!((kept.len(), kept[0].query.as_str(), kept[0].received_at), (20, "n=24", harness.now()));
    harness.engine.keep_request(&open, &request(99, &"é\0".repeat(REQUEST_KEPT_BYTES))).await.unwrap();
    let kept = harness.engine.raw_requests(&harness.admin, &connector.id).await.unwrap();
    assert!(kept[0].body.starts_with("é\u{fffd}") && kept[0].body.len() <= 2 * REQUEST_KEPT_BYTES);
    let stored = harness.texts("SELECT request_sealed FROM connector_requests".into()).await;
    assert!(stored.len() == 20 && stored.iter().all(|text| !text.contains("01632960001")));
    let state = harness.engine.connector(&harness.admin, &connector.id).await.unwrap();
    assert_eq!(state.status(harness.now()), ConnectorStatus::Connected, "it has had a request");
    harness.clock.step_ms(REQUESTS_KEPT_MS + 1);
    assert_eq!(harness.engine.raw_requests(&harness.admin, &connector.id).await.unwrap(), []);
    harness.engine.background().connector_watch.tick().await.unwrap();
    assert_eq!(harness.texts("SELECT id FROM connector_requests".into()).await, [""; 0]);
}

async fn open_calls_survive_a_restart(harness: TestHarness) {
    let ConnectorWithSecret { connector, secret } = create(&harness, &harness.admin, "asterisk", "ari").await;
    let open = harness.engine.open_connector(connector.id.as_str(), &secret).await.unwrap();
    assert_eq!(harness.engine.open_calls(&open).await.unwrap(), None);
    for snapshot in [&b"\0\xffone"[..], b"two"] {
        harness.engine.change_open_calls(&open, &mut |_| Some(snapshot.to_vec())).await.unwrap();
        assert_eq!(harness.another().await.open_calls(&open).await.unwrap().as_deref(), Some(snapshot));
    }
    let other = harness.another().await;
    let add = |calls: Option<&[u8]>| Some([calls.unwrap_or_default(), b"+"].concat());
    let (mut here, mut there) = (add, add);
    let (one, another) =
        tokio::join!(harness.engine.change_open_calls(&open, &mut here), other.change_open_calls(&open, &mut there));
    assert_eq!((one, another), (Ok(()), Ok(())));
    harness.engine.change_open_calls(&open, &mut |_| None).await.unwrap();
    assert_eq!(other.open_calls(&open).await.unwrap().as_deref(), Some(&b"two++"[..]), "neither overwrites the other");
    let watch = &harness.engine.background().connector_watch;
    harness.clock.step_ms(OPEN_CALLS_KEPT_MS);
    watch.tick().await.unwrap();
    assert!(harness.engine.open_calls(&open).await.unwrap().is_some());
    harness.clock.step_ms(1);
    watch.tick().await.unwrap();
    assert_eq!(harness.engine.open_calls(&open).await.unwrap(), None, "nothing was heard of them for a week");
    let large = vec![0; OPEN_CALLS_MAX_BYTES + 1];
    let refused = harness.engine.change_open_calls(&open, &mut |_| Some(large.clone())).await;
    assert!(matches!(refused, Err(Error::TooLarge(_))));
}

async fn a_deleted_connector_leaves_nothing(harness: TestHarness) {
    let ConnectorWithSecret { connector, secret } = create(&harness, &harness.admin, "freeswitch", "http").await;
    let id = &connector.id;
    let open = harness.engine.open_connector(id.as_str(), &secret).await.unwrap();
    harness.engine.keep_request(&open, &request(1, "{}")).await.unwrap();
    harness.engine.change_open_calls(&open, &mut |_| Some(b"calls".to_vec())).await.unwrap();
    let session = harness.engine.begin_session(&open, UnixMs(0)).await.unwrap().unwrap();
    let gap =
        Gap { from: harness.now(), to: None, reason: GapReason::Other, calls_closed: 0, filled: 0, incomplete: 0 };
    harness.engine.report_gap(&harness.admin, id, &gap).await.unwrap();
    harness.engine.delete_connector(&harness.admin, id).await.unwrap();
    assert!(harness.engine.connector(&harness.admin, id).await.is_err());
    assert!(harness.engine.open_connector(id.as_str(), &secret).await.is_err());
    harness.engine.background().connector_watch.tick().await.unwrap();
    for gone in [
        harness.engine.begin_session(&open, UnixMs(0)).await.err(),
        harness.engine.hold_session(&open, session.number, UnixMs(0)).await.err(),
        harness.engine.save_open_calls(&open, session.number, b"calls").await.err(),
    ] {
        assert!(matches!(gone, Some(Error::NotFound(_))), "{gone:?}");
    }
    for (table, key) in [
        ("connectors", "id"),
        ("connector_gaps", "connector_id"),
        ("connector_requests", "connector_id"),
        ("connector_calls", "connector_id"),
        ("connector_sessions", "connector_id"),
    ] {
        assert_eq!(harness.texts(format!("SELECT {key} FROM {table}")).await, [""; 0], "{table}");
    }
    assert_eq!(actions(&harness).await[0], AuditAction::ConnectorDeleted);
}

async fn only_operators_let_the_server_dial(harness: TestHarness) {
    let ami = ConnectorForm { ami_address: "127.0.0.1:5038".into(), ..form("asterisk", "ami") }.input().unwrap();
    let refused = harness.engine.create_connector(&harness.admin, &ami).await;
    assert_eq!(refused.unwrap_err().fields()[0].field, "way");
    let olga = staff(&harness, "olga", StaffRole::Operator).await;
    let created = harness.engine.create_connector(&olga, &ami).await.unwrap();
    let inside = harness.engine.inside_connectors().await.unwrap();
    assert_eq!((inside.len(), inside[0].secret.as_str()), (1, created.secret.as_str()));
    assert!(!format!("{inside:?}").contains(&created.secret));
    let sealed = harness.texts("SELECT secret_sealed FROM connectors".into()).await;
    assert!(!sealed[0].contains(&created.secret));
    let rotated = harness.engine.rotate_connector_secret(&olga, &created.connector.id).await.unwrap();
    assert_eq!(harness.engine.inside_connectors().await.unwrap()[0].secret, rotated.secret);
    let reported = harness.engine.report_state(&inside[0].open.actor, &created.connector.id, &connected()).await;
    assert!(reported.is_ok(), "it reports itself");
    let other = create(&harness, &olga, "asterisk", "").await.connector.id;
    assert!(harness.engine.report_state(&inside[0].open.actor, &other, &connected()).await.is_err());
    harness.engine.pause_connector(&olga, &created.connector.id).await.unwrap();
    assert_eq!(harness.engine.inside_connectors().await.unwrap(), []);
}

async fn support_sees_no_mapping_and_no_requests(harness: TestHarness) {
    let with_mapping = ConnectorForm { mapping: r#"{"map":{"01632960001":"7048"}}"#.into(), ..form("other", "") };
    let created = harness.engine.create_connector(&harness.admin, &with_mapping.input().unwrap()).await.unwrap();
    let (_, support, _) = inside(&harness).await;
    let seen = harness.engine.connectors(&support).await.unwrap();
    assert_eq!((seen.len(), seen[0].mapping.as_deref()), (1, None));
    let id = &created.connector.id;
    assert!(harness.engine.raw_requests(&support, id).await.is_err());
    assert!(harness.engine.gaps(&support, id, None, 0).await.is_ok());
    assert!(harness.engine.delete_connector(&support, id).await.is_err());
}
