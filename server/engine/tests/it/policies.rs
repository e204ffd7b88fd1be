//! Policies: what operators decide goes before the environment, at once and after a restart.

use domain::{
    Error,
    account::{AccountSettings, Accounts},
    audit::{Audit, AuditFilter, Deed},
    cause::Cause,
    delivery::Status,
    event::{EventKind, Events},
    installation::{Installation, Policies, accounts::LimitsForm, policy::PolicyName},
    time::{DAY_MS, HOUR_MS},
};

use engine::background::Pacing;

use crate::{
    bed::{Bed, on_both},
    operate::{acme, operator},
};

on_both! {
    policies_go_before_the_environment_and_hold_at_once
    an_egress_rule_holds_for_the_next_attempt
    retention_is_cut_by_the_operator
}

async fn policies_go_before_the_environment_and_hold_at_once(bed: Bed) {
    let olga = operator(&bed).await;
    let other = bed.another().await;
    assert!(bed.engine.sign_up_open());
    let set = bed.engine.set_policy(&olga, PolicyName::SignUp, Some("invite")).await.unwrap();
    assert_eq!((set.value.as_str(), set.given.as_str()), ("invite", "open"));
    assert_eq!(set.set.map(|(_, by)| by).as_deref(), Some("olga@provider.example"));
    assert!(!bed.engine.sign_up_open());
    assert!(other.sign_up_open(), "another node looks again a moment later");
    other.sender().read_policies().await.unwrap();
    assert!(!other.sign_up_open());
    let restarted = bed.another().await;
    assert!(!restarted.sign_up_open(), "it survives a restart");
    bed.engine.set_policy(&olga, PolicyName::SignUp, None).await.unwrap();
    assert!(bed.engine.sign_up_open());
    bed.engine.set_policy(&olga, PolicyName::Contact, Some("help@provider.example")).await.unwrap();
    assert_eq!(bed.engine.contact(), "help@provider.example");
    let wrong = bed.engine.set_policy(&olga, PolicyName::EgressAllow, Some("10.0.0.0/40")).await.unwrap_err();
    assert_eq!(wrong.fields()[0].field, "egress_allow");
    let records = bed.engine.installation_audit(&olga, &AuditFilter::parse("?area=installation")).await.unwrap().rows;
    let changed: Vec<_> = records.iter().filter(|record| record.deed == Deed::PolicyChanged).collect();
    assert_eq!(changed.len(), 3);
    assert_eq!(changed[2].changes[0].before.as_deref(), Some("open"));
}

async fn an_egress_rule_holds_for_the_next_attempt(bed: Bed) {
    let olga = operator(&bed).await;
    bed.endpoint().await;
    bed.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(bed.run().await, 1);
    assert_eq!(bed.only_delivery().await.row.status, Status::Delivered);
    bed.engine.set_policy(&olga, PolicyName::EgressAllow, Some("")).await.unwrap();
    bed.accept(EventKind::CallProcessed, 2).await;
    bed.run().await;
    let rows = bed.deliveries().await;
    assert_eq!(rows[1].failure.as_ref().map(|failure| failure.cause), Some(Cause::BlockedAddress));
    bed.engine.set_policy(&olga, PolicyName::EgressAllow, Some("127.0.0.1")).await.unwrap();
    bed.run_after_ms(HOUR_MS).await;
    assert_eq!(bed.deliveries().await[1].status, Status::Delivered);
}

async fn retention_is_cut_by_the_operator(bed: Bed) {
    let olga = operator(&bed).await;
    bed.endpoint().await;
    let first = bed.accept(EventKind::CallProcessed, 1).await.id;
    bed.run().await;
    bed.clock.step_ms(8 * DAY_MS);
    bed.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    assert!(bed.engine.event(&bed.admin, &first).await.unwrap().payload.is_some());
    let week = LimitsForm { retention_max_days: "7".into(), ..LimitsForm::default() };
    bed.engine.limit_account(&olga, &acme(&bed), &week).await.unwrap();
    bed.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    assert!(matches!(bed.engine.event(&bed.admin, &first).await, Err(Error::NotFound(_))));
    assert_eq!(bed.engine.account_settings(&bed.admin).await.unwrap().settings, AccountSettings::default());

    bed.engine.limit_account(&olga, &acme(&bed), &LimitsForm::default()).await.unwrap();
    let second = bed.accept(EventKind::CallProcessed, 2).await.id;
    bed.run().await;
    bed.clock.step_ms(3 * DAY_MS);
    bed.engine.set_policy(&olga, PolicyName::RetentionMaxDays, Some("2")).await.unwrap();
    bed.engine.background().retention.round(Pacing::Immediate).await.unwrap();
    assert!(matches!(bed.engine.event(&bed.admin, &second).await, Err(Error::NotFound(_))));
}
