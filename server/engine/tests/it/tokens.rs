//! API tokens: created, used, rotated, revoked.

use domain::{
    Error,
    actor::{Actor, Who},
    audit::{Audit, AuditAction, AuditFilter},
    time::{DAY_MS, HOUR_MS},
    token::{Scope, TokenForm, TokenState, Tokens},
};

use crate::harness::{TestHarness, on_both};

on_both! { a_token_grants_its_scopes_and_its_use_is_recorded a_token_expires_on_time both_tokens_work_while_one_replaces_the_other a_revoked_token_is_refused_at_once_with_the_reason revoking_a_token_in_use_requires_its_name a_token_cannot_create_one_with_more_scopes another_accounts_tokens_are_not_found the_log_records_tokens_without_their_text }

fn form(scopes: &[&str]) -> TokenForm {
    TokenForm {
        name: "CRM".into(),
        scopes: scopes.iter().map(|name| (*name).to_owned()).collect(),
        expires_days: String::new(),
    }
}

/// Waits until the use of a token is recorded, which happens in the background.
async fn until_used(harness: &TestHarness, id: &domain::id::TokenId) -> domain::token::ApiToken {
    loop {
        let token = harness.engine.api_token(&harness.admin, id).await.unwrap();
        if token.last_used_at.is_some() {
            return token;
        }
        tokio::task::yield_now().await;
    }
}

async fn a_token_grants_its_scopes_and_its_use_is_recorded(harness: TestHarness) {
    let made = harness
        .engine
        .create_api_token(&harness.admin, &form(&["events:read", "audit:read"]).input().unwrap())
        .await
        .unwrap();
    assert!(made.secret.starts_with("oh_") && made.secret.ends_with(&made.token.hint));
    assert!(!format!("{made:?}").contains(&made.secret));
    let actor = harness.engine.authenticate(&made.secret, "203.0.113.9").await.unwrap();
    let Who::Token { scopes, name, .. } = &actor.who else { panic!("the actor is a token") };
    assert_eq!((scopes.as_slice(), name.as_str()), (&[Scope::EventsRead, Scope::AuditRead][..], "CRM"));
    let used = until_used(&harness, &made.token.id).await;
    assert_eq!((used.last_used_at, used.last_used_from.as_deref()), (Some(harness.now()), Some("203.0.113.9")));
}

async fn a_token_expires_on_time(harness: TestHarness) {
    let mut form = form(&["events:read"]);
    form.expires_days = "2".into();
    let made = harness.engine.create_api_token(&harness.admin, &form.input().unwrap()).await.unwrap();
    harness.clock.step_ms(2 * DAY_MS - 1);
    assert!(harness.engine.authenticate(&made.secret, "").await.is_ok());
    harness.clock.step_ms(2_001);
    let refused = harness.engine.authenticate(&made.secret, "").await.unwrap_err();
    assert_eq!(refused, Error::Unauthenticated("This API token has expired. Create a new one.".into()));
}

async fn both_tokens_work_while_one_replaces_the_other(harness: TestHarness) {
    let first =
        harness.engine.create_api_token(&harness.admin, &form(&["events:read"]).input().unwrap()).await.unwrap();
    let second = harness.engine.rotate_api_token(&harness.admin, &first.token.id, 24).await.unwrap();
    assert_eq!((&second.token.name, &second.token.scopes), (&first.token.name, &first.token.scopes));
    for secret in [&first.secret, &second.secret] {
        assert!(harness.engine.authenticate(secret, "").await.is_ok());
    }
    let again = harness.engine.rotate_api_token(&harness.admin, &first.token.id, 24).await.unwrap_err();
    assert!(matches!(again, Error::Conflict { .. }), "{again}");
    harness.clock.step_ms(24 * HOUR_MS);
    assert!(harness.engine.authenticate(&first.secret, "").await.is_err());
    assert!(harness.engine.authenticate(&second.secret, "").await.is_ok());
    let old = harness.engine.api_token(&harness.admin, &first.token.id).await.unwrap();
    assert_eq!((old.state(harness.now()), old.replaced_by), (TokenState::Expired, Some(second.token.id)));
    assert!(matches!(
        harness.engine.rotate_api_token(&harness.admin, &first.token.id, 24).await,
        Err(Error::Conflict { .. })
    ));
    let long = harness.engine.rotate_api_token(&harness.admin, &old.id, 169).await.unwrap_err();
    assert_eq!(long.fields()[0].field, "overlap_h");
}

async fn a_revoked_token_is_refused_at_once_with_the_reason(harness: TestHarness) {
    let made = harness.engine.create_api_token(&harness.admin, &form(&["events:read"]).input().unwrap()).await.unwrap();
    // It is cached from now on; revoking must drop it from the cache.
    harness.engine.authenticate(&made.secret, "").await.unwrap();
    harness.engine.revoke_api_token(&harness.admin, &made.token.id, None).await.unwrap();
    let refused = harness.engine.authenticate(&made.secret, "").await.unwrap_err();
    assert_eq!(refused, Error::Unauthenticated("This API token has been revoked.".into()));
    assert!(
        harness.engine.revoke_api_token(&harness.admin, &made.token.id, None).await.is_ok(),
        "revoking twice has no effect"
    );
}

async fn revoking_a_token_in_use_requires_its_name(harness: TestHarness) {
    let made = harness.engine.create_api_token(&harness.admin, &form(&["events:read"]).input().unwrap()).await.unwrap();
    harness.engine.authenticate(&made.secret, "").await.unwrap();
    until_used(&harness, &made.token.id).await;
    let refused = harness.engine.revoke_api_token(&harness.admin, &made.token.id, Some("")).await.unwrap_err();
    assert_eq!(refused.fields()[0].field, "name");
    assert!(harness.engine.authenticate(&made.secret, "").await.is_ok());
    harness.engine.revoke_api_token(&harness.admin, &made.token.id, Some(" CRM ")).await.unwrap();
    assert!(harness.engine.authenticate(&made.secret, "").await.is_err());
}

async fn a_token_cannot_create_one_with_more_scopes(harness: TestHarness) {
    let mut program = harness.token.clone();
    let Who::Token { scopes, .. } = &mut program.who else { panic!("the actor is a token") };
    *scopes = vec![Scope::TokensWrite, Scope::EventsRead];
    let refused =
        harness.engine.create_api_token(&program, &form(&["deliveries:read"]).input().unwrap()).await.unwrap_err();
    assert!(matches!(refused, Error::Forbidden(_)) && refused.to_string().contains("deliveries:read"), "{refused}");
    assert!(harness.engine.create_api_token(&program, &form(&["events:read"]).input().unwrap()).await.is_ok());
    let strong =
        harness.engine.create_api_token(&harness.admin, &form(&["audit:read"]).input().unwrap()).await.unwrap();
    let rotated = harness.engine.rotate_api_token(&program, &strong.token.id, 1).await;
    assert!(matches!(rotated, Err(Error::Forbidden(_))), "a rotation would hand the new token to a weaker one");
}

async fn another_accounts_tokens_are_not_found(harness: TestHarness) {
    let made = harness.engine.create_api_token(&harness.admin, &form(&["events:read"]).input().unwrap()).await.unwrap();
    let (stranger, _) = harness.newcomer("Beta").await;
    let id = &made.token.id;
    assert!(matches!(harness.engine.api_token(&stranger, id).await, Err(Error::NotFound(_))));
    assert!(matches!(harness.engine.rotate_api_token(&stranger, id, 1).await, Err(Error::NotFound(_))));
    assert!(matches!(harness.engine.revoke_api_token(&stranger, id, None).await, Err(Error::NotFound(_))));
    assert!(harness.engine.api_tokens(&stranger).await.unwrap().iter().all(|token| &token.id != id));
    let mut viewer: Actor = harness.admin.clone();
    if let Who::Member { role, .. } = &mut viewer.who {
        *role = domain::account::Role::Developer;
    }
    assert!(matches!(harness.engine.api_tokens(&viewer).await, Err(Error::Forbidden(_))));
}

async fn the_log_records_tokens_without_their_text(harness: TestHarness) {
    let first =
        harness.engine.create_api_token(&harness.admin, &form(&["events:read"]).input().unwrap()).await.unwrap();
    let second = harness.engine.rotate_api_token(&harness.admin, &first.token.id, 0).await.unwrap();
    harness.engine.revoke_api_token(&harness.admin, &second.token.id, None).await.unwrap();
    let records = harness.engine.audit(&harness.admin, &AuditFilter::parse("?area=token")).await.unwrap().rows;
    let actions: Vec<_> = records.iter().map(|record| record.action).collect();
    let made = AuditAction::ApiTokenCreated;
    assert_eq!(
        actions,
        [AuditAction::ApiTokenRevoked, AuditAction::ApiTokenRotated, made, made],
        "the harness has a token of its own"
    );
    let text = format!("{records:?}");
    assert!(!text.contains(&first.secret) && !text.contains(&second.secret));
}
