//! The audit log records every action and is append-only.

use domain::{
    audit::{Audit, AuditAction, AuditFilter},
    delivery::Deliveries,
    endpoint::{EndpointInput, Endpoints},
    event::EventKind,
};

use crate::harness::{TestHarness, on_both};

on_both! { every_action_is_recorded_with_its_actor_origin_and_changes revealing_credentials_is_recorded_without_the_credentials records_can_be_paged_and_filtered verification_detects_a_changed_or_removed_record records_cannot_be_changed_by_accident admins_read_the_log_of_their_own_account_only the_hash_chain_survives_concurrent_writers chains_from_before_the_column_was_renamed_still_verify }

/// A chain as it was written before migration 18, with the hashes of that time.
const OLD_RECORDS: [&str; 3] = [
    "INSERT INTO audit_log (account_id, position, id, at_ms, who_id, who, address, deed, object_id, object, changes, hash) \
     VALUES ('acct_old', 1, 'aud_01', 1790000000000, 'usr_1', 'ana@acme.example', '203.0.113.9', 'endpoint.created', \
     'ep_1', 'Billing', '[{\"what\":\"URL\",\"before\":null,\"after\":\"https://acme.example/hook\"}]', \
     'bf8af5cfab66a7e8fdbe93f50c634d8168aec975937d1d9f814d62617a0e9a8d')",
    "INSERT INTO audit_log (account_id, position, id, at_ms, who_id, who, address, deed, object_id, object, changes, hash) \
     VALUES ('acct_old', 2, 'aud_02', 1790000001000, NULL, NULL, NULL, 'endpoint.paused_gone', 'ep_1', 'Billing', '[]', \
     'beb2772bfb1b5d11017ec7b417f2a319350c0384ff48cb8459a8a8d4ff0d54c1')",
    "INSERT INTO audit_heads (account_id, position, hash) VALUES ('acct_old', 2, \
     'beb2772bfb1b5d11017ec7b417f2a319350c0384ff48cb8459a8a8d4ff0d54c1')",
];

async fn records(harness: &TestHarness, query: &str) -> Vec<domain::audit::AuditRecord> {
    harness.engine.audit(&harness.admin, &AuditFilter::parse(query)).await.unwrap().rows
}

async fn every_action_is_recorded_with_its_actor_origin_and_changes(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    let ana = harness.admin.clone().at("203.0.113.9");
    let before = harness.engine.endpoint(&ana, &endpoint.id).await.unwrap().endpoint;
    let mut form = EndpointInput::of(&before);
    form.name = "Billing".into();
    harness.engine.update_endpoint(&ana, &endpoint.id, &form, Some(before.version)).await.unwrap();
    let all = records(&harness, "").await;
    let actions: Vec<_> = all.iter().map(|record| record.action).collect();
    assert_eq!(
        actions,
        [
            AuditAction::EndpointChanged,
            AuditAction::EndpointCreated,
            AuditAction::ApiTokenCreated,
            AuditAction::AccountCreated
        ]
    );
    let changed = &all[0];
    assert_eq!((changed.who.as_deref(), changed.address.as_deref()), (Some("ana@acme.example"), Some("203.0.113.9")));
    assert_eq!(
        (changed.object_id.as_deref(), changed.object.as_deref()),
        (Some(endpoint.id.as_str()), Some("Billing"))
    );
    let [change] = changed.changes.as_slice() else { panic!("one thing changed: {:?}", changed.changes) };
    assert_eq!((change.what.as_str(), change.after.as_deref()), ("name", Some("Billing")));
    assert_eq!(change.before.as_deref(), Some(&*endpoint.name));
}

async fn revealing_credentials_is_recorded_without_the_credentials(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    let shown = harness.engine.reveal_credentials(&harness.admin, &endpoint.id).await.unwrap();
    let all = records(&harness, "?area=credentials").await;
    assert_eq!(all.iter().map(|record| record.action).collect::<Vec<_>>(), [AuditAction::CredentialsRevealed]);
    let text = format!("{:?}", records(&harness, "").await);
    assert!(!text.contains(&shown.auth_token) && !text.contains(&shown.signing_secret));
}

async fn records_can_be_paged_and_filtered(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    for _ in 0..3 {
        harness.pause(&endpoint.id).await;
        harness.resume(&endpoint.id).await;
    }
    let mut filter = AuditFilter::parse("?area=endpoint&limit=3");
    let first = harness.engine.audit(&harness.admin, &filter).await.unwrap();
    filter.cursor.clone_from(&first.next);
    let second = harness.engine.audit(&harness.admin, &filter).await.unwrap();
    filter.cursor.clone_from(&second.next);
    let third = harness.engine.audit(&harness.admin, &filter).await.unwrap();
    let sizes = [first.rows.len(), second.rows.len(), third.rows.len()];
    assert_eq!((sizes, third.next), ([3, 3, 1], None));
    assert_eq!(records(&harness, "?who=ana%40acme.example&area=endpoint").await.len(), 7);
    assert_eq!(records(&harness, "?object=ep_nobody").await.len(), 0);
    let until = domain::time::iso_utc(harness.now().plus_ms(1_000));
    assert_eq!(records(&harness, &format!("?area=endpoint&from={until}")).await.len(), 0);
}

async fn verification_detects_a_changed_or_removed_record(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.pause(&endpoint.id).await;
    harness.resume(&endpoint.id).await;
    let whole = harness.engine.verify_audit().await.unwrap();
    assert_eq!((whole.broken.len(), whole.records), (0, 5));
    harness.tamper("UPDATE audit_log SET who = 'bob@acme.example' WHERE position = 4").await;
    let account = harness.admin.account().unwrap().to_string();
    let changed = harness.engine.verify_audit().await.unwrap().broken;
    assert_eq!(changed.iter().map(|b| (b.account.clone(), b.position)).collect::<Vec<_>>(), [(account.clone(), 4)]);
    harness.tamper("UPDATE audit_log SET who = 'ana@acme.example' WHERE position = 4").await;
    assert_eq!(harness.engine.verify_audit().await.unwrap().broken, []);
    harness.tamper("DELETE FROM audit_log WHERE position = 5").await;
    assert_eq!(harness.engine.verify_audit().await.unwrap().broken[0].position, 5, "a truncated log is detected too");
}

async fn records_cannot_be_changed_by_accident(harness: TestHarness) {
    for statement in ["UPDATE audit_log SET who = 'bob'", "DELETE FROM audit_log"] {
        let error = harness.execute(statement).await.unwrap_err().to_string();
        assert!(error.contains("append-only"), "{error}");
    }
}

async fn admins_read_the_log_of_their_own_account_only(harness: TestHarness) {
    harness.endpoint().await;
    let (stranger, _) = harness.newcomer("Beta").await;
    let theirs = harness.engine.audit(&stranger, &AuditFilter::default()).await.unwrap().rows;
    assert!(theirs.iter().all(|record| record.who.as_deref() == Some("ana@beta.example")), "{theirs:?}");
    let mut viewer = harness.admin.clone();
    if let domain::actor::Who::Member { role, .. } = &mut viewer.who {
        *role = domain::account::Role::Developer;
    }
    let refused = harness.engine.audit(&viewer, &AuditFilter::default()).await.unwrap_err();
    assert_eq!(refused.to_string(), "This needs the role admin.");
}

async fn the_hash_chain_survives_concurrent_writers(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    for call in 0..8 {
        harness.accept(EventKind::CallProcessed, call).await;
    }
    harness.run().await;
    let ids: Vec<_> = harness.deliveries().await.into_iter().map(|row| row.id).collect();
    let resends = ids.iter().map(|id| harness.engine.resend(&harness.admin, id));
    let reveals = (0..8).map(|_| harness.engine.reveal_credentials(&harness.admin, &endpoint.id));
    let (resent, revealed) = tokio::join!(futures::future::join_all(resends), futures::future::join_all(reveals));
    assert!(resent.iter().all(Result::is_ok) && revealed.iter().all(Result::is_ok), "{resent:?} {revealed:?}");
    let verdict = harness.engine.verify_audit().await.unwrap();
    assert_eq!((verdict.broken, verdict.records), (vec![], 3 + 16));
}

async fn chains_from_before_the_column_was_renamed_still_verify(harness: TestHarness) {
    harness.endpoint().await;
    harness.execute("ALTER TABLE audit_log RENAME COLUMN action TO deed").await.unwrap();
    harness.execute("DELETE FROM _sqlx_migrations WHERE version = 18").await.unwrap();
    for written in OLD_RECORDS {
        harness.execute(written).await.unwrap();
    }
    let later = harness.another().await;
    let verdict = later.verify_audit().await.unwrap();
    assert_eq!((verdict.broken, verdict.records), (vec![], 3 + 2));
    let all = later.audit(&harness.admin, &AuditFilter::parse("?area=endpoint")).await.unwrap().rows;
    assert_eq!(all.iter().map(|record| record.action).collect::<Vec<_>>(), [AuditAction::EndpointCreated]);
    harness
        .tamper("UPDATE audit_log SET action = 'endpoint.deleted' WHERE account_id = 'acct_old' AND position = 2")
        .await;
    assert_eq!(later.verify_audit().await.unwrap().broken[0].position, 2, "the action is hashed");
}
