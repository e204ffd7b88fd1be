//! Rotation of the two credentials: nothing is refused on the way, and time does its part by itself.

use domain::{
    Error,
    account::Role,
    actor::Who,
    audit::Deed,
    endpoint::{Endpoint, Endpoints},
    event::EventKind,
    id::EndpointId,
    rotation::{Credential, Rotations, TokenPhase, UNDO_MS, Unproved},
    secret::SigningSecret,
    signature,
    time::HOUR_MS,
};
use engine::Engine;

use crate::{
    bed::{Bed, newcomer, on_both},
    receiver::{Received, Reply},
};

on_both! {
    a_token_is_prepared_proved_switched_undone_and_retired
    a_failed_test_proves_nothing
    a_set_switch_takes_effect_on_every_node_at_its_time_and_is_made_to_last_later
    two_secrets_overlap_until_their_time
    a_leaked_secret_is_replaced_at_once
    an_overlap_is_extended_once_and_ended_by_hand
    a_second_rotation_is_refused
    a_prepared_token_is_dropped
    a_paused_or_deleted_endpoint_is_not_tested
    only_those_who_may_rotate
    what_was_rotated_is_on_the_record_and_no_secret_is
}

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

/// What an ordinary event brings now.
async fn event(bed: &Bed, call: u32) -> Received {
    bed.accept(EventKind::CallProcessed, call).await;
    bed.run().await;
    bed.receiver.received().pop().unwrap()
}

async fn prepare(bed: &Bed) -> Endpoint {
    let endpoint = bed.endpoint().await;
    let next = bed.engine.prepare_token(&bed.admin, &endpoint.id, Some(NEXT.into())).await.unwrap();
    assert_eq!(next, NEXT);
    endpoint
}

async fn log(bed: &Bed, id: &EndpointId) -> Vec<Deed> {
    let mut deeds: Vec<Deed> =
        bed.engine.endpoint_log(&bed.admin, id).await.unwrap().iter().map(|record| record.deed).collect();
    deeds.reverse();
    deeds
}

async fn secret(engine: &Engine, bed: &Bed, id: &EndpointId) -> String {
    engine.reveal_credentials(&bed.admin, id).await.unwrap().signing_secret
}

async fn a_token_is_prepared_proved_switched_undone_and_retired(bed: Bed) {
    let id = prepare(&bed).await.id;
    assert_eq!(token(&event(&bed, 1).await), "my-token");
    let refused = bed.engine.switch_token(&bed.admin, &id, None, Unproved::Refuse).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })));
    let test = bed.engine.test_credential(&bed.admin, &id, Credential::AuthToken).await.unwrap();
    bed.run().await;
    assert_eq!(token(&event(&bed, 2).await), "my-token");
    assert!(bed.receiver.received().iter().any(|got| token(got) == NEXT), "the test carries the next token");
    let running = bed.engine.rotation(&bed.admin, &id).await.unwrap().token.unwrap();
    assert_eq!((running.test, running.proved_at), (Some(test), Some(bed.now())));
    let view = bed.engine.switch_token(&bed.admin, &id, None, Unproved::Refuse).await.unwrap();
    assert!(view.token.unwrap().is_switched());
    assert_eq!(token(&event(&bed, 3).await), NEXT);
    bed.engine.undo_token(&bed.admin, &id).await.unwrap();
    assert_eq!(token(&event(&bed, 4).await), "my-token");
    bed.engine.switch_token(&bed.admin, &id, None, Unproved::Refuse).await.unwrap();
    let both = bed.engine.reveal_credentials(&bed.admin, &id).await.unwrap();
    assert_eq!((both.auth_token.as_str(), both.other_auth_token.as_deref()), (NEXT, Some("my-token")));
    bed.engine.retire_token(&bed.admin, &id).await.unwrap();
    assert_eq!(token(&event(&bed, 5).await), NEXT);
    let revealed = bed.engine.reveal_credentials(&bed.admin, &id).await.unwrap();
    assert_eq!((revealed.auth_token.as_str(), revealed.other_auth_token), (NEXT, None));
    assert!(bed.engine.rotation(&bed.admin, &id).await.unwrap().token.is_none());
}

async fn a_failed_test_proves_nothing(bed: Bed) {
    let id = prepare(&bed).await.id;
    bed.receiver.next([Reply::Status(401)]);
    let test = bed.engine.test_credential(&bed.admin, &id, Credential::AuthToken).await.unwrap();
    bed.run().await;
    let running = bed.engine.rotation(&bed.admin, &id).await.unwrap().token.unwrap();
    assert_eq!((running.test, running.proved_at), (Some(test), None));
    bed.engine.switch_token(&bed.admin, &id, None, Unproved::Allow).await.unwrap();
    assert_eq!(token(&event(&bed, 1).await), NEXT);
}

async fn a_set_switch_takes_effect_on_every_node_at_its_time_and_is_made_to_last_later(bed: Bed) {
    let endpoint = prepare(&bed).await;
    let id = endpoint.id.clone();
    let at = bed.now().plus_ms(HOUR_MS);
    bed.engine.switch_token(&bed.admin, &id, Some(at), Unproved::Allow).await.unwrap();
    bed.clock.step_ms(HOUR_MS - 1);
    assert_eq!(token(&event(&bed, 1).await), "my-token");
    bed.clock.step_ms(1);
    assert_eq!(token(&event(&bed, 2).await), NEXT, "the target from 1 ms ago does not outlive the switch");
    let other = bed.another().await;
    let view = other.rotation(&bed.admin, &id).await.unwrap();
    assert_eq!(view.token.unwrap().phase, TokenPhase::Switched { at, undo_until: at.plus_ms(UNDO_MS) });
    assert!(!log(&bed, &id).await.contains(&Deed::TokenSwitched));
    let again = other.background().scheduled_rotation.round().await.unwrap();
    assert_eq!(again, Some(at.plus_ms(UNDO_MS)));
    assert_eq!(log(&bed, &id).await.last(), Some(&Deed::TokenSwitched));
    let records = bed.engine.endpoint_log(&bed.admin, &id).await.unwrap();
    assert!(records.iter().all(|record| record.object.as_ref() == Some(&endpoint.name)), "{records:?}");
    bed.clock.step_ms(UNDO_MS);
    assert!(bed.engine.rotation(&bed.admin, &id).await.unwrap().token.is_none());
    assert!(matches!(bed.engine.undo_token(&bed.admin, &id).await, Err(Error::Conflict { .. })));
    assert_eq!(bed.engine.background().scheduled_rotation.round().await.unwrap(), None);
    assert_eq!(log(&bed, &id).await.last(), Some(&Deed::TokenRetired));
    assert_eq!(token(&event(&bed, 3).await), NEXT);
}

async fn two_secrets_overlap_until_their_time(bed: Bed) {
    let id = bed.endpoint().await.id;
    let old = secret(&bed.engine, &bed, &id).await;
    let new = bed.engine.rotate_secret(&bed.admin, &id, 3_600).await.unwrap();
    let got = event(&bed, 1).await;
    assert!(signed_by(&got, &old) && signed_by(&got, &new));
    let first = SigningSecret::parse(&new).unwrap();
    let at = got.header("webhook-timestamp").unwrap().parse().unwrap();
    let expected = signature::sign(&first, &got.header("webhook-id").unwrap(), at, got.body.as_bytes());
    assert!(got.header("webhook-signature").unwrap().starts_with(&expected), "the new one comes first");
    bed.engine.test_credential(&bed.admin, &id, Credential::SigningSecret).await.unwrap();
    bed.run().await;
    let test = bed.receiver.received().pop().unwrap();
    assert!(signed_by(&test, &new) && !signed_by(&test, &old));
    assert!(bed.engine.rotation(&bed.admin, &id).await.unwrap().secret.unwrap().proved_at.is_some());
    bed.clock.step_ms(HOUR_MS - 1);
    assert!(signed_by(&event(&bed, 2).await, &old));
    bed.clock.step_ms(1);
    let got = event(&bed, 3).await;
    assert!(signed_by(&got, &new) && !signed_by(&got, &old), "the target from 1 ms ago does not outlive the overlap");
    bed.engine.background().scheduled_rotation.round().await.unwrap();
    assert_eq!(log(&bed, &id).await.last(), Some(&Deed::SecretRetired));
    assert_eq!(secret(&bed.engine, &bed, &id).await, new);
}

async fn a_leaked_secret_is_replaced_at_once(bed: Bed) {
    let id = bed.endpoint().await.id;
    let old = secret(&bed.engine, &bed, &id).await;
    let new = bed.engine.rotate_secret(&bed.admin, &id, 0).await.unwrap();
    let got = event(&bed, 1).await;
    assert!(signed_by(&got, &new) && !signed_by(&got, &old));
    assert!(bed.engine.rotation(&bed.admin, &id).await.unwrap().secret.is_none());
    let unproven = bed.engine.test_credential(&bed.admin, &id, Credential::SigningSecret).await;
    assert!(matches!(unproven, Err(Error::Conflict { .. })));
}

async fn an_overlap_is_extended_once_and_ended_by_hand(bed: Bed) {
    let id = bed.endpoint().await.id;
    let old = secret(&bed.engine, &bed, &id).await;
    bed.engine.rotate_secret(&bed.admin, &id, 3_600).await.unwrap();
    bed.engine.extend_secret(&bed.admin, &id).await.unwrap();
    assert!(matches!(bed.engine.extend_secret(&bed.admin, &id).await, Err(Error::Conflict { .. })));
    bed.clock.step_ms(HOUR_MS + 1);
    assert!(signed_by(&event(&bed, 1).await, &old));
    let unproved = bed.engine.retire_secret(&bed.admin, &id, Unproved::Refuse).await;
    assert!(matches!(unproved, Err(Error::Conflict { .. })), "nothing has proved that the receiver knows the new one");
    assert!(signed_by(&event(&bed, 3).await, &old));
    bed.engine.retire_secret(&bed.admin, &id, Unproved::Allow).await.unwrap();
    assert!(!signed_by(&event(&bed, 2).await, &old));
    assert!(matches!(bed.engine.retire_secret(&bed.admin, &id, Unproved::Allow).await, Err(Error::Conflict { .. })));
}

async fn a_second_rotation_is_refused(bed: Bed) {
    let id = prepare(&bed).await.id;
    bed.engine.rotate_secret(&bed.admin, &id, 3_600).await.unwrap();
    let tokens = bed.engine.prepare_token(&bed.admin, &id, None).await;
    let secrets = bed.engine.rotate_secret(&bed.admin, &id, 3_600).await.map(|_| ());
    for refused in [tokens.map(|_| ()), secrets] {
        assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    }
    assert!(matches!(bed.engine.rotate_secret(&bed.admin, &id, 604_801).await, Err(Error::Conflict { .. })));
    let other = bed.endpoint().await.id;
    assert!(matches!(bed.engine.rotate_secret(&bed.admin, &other, 604_801).await, Err(Error::Invalid(_))));
    let same = bed.engine.prepare_token(&bed.admin, &other, Some("my-token".into())).await;
    assert!(matches!(same, Err(Error::Invalid(_))));
}

async fn a_prepared_token_is_dropped(bed: Bed) {
    let id = prepare(&bed).await.id;
    assert!(matches!(bed.engine.retire_token(&bed.admin, &id).await, Err(Error::Conflict { .. })));
    bed.engine.drop_token(&bed.admin, &id).await.unwrap();
    assert_eq!(token(&event(&bed, 1).await), "my-token");
    assert!(matches!(bed.engine.drop_token(&bed.admin, &id).await, Err(Error::Conflict { .. })));
    let random = bed.engine.prepare_token(&bed.admin, &id, None).await.unwrap();
    assert_eq!(random.len(), 30);
}

async fn a_paused_or_deleted_endpoint_is_not_tested(bed: Bed) {
    let id = prepare(&bed).await.id;
    bed.pause(&id).await;
    let paused = bed.engine.test_credential(&bed.admin, &id, Credential::AuthToken).await;
    assert!(matches!(paused, Err(Error::Conflict { .. })));
    bed.engine.delete_endpoint(&bed.admin, &id).await.unwrap();
    let deleted = bed.engine.switch_token(&bed.admin, &id, None, Unproved::Allow).await;
    assert!(matches!(deleted, Err(Error::Conflict { .. })));
    assert!(bed.engine.rotation(&bed.admin, &id).await.unwrap().token.is_none());
}

async fn only_those_who_may_rotate(bed: Bed) {
    let id = bed.endpoint().await.id;
    let mut developer = bed.admin.clone();
    let Who::Member { role, .. } = &mut developer.who else { panic!("the admin is a person") };
    *role = Role::Developer;
    assert!(matches!(bed.engine.prepare_token(&developer, &id, None).await, Err(Error::Forbidden(_))));
    assert!(matches!(bed.engine.rotate_secret(&developer, &id, 0).await, Err(Error::Forbidden(_))));
    assert!(bed.engine.rotation(&developer, &id).await.is_ok());
    let Who::Member { developers_rotate, .. } = &mut developer.who else { panic!("a person") };
    *developers_rotate = true;
    assert!(bed.engine.prepare_token(&developer, &id, None).await.is_ok());
    let (stranger, _) = newcomer(&bed.engine, "Other").await;
    assert!(matches!(bed.engine.rotation(&stranger, &id).await, Err(Error::NotFound(_))));
    assert!(matches!(bed.engine.drop_token(&stranger, &id).await, Err(Error::NotFound(_))));
    assert!(matches!(bed.engine.rotate_secret(&stranger, &id, 0).await, Err(Error::NotFound(_))));
}

async fn what_was_rotated_is_on_the_record_and_no_secret_is(bed: Bed) {
    let id = prepare(&bed).await.id;
    bed.engine.switch_token(&bed.admin, &id, None, Unproved::Allow).await.unwrap();
    bed.engine.undo_token(&bed.admin, &id).await.unwrap();
    bed.engine.drop_token(&bed.admin, &id).await.unwrap();
    let new = bed.engine.rotate_secret(&bed.admin, &id, 60).await.unwrap();
    bed.engine.retire_secret(&bed.admin, &id, Unproved::Allow).await.unwrap();
    let deeds = [
        Deed::EndpointCreated,
        Deed::TokenPrepared,
        Deed::TokenSwitched,
        Deed::TokenUndone,
        Deed::TokenDropped,
        Deed::SecretRotated,
        Deed::SecretRetired,
    ];
    assert_eq!(log(&bed, &id).await, deeds);
    let records = bed.engine.endpoint_log(&bed.admin, &id).await.unwrap();
    let said = serde_json::to_string(&records).unwrap();
    assert!(!said.contains(NEXT) && !said.contains(&new[6..]));
}
