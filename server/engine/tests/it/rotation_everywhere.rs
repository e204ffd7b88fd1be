//! A step for all endpoints: each takes its own, and what one refuses keeps no other.

use domain::{
    Error,
    account::Role,
    actor::Who,
    audit::Deed,
    endpoint::{Endpoint, Endpoints},
    rotation::{
        Credential, Rotations, RotationsEverywhere, Unproved,
        everywhere::{Came, Step, Taken},
    },
};

use crate::{
    bed::{Bed, newcomer, on_both},
    receiver::Reply,
};

on_both! {
    all_tokens_are_prepared_proved_switched_undone_and_retired
    an_endpoint_in_the_middle_of_a_rotation_is_skipped_with_the_reason
    what_nothing_has_proved_is_skipped_unless_it_is_wanted
    all_secrets_overlap_are_proved_extended_and_retired
    what_no_endpoint_would_take_is_refused_before_anything_is_done
    only_those_who_may_rotate_and_only_their_own
}

async fn two(bed: &Bed) -> [Endpoint; 2] {
    [bed.endpoint_with(|form| form.name = "A".into()).await, bed.endpoint_with(|form| form.name = "B".into()).await]
}

async fn take(bed: &Bed, step: Step) -> Vec<Taken> {
    bed.engine.step_everywhere(&bed.admin, &step).await.unwrap()
}

fn done(taken: &[Taken]) -> usize {
    taken.iter().filter(|one| !matches!(one.came, Came::Skipped(_))).count()
}

fn skipped(taken: &[Taken]) -> Vec<(&str, &str)> {
    let reason = |one: &Taken| matches!(&one.came, Came::Skipped(_));
    taken
        .iter()
        .filter(|one| reason(one))
        .map(|one| match &one.came {
            Came::Skipped(why) => (one.name.as_str(), why.as_str()),
            _ => ("", ""),
        })
        .collect()
}

const NOW: Step = Step::Switch(None, Unproved::Refuse);
const TEST: Step = Step::Test(Credential::AuthToken);

async fn all_tokens_are_prepared_proved_switched_undone_and_retired(bed: Bed) {
    let endpoints = two(&bed).await;
    let prepared = take(&bed, Step::Prepare(None)).await;
    let made: Vec<&Came> = prepared.iter().map(|one| &one.came).collect();
    assert!(matches!(made[..], [Came::Made(one), Came::Made(other)] if one != other), "{made:?}");
    assert_eq!(done(&take(&bed, TEST).await), 2);
    bed.run().await;
    assert!(
        bed.engine.rotations(&bed.admin).await.unwrap().iter().all(|view| view
            .token
            .as_ref()
            .unwrap()
            .proved_at
            .is_some())
    );
    assert_eq!(done(&take(&bed, NOW).await), 2);
    assert_eq!(take(&bed, TEST).await, [], "there is none to test any more");
    assert_eq!(done(&take(&bed, Step::Undo).await), 2);
    assert_eq!(done(&take(&bed, NOW).await), 2, "what was proved stays proved");
    assert_eq!(done(&take(&bed, Step::RetireToken).await), 2);
    for (endpoint, one) in endpoints.iter().zip(&prepared) {
        let token = bed.engine.reveal_credentials(&bed.admin, &endpoint.id).await.unwrap().auth_token;
        assert_eq!(one.came, Came::Made(token));
        let log = bed.engine.endpoint_log(&bed.admin, &endpoint.id).await.unwrap();
        for deed in [Deed::TokenPrepared, Deed::TokenTested, Deed::TokenSwitched, Deed::TokenUndone, Deed::TokenRetired]
        {
            assert!(log.iter().any(|record| record.deed == deed), "{deed:?} of each endpoint is on record");
        }
    }
}

async fn an_endpoint_in_the_middle_of_a_rotation_is_skipped_with_the_reason(bed: Bed) {
    let [first, _] = two(&bed).await;
    bed.engine.prepare_token(&bed.admin, &first.id, Some("by-hand".into())).await.unwrap();
    let taken = take(&bed, Step::Prepare(Some("the-same-for-all".into()))).await;
    assert_eq!(done(&taken), 1);
    assert!(matches!(skipped(&taken)[..], [("A", why)] if why.contains("is running")), "{taken:?}");
    bed.pause(&first.id).await;
    let tested = take(&bed, TEST).await;
    assert_eq!((done(&tested), skipped(&tested).len()), (1, 1), "a paused one cannot be tested: {tested:?}");
    assert_eq!(done(&take(&bed, Step::Drop).await), 2);
    let deleted = bed.engine.delete_endpoint(&bed.admin, &first.id).await;
    assert!(deleted.is_ok() && bed.engine.rotations(&bed.admin).await.unwrap().len() == 1);
}

async fn what_nothing_has_proved_is_skipped_unless_it_is_wanted(bed: Bed) {
    two(&bed).await;
    take(&bed, Step::Prepare(None)).await;
    bed.receiver.next([Reply::Status(200), Reply::Status(401)]);
    take(&bed, TEST).await;
    bed.run().await;
    let taken = take(&bed, NOW).await;
    assert_eq!(done(&taken), 1);
    assert!(skipped(&taken)[0].1.contains("No test"), "{taken:?}");
    let at = bed.now().plus_ms(60_000);
    assert_eq!(done(&take(&bed, Step::Switch(Some(at), Unproved::Allow)).await), 1);
    bed.clock.step_ms(60_000);
    assert_eq!(done(&take(&bed, Step::Undo).await), 2, "the one that was set has switched by itself");
}

async fn all_secrets_overlap_are_proved_extended_and_retired(bed: Bed) {
    two(&bed).await;
    assert_eq!(done(&take(&bed, Step::Rotate(3_600)).await), 2);
    assert_eq!(skipped(&take(&bed, Step::Rotate(3_600)).await).len(), 2);
    let unproved = take(&bed, Step::RetireSecret(Unproved::Refuse)).await;
    assert_eq!((done(&unproved), skipped(&unproved).len()), (0, 2), "nothing is proved: {unproved:?}");
    assert_eq!(done(&take(&bed, Step::Test(Credential::SigningSecret)).await), 2);
    bed.run().await;
    let views = bed.engine.rotations(&bed.admin).await.unwrap();
    assert!(views.iter().all(|view| view.secret.as_ref().unwrap().proved_at.is_some()));
    assert_eq!(done(&take(&bed, Step::Extend).await), 2);
    assert_eq!(skipped(&take(&bed, Step::Extend).await).len(), 2, "once");
    assert_eq!(done(&take(&bed, Step::RetireSecret(Unproved::Refuse)).await), 2);
    assert_eq!(take(&bed, Step::RetireSecret(Unproved::Allow)).await, []);
}

async fn what_no_endpoint_would_take_is_refused_before_anything_is_done(bed: Bed) {
    two(&bed).await;
    take(&bed, Step::Prepare(None)).await;
    for step in [
        Step::Prepare(Some("two\nlines".into())),
        Step::Switch(Some(bed.now()), Unproved::Allow),
        Step::Rotate(u32::MAX),
    ] {
        let refused = bed.engine.step_everywhere(&bed.admin, &step).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{step:?}: {refused:?}");
    }
}

async fn only_those_who_may_rotate_and_only_their_own(bed: Bed) {
    two(&bed).await;
    let mut developer = bed.admin.clone();
    let Who::Member { role, .. } = &mut developer.who else { panic!("the admin is a person") };
    *role = Role::Developer;
    for refused in [
        bed.engine.step_everywhere(&developer, &Step::Prepare(None)).await.map(drop),
        bed.engine.rotations(&developer).await.map(drop),
    ] {
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    }
    let (stranger, _) = newcomer(&bed.engine, "Beta").await;
    assert_eq!(bed.engine.step_everywhere(&stranger, &Step::Prepare(None)).await.unwrap(), []);
    assert!(bed.engine.rotations(&bed.admin).await.unwrap().iter().all(|view| view.token.is_none()));
}
