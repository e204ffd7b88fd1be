//! Rotation of the two credentials: nothing is refused on the way, and scheduled steps happen on time.

use domain::{
    Error,
    account::Role,
    actor::Who,
    audit::AuditAction,
    endpoint::{Endpoint, Endpoints},
    event::EventKind,
    id::{DeliveryId, EndpointId},
    rotation::{AllowUnverified, Credential, RotationStep, Rotations, StepOutcome, TokenPhase, UNDO_MS},
    secret::SigningSecret,
    signature,
    time::HOUR_MS,
};
use engine::Engine;

use crate::{
    harness::{TestHarness, on_both},
    receiver::{Received, Reply},
};

on_both! { a_token_is_prepared_proved_switched_undone_and_retired a_failed_test_proves_nothing a_scheduled_switch_takes_effect_on_every_node_on_time_and_is_stored_later two_secrets_overlap_until_the_deadline a_leaked_secret_is_replaced_immediately an_overlap_can_be_extended_once_and_ended_manually a_second_rotation_is_refused a_prepared_token_can_be_discarded a_paused_or_deleted_endpoint_is_not_tested only_permitted_users_rotate rotations_are_recorded_without_their_secrets }

const NEXT: &str = "the-next-token";

fn token(got: &Received) -> String {
    let body: serde_json::Value = serde_json::from_str(&got.body).unwrap();
    body["auth_token"].as_str().unwrap().to_owned()
}

fn signed_by(got: &Received, secret: &str) -> bool {
    let secret = SigningSecret::parse(secret).unwrap();
    let at = got.header("webhook-timestamp").unwrap().parse().unwrap();
    let signature = signature::sign(&secret, &got.header("webhook-id").unwrap(), at, got.body.as_bytes());
    got.header("webhook-signature").unwrap().split(' ').any(|one| one == signature)
}

pub(crate) fn created(outcome: StepOutcome) -> String {
    let StepOutcome::Created(credential) = outcome else { panic!("{outcome:?}") };
    credential
}

fn sent(outcome: StepOutcome) -> DeliveryId {
    let StepOutcome::Sent(test) = outcome else { panic!("{outcome:?}") };
    test
}

/// The request that an ordinary event produces now.
async fn event(harness: &TestHarness, call: u32) -> Received {
    harness.accept(EventKind::CallProcessed, call).await;
    harness.run().await;
    harness.receiver.received().pop().unwrap()
}

async fn prepare(harness: &TestHarness) -> Endpoint {
    let endpoint = harness.endpoint().await;
    let next = created(
        harness
            .engine
            .rotate(&harness.admin, &endpoint.id, &RotationStep::PrepareToken(Some(NEXT.into())))
            .await
            .unwrap(),
    );
    assert_eq!(next, NEXT);
    endpoint
}

async fn log(harness: &TestHarness, id: &EndpointId) -> Vec<AuditAction> {
    let mut actions: Vec<AuditAction> =
        harness.engine.endpoint_log(&harness.admin, id).await.unwrap().iter().map(|record| record.action).collect();
    actions.reverse();
    actions
}

async fn secret(engine: &Engine, harness: &TestHarness, id: &EndpointId) -> String {
    engine.reveal_credentials(&harness.admin, id).await.unwrap().signing_secret
}

async fn a_token_is_prepared_proved_switched_undone_and_retired(harness: TestHarness) {
    let id = prepare(&harness).await.id;
    assert_eq!(token(&event(&harness, 1).await), "my-token");
    let refused =
        harness.engine.rotate(&harness.admin, &id, &RotationStep::SwitchToken(None, AllowUnverified::Refuse)).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })));
    let test =
        sent(harness.engine.rotate(&harness.admin, &id, &RotationStep::Test(Credential::AuthToken)).await.unwrap());
    harness.run().await;
    assert_eq!(token(&event(&harness, 2).await), "my-token");
    assert!(harness.receiver.received().iter().any(|got| token(got) == NEXT), "the test has the next token");
    let running = harness.engine.rotation(&harness.admin, &id).await.unwrap().token.unwrap();
    assert_eq!((running.test, running.proved_at), (Some(test), Some(harness.now())));
    harness
        .engine
        .rotate(&harness.admin, &id, &RotationStep::SwitchToken(None, AllowUnverified::Refuse))
        .await
        .unwrap();
    let view = harness.engine.rotation(&harness.admin, &id).await.unwrap();
    assert!(view.token.unwrap().is_switched());
    assert_eq!(token(&event(&harness, 3).await), NEXT);
    harness.engine.rotate(&harness.admin, &id, &RotationStep::UndoToken).await.unwrap();
    assert_eq!(token(&event(&harness, 4).await), "my-token");
    harness
        .engine
        .rotate(&harness.admin, &id, &RotationStep::SwitchToken(None, AllowUnverified::Refuse))
        .await
        .unwrap();
    let both = harness.engine.reveal_credentials(&harness.admin, &id).await.unwrap();
    assert_eq!((both.auth_token.as_str(), both.other_auth_token.as_deref()), (NEXT, Some("my-token")));
    harness.engine.rotate(&harness.admin, &id, &RotationStep::RetireToken).await.unwrap();
    assert_eq!(token(&event(&harness, 5).await), NEXT);
    let revealed = harness.engine.reveal_credentials(&harness.admin, &id).await.unwrap();
    assert_eq!((revealed.auth_token.as_str(), revealed.other_auth_token), (NEXT, None));
    assert!(harness.engine.rotation(&harness.admin, &id).await.unwrap().token.is_none());
}

async fn a_failed_test_proves_nothing(harness: TestHarness) {
    let id = prepare(&harness).await.id;
    harness.receiver.next([Reply::Status(401)]);
    let test =
        sent(harness.engine.rotate(&harness.admin, &id, &RotationStep::Test(Credential::AuthToken)).await.unwrap());
    harness.run().await;
    let running = harness.engine.rotation(&harness.admin, &id).await.unwrap().token.unwrap();
    assert_eq!((running.test, running.proved_at), (Some(test), None));
    harness.engine.rotate(&harness.admin, &id, &RotationStep::SwitchToken(None, AllowUnverified::Allow)).await.unwrap();
    assert_eq!(token(&event(&harness, 1).await), NEXT);
}

async fn a_scheduled_switch_takes_effect_on_every_node_on_time_and_is_stored_later(harness: TestHarness) {
    let endpoint = prepare(&harness).await;
    let id = endpoint.id.clone();
    let at = harness.now().plus_ms(HOUR_MS);
    harness
        .engine
        .rotate(&harness.admin, &id, &RotationStep::SwitchToken(Some(at), AllowUnverified::Allow))
        .await
        .unwrap();
    harness.clock.step_ms(HOUR_MS - 1);
    assert_eq!(token(&event(&harness, 1).await), "my-token");
    harness.clock.step_ms(1);
    assert_eq!(token(&event(&harness, 2).await), NEXT, "the cached target does not outlive the switch");
    let other = harness.another().await;
    let view = other.rotation(&harness.admin, &id).await.unwrap();
    assert_eq!(view.token.unwrap().phase, TokenPhase::Switched { at, undo_until: at.plus_ms(UNDO_MS) });
    assert!(!log(&harness, &id).await.contains(&AuditAction::TokenSwitched));
    let again = other.background().scheduled_rotation.round().await.unwrap();
    assert_eq!(again, Some(at.plus_ms(UNDO_MS)));
    assert_eq!(log(&harness, &id).await.last(), Some(&AuditAction::TokenSwitched));
    let records = harness.engine.endpoint_log(&harness.admin, &id).await.unwrap();
    assert!(records.iter().all(|record| record.object.as_ref() == Some(&endpoint.name)), "{records:?}");
    harness.clock.step_ms(UNDO_MS);
    assert!(harness.engine.rotation(&harness.admin, &id).await.unwrap().token.is_none());
    assert!(matches!(
        harness.engine.rotate(&harness.admin, &id, &RotationStep::UndoToken).await,
        Err(Error::Conflict { .. })
    ));
    assert_eq!(harness.engine.background().scheduled_rotation.round().await.unwrap(), None);
    assert_eq!(log(&harness, &id).await.last(), Some(&AuditAction::TokenRetired));
    assert_eq!(token(&event(&harness, 3).await), NEXT);
}

async fn two_secrets_overlap_until_the_deadline(harness: TestHarness) {
    let id = harness.endpoint().await.id;
    let old = secret(&harness.engine, &harness, &id).await;
    let new = created(harness.engine.rotate(&harness.admin, &id, &RotationStep::RotateSecret(3_600)).await.unwrap());
    let got = event(&harness, 1).await;
    assert!(signed_by(&got, &old) && signed_by(&got, &new));
    let first = SigningSecret::parse(&new).unwrap();
    let at = got.header("webhook-timestamp").unwrap().parse().unwrap();
    let expected = signature::sign(&first, &got.header("webhook-id").unwrap(), at, got.body.as_bytes());
    assert!(got.header("webhook-signature").unwrap().starts_with(&expected), "the new secret signs first");
    harness.engine.rotate(&harness.admin, &id, &RotationStep::Test(Credential::SigningSecret)).await.unwrap();
    harness.run().await;
    let test = harness.receiver.received().pop().unwrap();
    assert!(signed_by(&test, &new) && !signed_by(&test, &old));
    assert!(harness.engine.rotation(&harness.admin, &id).await.unwrap().secret.unwrap().proved_at.is_some());
    harness.clock.step_ms(HOUR_MS - 1);
    assert!(signed_by(&event(&harness, 2).await, &old));
    harness.clock.step_ms(1);
    let got = event(&harness, 3).await;
    assert!(signed_by(&got, &new) && !signed_by(&got, &old), "the cached target does not outlive the overlap");
    harness.engine.background().scheduled_rotation.round().await.unwrap();
    assert_eq!(log(&harness, &id).await.last(), Some(&AuditAction::SecretRetired));
    assert_eq!(secret(&harness.engine, &harness, &id).await, new);
}

async fn a_leaked_secret_is_replaced_immediately(harness: TestHarness) {
    let id = harness.endpoint().await.id;
    let old = secret(&harness.engine, &harness, &id).await;
    let new = created(harness.engine.rotate(&harness.admin, &id, &RotationStep::RotateSecret(0)).await.unwrap());
    let got = event(&harness, 1).await;
    assert!(signed_by(&got, &new) && !signed_by(&got, &old));
    assert!(harness.engine.rotation(&harness.admin, &id).await.unwrap().secret.is_none());
    let unproven = harness.engine.rotate(&harness.admin, &id, &RotationStep::Test(Credential::SigningSecret)).await;
    assert!(matches!(unproven, Err(Error::Conflict { .. })));
}

async fn an_overlap_can_be_extended_once_and_ended_manually(harness: TestHarness) {
    let id = harness.endpoint().await.id;
    let old = secret(&harness.engine, &harness, &id).await;
    harness.engine.rotate(&harness.admin, &id, &RotationStep::RotateSecret(3_600)).await.unwrap();
    harness.engine.rotate(&harness.admin, &id, &RotationStep::ExtendSecret).await.unwrap();
    assert!(matches!(
        harness.engine.rotate(&harness.admin, &id, &RotationStep::ExtendSecret).await,
        Err(Error::Conflict { .. })
    ));
    harness.clock.step_ms(HOUR_MS + 1);
    assert!(signed_by(&event(&harness, 1).await, &old));
    let unverified =
        harness.engine.rotate(&harness.admin, &id, &RotationStep::RetireSecret(AllowUnverified::Refuse)).await;
    assert!(
        matches!(unverified, Err(Error::Conflict { .. })),
        "nothing has proved that the receiver knows the new one"
    );
    assert!(signed_by(&event(&harness, 3).await, &old));
    harness.engine.rotate(&harness.admin, &id, &RotationStep::RetireSecret(AllowUnverified::Allow)).await.unwrap();
    assert!(!signed_by(&event(&harness, 2).await, &old));
    assert!(matches!(
        harness.engine.rotate(&harness.admin, &id, &RotationStep::RetireSecret(AllowUnverified::Allow)).await,
        Err(Error::Conflict { .. })
    ));
}

async fn a_second_rotation_is_refused(harness: TestHarness) {
    let id = prepare(&harness).await.id;
    harness.engine.rotate(&harness.admin, &id, &RotationStep::RotateSecret(3_600)).await.unwrap();
    let tokens = harness.engine.rotate(&harness.admin, &id, &RotationStep::PrepareToken(None)).await;
    let secrets = harness.engine.rotate(&harness.admin, &id, &RotationStep::RotateSecret(3_600)).await.map(|_| ());
    for refused in [tokens.map(|_| ()), secrets] {
        assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    }
    assert!(matches!(
        harness.engine.rotate(&harness.admin, &id, &RotationStep::RotateSecret(604_801)).await,
        Err(Error::Conflict { .. })
    ));
    let other = harness.endpoint().await.id;
    assert!(matches!(
        harness.engine.rotate(&harness.admin, &other, &RotationStep::RotateSecret(604_801)).await,
        Err(Error::Invalid(_))
    ));
    let same =
        harness.engine.rotate(&harness.admin, &other, &RotationStep::PrepareToken(Some("my-token".into()))).await;
    assert!(matches!(same, Err(Error::Invalid(_))));
}

async fn a_prepared_token_can_be_discarded(harness: TestHarness) {
    let id = prepare(&harness).await.id;
    assert!(matches!(
        harness.engine.rotate(&harness.admin, &id, &RotationStep::RetireToken).await,
        Err(Error::Conflict { .. })
    ));
    harness.engine.rotate(&harness.admin, &id, &RotationStep::CancelToken).await.unwrap();
    assert_eq!(token(&event(&harness, 1).await), "my-token");
    assert!(matches!(
        harness.engine.rotate(&harness.admin, &id, &RotationStep::CancelToken).await,
        Err(Error::Conflict { .. })
    ));
    let random = created(harness.engine.rotate(&harness.admin, &id, &RotationStep::PrepareToken(None)).await.unwrap());
    assert_eq!(random.len(), 30);
}

async fn a_paused_or_deleted_endpoint_is_not_tested(harness: TestHarness) {
    let id = prepare(&harness).await.id;
    harness.pause(&id).await;
    let paused = harness.engine.rotate(&harness.admin, &id, &RotationStep::Test(Credential::AuthToken)).await;
    assert!(matches!(paused, Err(Error::Conflict { .. })));
    harness.engine.delete_endpoint(&harness.admin, &id).await.unwrap();
    let deleted =
        harness.engine.rotate(&harness.admin, &id, &RotationStep::SwitchToken(None, AllowUnverified::Allow)).await;
    assert!(matches!(deleted, Err(Error::Conflict { .. })));
    assert!(harness.engine.rotation(&harness.admin, &id).await.unwrap().token.is_none());
}

async fn only_permitted_users_rotate(harness: TestHarness) {
    let id = harness.endpoint().await.id;
    let mut developer = harness.admin.clone();
    let Who::Member { role, .. } = &mut developer.who else { panic!("the admin is a member") };
    *role = Role::Developer;
    assert!(matches!(
        harness.engine.rotate(&developer, &id, &RotationStep::PrepareToken(None)).await,
        Err(Error::Forbidden(_))
    ));
    assert!(matches!(
        harness.engine.rotate(&developer, &id, &RotationStep::RotateSecret(0)).await,
        Err(Error::Forbidden(_))
    ));
    assert!(harness.engine.rotation(&developer, &id).await.is_ok());
    let Who::Member { developers_rotate, .. } = &mut developer.who else { panic!("a person") };
    *developers_rotate = true;
    assert!(harness.engine.rotate(&developer, &id, &RotationStep::PrepareToken(None)).await.is_ok());
    let (stranger, _) = harness.newcomer("Other").await;
    assert!(matches!(harness.engine.rotation(&stranger, &id).await, Err(Error::NotFound(_))));
    assert!(matches!(harness.engine.rotate(&stranger, &id, &RotationStep::CancelToken).await, Err(Error::NotFound(_))));
    assert!(matches!(
        harness.engine.rotate(&stranger, &id, &RotationStep::RotateSecret(0)).await,
        Err(Error::NotFound(_))
    ));
}

async fn rotations_are_recorded_without_their_secrets(harness: TestHarness) {
    let id = prepare(&harness).await.id;
    harness.engine.rotate(&harness.admin, &id, &RotationStep::SwitchToken(None, AllowUnverified::Allow)).await.unwrap();
    harness.engine.rotate(&harness.admin, &id, &RotationStep::UndoToken).await.unwrap();
    harness.engine.rotate(&harness.admin, &id, &RotationStep::CancelToken).await.unwrap();
    let new = created(harness.engine.rotate(&harness.admin, &id, &RotationStep::RotateSecret(60)).await.unwrap());
    harness.engine.rotate(&harness.admin, &id, &RotationStep::RetireSecret(AllowUnverified::Allow)).await.unwrap();
    let actions = [
        AuditAction::EndpointCreated,
        AuditAction::TokenPrepared,
        AuditAction::TokenSwitched,
        AuditAction::TokenUndone,
        AuditAction::TokenDropped,
        AuditAction::SecretRotated,
        AuditAction::SecretRetired,
    ];
    assert_eq!(log(&harness, &id).await, actions);
    let records = harness.engine.endpoint_log(&harness.admin, &id).await.unwrap();
    let json = serde_json::to_string(&records).unwrap();
    assert!(!json.contains(NEXT) && !json.contains(&new[6..]));
}
