//! A step for all endpoints: each endpoint is handled on its own, and one refusal does not affect the others.

use domain::{
    Error,
    account::Role,
    actor::Who,
    audit::AuditAction,
    endpoint::{Endpoint, Endpoints},
    rotation::{AllowUnverified, Credential, RotationStep, Rotations, StepOutcome, StepResult},
};

use crate::{
    harness::{TestHarness, on_both},
    receiver::Reply,
};

on_both! { all_tokens_are_prepared_proved_switched_undone_and_retired an_endpoint_that_is_already_rotating_is_skipped_with_a_reason unverified_credentials_are_skipped_unless_allowed all_secrets_overlap_are_proved_extended_and_retired a_value_no_endpoint_would_accept_is_refused_up_front only_permitted_users_rotate_and_only_their_own_endpoints }

async fn two(harness: &TestHarness) -> [Endpoint; 2] {
    [
        harness.endpoint_with(|form| form.name = "A".into()).await,
        harness.endpoint_with(|form| form.name = "B".into()).await,
    ]
}

async fn take(harness: &TestHarness, step: RotationStep) -> Vec<StepResult> {
    harness.engine.rotate_all(&harness.admin, &step).await.unwrap()
}

fn done(taken: &[StepResult]) -> usize {
    taken.iter().filter(|one| !matches!(one.outcome, StepOutcome::Skipped(_))).count()
}

fn skipped(taken: &[StepResult]) -> Vec<(&str, &str)> {
    let reason = |one: &StepResult| matches!(&one.outcome, StepOutcome::Skipped(_));
    taken
        .iter()
        .filter(|one| reason(one))
        .map(|one| match &one.outcome {
            StepOutcome::Skipped(why) => (one.name.as_str(), why.as_str()),
            _ => ("", ""),
        })
        .collect()
}

const NOW: RotationStep = RotationStep::SwitchToken(None, AllowUnverified::Refuse);
const TEST: RotationStep = RotationStep::Test(Credential::AuthToken);

async fn all_tokens_are_prepared_proved_switched_undone_and_retired(harness: TestHarness) {
    let endpoints = two(&harness).await;
    let prepared = take(&harness, RotationStep::PrepareToken(None)).await;
    let made: Vec<&StepOutcome> = prepared.iter().map(|one| &one.outcome).collect();
    assert!(matches!(made [..], [StepOutcome::Created(one), StepOutcome::Created(other)] if one != other), "{made:?}");
    assert_eq!(done(&take(&harness, TEST).await), 2);
    harness.run().await;
    assert!(
        harness.engine.rotations(&harness.admin).await.unwrap().iter().all(|view| view
            .token
            .as_ref()
            .unwrap()
            .proved_at
            .is_some())
    );
    assert_eq!(done(&take(&harness, NOW).await), 2);
    assert_eq!(take(&harness, TEST).await, [], "there is nothing left to test");
    assert_eq!(done(&take(&harness, RotationStep::UndoToken).await), 2);
    assert_eq!(done(&take(&harness, NOW).await), 2, "verified credentials stay verified");
    assert_eq!(done(&take(&harness, RotationStep::RetireToken).await), 2);
    for (endpoint, one) in endpoints.iter().zip(&prepared) {
        let token = harness.engine.reveal_credentials(&harness.admin, &endpoint.id).await.unwrap().auth_token;
        assert_eq!(one.outcome, StepOutcome::Created(token));
        let log = harness.engine.endpoint_log(&harness.admin, &endpoint.id).await.unwrap();
        for action in [
            AuditAction::TokenPrepared,
            AuditAction::TokenTested,
            AuditAction::TokenSwitched,
            AuditAction::TokenUndone,
            AuditAction::TokenRetired,
        ] {
            assert!(log.iter().any(|record| record.action == action), "{action:?} of each endpoint is recorded");
        }
    }
}

async fn an_endpoint_that_is_already_rotating_is_skipped_with_a_reason(harness: TestHarness) {
    let [first, _] = two(&harness).await;
    harness
        .engine
        .rotate(&harness.admin, &first.id, &RotationStep::PrepareToken(Some("by-hand".into())))
        .await
        .unwrap();
    let taken = take(&harness, RotationStep::PrepareToken(Some("the-same-for-all".into()))).await;
    assert_eq!(done(&taken), 1);
    assert!(matches!(skipped(&taken)[..], [("A", why)] if why.contains("already in progress")), "{taken:?}");
    harness.pause(&first.id).await;
    let tested = take(&harness, TEST).await;
    assert_eq!((done(&tested), skipped(&tested).len()), (1, 1), "a paused endpoint cannot be tested: {tested:?}");
    assert_eq!(done(&take(&harness, RotationStep::CancelToken).await), 2);
    let deleted = harness.engine.delete_endpoint(&harness.admin, &first.id).await;
    assert!(deleted.is_ok() && harness.engine.rotations(&harness.admin).await.unwrap().len() == 1);
}

async fn unverified_credentials_are_skipped_unless_allowed(harness: TestHarness) {
    two(&harness).await;
    take(&harness, RotationStep::PrepareToken(None)).await;
    harness.receiver.next([Reply::Status(200), Reply::Status(401)]);
    take(&harness, TEST).await;
    harness.run().await;
    let taken = take(&harness, NOW).await;
    assert_eq!(done(&taken), 1);
    assert!(skipped(&taken)[0].1.contains("No test"), "{taken:?}");
    let at = harness.now().plus_ms(60_000);
    assert_eq!(done(&take(&harness, RotationStep::SwitchToken(Some(at), AllowUnverified::Allow)).await), 1);
    harness.clock.step_ms(60_000);
    assert_eq!(done(&take(&harness, RotationStep::UndoToken).await), 2, "the scheduled one has switched on time");
}

async fn all_secrets_overlap_are_proved_extended_and_retired(harness: TestHarness) {
    two(&harness).await;
    assert_eq!(done(&take(&harness, RotationStep::RotateSecret(3_600)).await), 2);
    assert_eq!(skipped(&take(&harness, RotationStep::RotateSecret(3_600)).await).len(), 2);
    let unverified = take(&harness, RotationStep::RetireSecret(AllowUnverified::Refuse)).await;
    assert_eq!((done(&unverified), skipped(&unverified).len()), (0, 2), "nothing is verified: {unverified:?}");
    assert_eq!(done(&take(&harness, RotationStep::Test(Credential::SigningSecret)).await), 2);
    harness.run().await;
    let views = harness.engine.rotations(&harness.admin).await.unwrap();
    assert!(views.iter().all(|view| view.secret.as_ref().unwrap().proved_at.is_some()));
    assert_eq!(done(&take(&harness, RotationStep::ExtendSecret).await), 2);
    assert_eq!(skipped(&take(&harness, RotationStep::ExtendSecret).await).len(), 2, "once");
    assert_eq!(done(&take(&harness, RotationStep::RetireSecret(AllowUnverified::Refuse)).await), 2);
    assert_eq!(take(&harness, RotationStep::RetireSecret(AllowUnverified::Allow)).await, []);
}

async fn a_value_no_endpoint_would_accept_is_refused_up_front(harness: TestHarness) {
    two(&harness).await;
    take(&harness, RotationStep::PrepareToken(None)).await;
    for step in [
        RotationStep::PrepareToken(Some("two\nlines".into())),
        RotationStep::SwitchToken(Some(harness.now()), AllowUnverified::Allow),
        RotationStep::RotateSecret(u32::MAX),
    ] {
        let refused = harness.engine.rotate_all(&harness.admin, &step).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{step:?}: {refused:?}");
    }
}

async fn only_permitted_users_rotate_and_only_their_own_endpoints(harness: TestHarness) {
    two(&harness).await;
    let mut developer = harness.admin.clone();
    let Who::Member { role, .. } = &mut developer.who else { panic!("the admin is a member") };
    *role = Role::Developer;
    for refused in [
        harness.engine.rotate_all(&developer, &RotationStep::PrepareToken(None)).await.map(drop),
        harness.engine.rotations(&developer).await.map(drop),
    ] {
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    }
    let (stranger, _) = harness.newcomer("Beta").await;
    assert_eq!(harness.engine.rotate_all(&stranger, &RotationStep::PrepareToken(None)).await.unwrap(), []);
    assert!(harness.engine.rotations(&harness.admin).await.unwrap().iter().all(|view| view.token.is_none()));
}
