//! Policies set by operators override the environment, at once and after a restart.

use domain::{
    Error,
    account::{AccountSettings, Accounts, LimitsForm, SignUpPolicy},
    audit::{Audit, AuditAction, AuditFilter},
    cause::Cause,
    delivery::Status,
    event::{EventKind, Events},
    ops::{OpsAccounts, Policies, policy::PolicyName},
    time::{DAY_MS, HOUR_MS},
};

use engine::background::Pacing;

use crate::{
    harness::{TestHarness, on_both},
    ops::{acme, operator},
};

on_both! { policies_override_the_environment_at_once an_egress_rule_applies_to_the_next_attempt the_operator_caps_retention }

async fn policies_override_the_environment_at_once(harness: TestHarness) {
    let olga = operator(&harness).await;
    let other = harness.another().await;
    assert_eq!(harness.engine.sign_up_policy(), SignUpPolicy::Open);
    let set = harness.engine.set_policy(&olga, PolicyName::SignUp, Some("invite")).await.unwrap();
    assert_eq!((set.value.as_str(), set.given.as_str()), ("invite", "open"));
    assert_eq!(set.set.map(|(_, by)| by).as_deref(), Some("olga@provider.example"));
    assert_eq!(harness.engine.sign_up_policy(), SignUpPolicy::Invite);
    assert_eq!(other.sign_up_policy(), SignUpPolicy::Open, "another node follows a moment later");
    other.sender().read_policies().await.unwrap();
    assert_eq!(other.sign_up_policy(), SignUpPolicy::Invite);
    let restarted = harness.another().await;
    assert_eq!(restarted.sign_up_policy(), SignUpPolicy::Invite, "it survives a restart");
    harness.engine.set_policy(&olga, PolicyName::SignUp, None).await.unwrap();
    assert_eq!(harness.engine.sign_up_policy(), SignUpPolicy::Open);
    harness.engine.set_policy(&olga, PolicyName::Contact, Some("help@provider.example")).await.unwrap();
    assert_eq!(harness.engine.contact(), "help@provider.example");
    let wrong = harness.engine.set_policy(&olga, PolicyName::EgressAllow, Some("10.0.0.0/40")).await.unwrap_err();
    assert_eq!(wrong.fields()[0].field, "egress_allow");
    let records = harness.engine.ops_audit(&olga, &AuditFilter::parse("?area=installation")).await.unwrap().rows;
    let changed: Vec<_> = records.iter().filter(|record| record.action == AuditAction::PolicyChanged).collect();
    assert_eq!(changed.len(), 3);
    assert_eq!(changed[2].changes[0].before.as_deref(), Some("open"));
}

async fn an_egress_rule_applies_to_the_next_attempt(harness: TestHarness) {
    let olga = operator(&harness).await;
    harness.endpoint().await;
    harness.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(harness.run().await, 1);
    assert_eq!(harness.only_delivery().await.row.status, Status::Delivered);
    harness.engine.set_policy(&olga, PolicyName::EgressAllow, Some("")).await.unwrap();
    harness.accept(EventKind::CallProcessed, 2).await;
    harness.run().await;
    let rows = harness.deliveries().await;
    assert_eq!(rows[1].failure.as_ref().map(|failure| failure.cause), Some(Cause::BlockedAddress));
    harness.engine.set_policy(&olga, PolicyName::EgressAllow, Some("127.0.0.1")).await.unwrap();
    harness.run_after_ms(HOUR_MS).await;
    assert_eq!(harness.deliveries().await[1].status, Status::Delivered);
}

async fn the_operator_caps_retention(harness: TestHarness) {
    let olga = operator(&harness).await;
    harness.endpoint().await;
    let first = harness.accept(EventKind::CallProcessed, 1).await.id;
    harness.run().await;
    harness.clock.step_ms(8 * DAY_MS);
    harness.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    assert!(harness.engine.event(&harness.admin, &first).await.unwrap().payload.is_some());
    let week = LimitsForm { retention_max_days: "7".into(), ..LimitsForm::default() };
    harness.engine.limit_account(&olga, &acme(&harness), week.input().unwrap()).await.unwrap();
    harness.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    assert!(matches!(harness.engine.event(&harness.admin, &first).await, Err(Error::NotFound(_))));
    assert_eq!(harness.engine.account_settings(&harness.admin).await.unwrap().settings, AccountSettings::default());

    harness.engine.limit_account(&olga, &acme(&harness), LimitsForm::default().input().unwrap()).await.unwrap();
    let second = harness.accept(EventKind::CallProcessed, 2).await.id;
    harness.run().await;
    harness.clock.step_ms(3 * DAY_MS);
    harness.engine.set_policy(&olga, PolicyName::RetentionMaxDays, Some("2")).await.unwrap();
    harness.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    assert!(matches!(harness.engine.event(&harness.admin, &second).await, Err(Error::NotFound(_))));
}
