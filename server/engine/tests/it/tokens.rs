//! API tokens: made, used, rotated, revoked.

use domain::{
    Error,
    actor::{Actor, Who},
    audit::{Audit, AuditFilter, Deed},
    time::{DAY_MS, HOUR_MS},
    token::{Scope, TokenForm, TokenState, Tokens},
};

use crate::bed::{Bed, newcomer, on_both};

on_both! {
    a_token_lets_in_with_its_scopes_and_its_use_is_written_down
    a_token_expires_by_itself
    two_tokens_work_side_by_side_while_one_takes_the_others_place
    a_revoked_token_is_refused_at_once_and_says_so
    a_token_in_use_is_revoked_only_by_name
    a_program_makes_no_token_that_may_do_more_than_its_own
    another_accounts_tokens_are_not_there
    the_log_tells_of_tokens_and_never_their_text
}

fn form(scopes: &[&str]) -> TokenForm {
    TokenForm {
        name: "CRM".into(),
        scopes: scopes.iter().map(|name| (*name).to_owned()).collect(),
        expires_days: String::new(),
    }
}

/// Waits until the use of a token is written down, which happens beside the request.
async fn until_used(bed: &Bed, id: &domain::id::TokenId) -> domain::token::ApiToken {
    loop {
        let token = bed.engine.api_token(&bed.admin, id).await.unwrap();
        if token.last_used_at.is_some() {
            return token;
        }
        tokio::task::yield_now().await;
    }
}

async fn a_token_lets_in_with_its_scopes_and_its_use_is_written_down(bed: Bed) {
    let made = bed.engine.make_api_token(&bed.admin, &form(&["events:read", "audit:read"])).await.unwrap();
    assert!(made.secret.starts_with("oh_") && made.secret.ends_with(&made.token.hint));
    assert!(!format!("{made:?}").contains(&made.secret));
    let actor = bed.engine.authenticate(&made.secret, "203.0.113.9").await.unwrap();
    let Who::Token { scopes, name, .. } = &actor.who else { panic!("a token is a token") };
    assert_eq!((scopes.as_slice(), name.as_str()), (&[Scope::EventsRead, Scope::AuditRead][..], "CRM"));
    let used = until_used(&bed, &made.token.id).await;
    assert_eq!((used.last_used_at, used.last_used_from.as_deref()), (Some(bed.now()), Some("203.0.113.9")));
}

async fn a_token_expires_by_itself(bed: Bed) {
    let mut form = form(&["events:read"]);
    form.expires_days = "2".into();
    let made = bed.engine.make_api_token(&bed.admin, &form).await.unwrap();
    bed.clock.step_ms(2 * DAY_MS - 1);
    assert!(bed.engine.authenticate(&made.secret, "").await.is_ok());
    bed.clock.step_ms(2_001);
    let refused = bed.engine.authenticate(&made.secret, "").await.unwrap_err();
    assert_eq!(refused, Error::Unauthenticated("This API token has expired. Create a new one.".into()));
}

async fn two_tokens_work_side_by_side_while_one_takes_the_others_place(bed: Bed) {
    let first = bed.engine.make_api_token(&bed.admin, &form(&["events:read"])).await.unwrap();
    let second = bed.engine.rotate_api_token(&bed.admin, &first.token.id, 24).await.unwrap();
    assert_eq!((&second.token.name, &second.token.scopes), (&first.token.name, &first.token.scopes));
    for secret in [&first.secret, &second.secret] {
        assert!(bed.engine.authenticate(secret, "").await.is_ok());
    }
    let again = bed.engine.rotate_api_token(&bed.admin, &first.token.id, 24).await.unwrap_err();
    assert!(matches!(again, Error::Conflict { .. }), "{again}");
    bed.clock.step_ms(24 * HOUR_MS);
    assert!(bed.engine.authenticate(&first.secret, "").await.is_err());
    assert!(bed.engine.authenticate(&second.secret, "").await.is_ok());
    let old = bed.engine.api_token(&bed.admin, &first.token.id).await.unwrap();
    assert_eq!((old.state(bed.now()), old.replaced_by), (TokenState::Expired, Some(second.token.id)));
    assert!(matches!(bed.engine.rotate_api_token(&bed.admin, &first.token.id, 24).await, Err(Error::Conflict { .. })));
    let long = bed.engine.rotate_api_token(&bed.admin, &old.id, 169).await.unwrap_err();
    assert_eq!(long.fields()[0].field, "overlap_h");
}

async fn a_revoked_token_is_refused_at_once_and_says_so(bed: Bed) {
    let made = bed.engine.make_api_token(&bed.admin, &form(&["events:read"])).await.unwrap();
    // Believed from now on: revoking must forget that.
    bed.engine.authenticate(&made.secret, "").await.unwrap();
    bed.engine.revoke_api_token(&bed.admin, &made.token.id, None).await.unwrap();
    let refused = bed.engine.authenticate(&made.secret, "").await.unwrap_err();
    assert_eq!(refused, Error::Unauthenticated("This API token has been revoked.".into()));
    assert!(bed.engine.revoke_api_token(&bed.admin, &made.token.id, None).await.is_ok(), "twice changes nothing");
}

async fn a_token_in_use_is_revoked_only_by_name(bed: Bed) {
    let made = bed.engine.make_api_token(&bed.admin, &form(&["events:read"])).await.unwrap();
    bed.engine.authenticate(&made.secret, "").await.unwrap();
    until_used(&bed, &made.token.id).await;
    let refused = bed.engine.revoke_api_token(&bed.admin, &made.token.id, Some("")).await.unwrap_err();
    assert_eq!(refused.fields()[0].field, "name");
    assert!(bed.engine.authenticate(&made.secret, "").await.is_ok());
    bed.engine.revoke_api_token(&bed.admin, &made.token.id, Some(" CRM ")).await.unwrap();
    assert!(bed.engine.authenticate(&made.secret, "").await.is_err());
}

async fn a_program_makes_no_token_that_may_do_more_than_its_own(bed: Bed) {
    let mut program = bed.token.clone();
    let Who::Token { scopes, .. } = &mut program.who else { panic!("a token is a token") };
    *scopes = vec![Scope::TokensWrite, Scope::EventsRead];
    let refused = bed.engine.make_api_token(&program, &form(&["deliveries:read"])).await.unwrap_err();
    assert!(matches!(refused, Error::Forbidden(_)) && refused.to_string().contains("deliveries:read"), "{refused}");
    assert!(bed.engine.make_api_token(&program, &form(&["events:read"])).await.is_ok());
    let strong = bed.engine.make_api_token(&bed.admin, &form(&["audit:read"])).await.unwrap();
    let rotated = bed.engine.rotate_api_token(&program, &strong.token.id, 1).await;
    assert!(matches!(rotated, Err(Error::Forbidden(_))), "a rotation would hand the new token to a weaker one");
}

async fn another_accounts_tokens_are_not_there(bed: Bed) {
    let made = bed.engine.make_api_token(&bed.admin, &form(&["events:read"])).await.unwrap();
    let (stranger, _) = newcomer(&bed.engine, "Beta").await;
    let id = &made.token.id;
    assert!(matches!(bed.engine.api_token(&stranger, id).await, Err(Error::NotFound(_))));
    assert!(matches!(bed.engine.rotate_api_token(&stranger, id, 1).await, Err(Error::NotFound(_))));
    assert!(matches!(bed.engine.revoke_api_token(&stranger, id, None).await, Err(Error::NotFound(_))));
    assert!(bed.engine.api_tokens(&stranger).await.unwrap().iter().all(|token| &token.id != id));
    let mut viewer: Actor = bed.admin.clone();
    if let Who::Member { role, .. } = &mut viewer.who {
        *role = domain::account::Role::Developer;
    }
    assert!(matches!(bed.engine.api_tokens(&viewer).await, Err(Error::Forbidden(_))));
}

async fn the_log_tells_of_tokens_and_never_their_text(bed: Bed) {
    let first = bed.engine.make_api_token(&bed.admin, &form(&["events:read"])).await.unwrap();
    let second = bed.engine.rotate_api_token(&bed.admin, &first.token.id, 0).await.unwrap();
    bed.engine.revoke_api_token(&bed.admin, &second.token.id, None).await.unwrap();
    let records = bed.engine.audit(&bed.admin, &AuditFilter::parse("?area=token")).await.unwrap().rows;
    let deeds: Vec<_> = records.iter().map(|record| record.deed).collect();
    let made = Deed::ApiTokenCreated;
    assert_eq!(deeds, [Deed::ApiTokenRevoked, Deed::ApiTokenRotated, made, made], "the bed has a token of its own");
    let text = format!("{records:?}");
    assert!(!text.contains(&first.secret) && !text.contains(&second.secret));
}
