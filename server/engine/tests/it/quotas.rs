//! The limits of an account hold, whatever happens at the same time and in whatever order.

use domain::{
    Error,
    account::{Accounts as _, LimitsForm},
    actor::Actor,
    endpoint::{Duplicate, EndpointForm, Endpoints as _},
    member::{INVITATION_MS, Invite, InviteForm, Members as _, TeamKind},
    ops::OpsAccounts as _,
    time::HOUR_MS,
    token::{NewToken, TokenForm, Tokens as _},
};
use futures::future::join_all;

use crate::{
    harness::{TestHarness, on_both},
    ops::{acme, operator},
};

on_both! { requests_at_the_same_time_do_not_exceed_a_limit a_token_being_replaced_counts_until_it_expires operators_tokens_are_limited_too another_spelling_of_a_host_counts_as_the_same an_expired_invitation_is_not_renewed_above_the_limit endpoints_that_move_at_the_same_time_do_not_exceed_the_limit_of_a_host }

/// Requests at the same time.
const AT_ONCE: usize = 8;

async fn limited(harness: &TestHarness, form: LimitsForm) {
    let olga = operator(harness).await;
    harness.engine.limit_account(&olga, &acme(harness), form.input().unwrap()).await.unwrap();
}

fn token() -> NewToken {
    TokenForm { name: "CRM".into(), scopes: vec!["events:write".into()], ..TokenForm::default() }.input().unwrap()
}

fn form(url: &str) -> EndpointForm {
    EndpointForm { url: url.into(), events: vec!["IncomingCall".into()], ..EndpointForm::default() }
}

fn invite(n: usize) -> Invite {
    InviteForm { email: format!("bob{n}@acme.example"), role: "viewer".into() }.parse(TeamKind::Account).unwrap()
}

fn require_conflicts<T: std::fmt::Debug>(results: &[domain::Result<T>], done: usize) {
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), done, "{results:?}");
    assert!(results.iter().all(|result| matches!(result, Ok(_) | Err(Error::Conflict { .. }))), "{results:?}");
}

async fn working_tokens(harness: &TestHarness, owner: &Actor) -> usize {
    harness.engine.api_tokens(owner).await.unwrap().iter().filter(|token| token.works(harness.now())).count()
}

async fn requests_at_the_same_time_do_not_exceed_a_limit(harness: TestHarness) {
    // The harness has one token and one member.
    let three = || "3".to_owned();
    limited(
        &harness,
        LimitsForm { tokens_max: three(), members_max: three(), endpoints_max: three(), ..LimitsForm::default() },
    )
    .await;
    let (engine, admin, new) = (&harness.engine, &harness.admin, token());
    require_conflicts(&join_all((0..AT_ONCE).map(|_| engine.create_api_token(admin, &new))).await, 2);
    require_conflicts(&join_all((0..AT_ONCE).map(|n| engine.invite(admin, invite(n)))).await, 2);
    let input = form(&harness.receiver.url()).input().unwrap();
    let made = join_all((0..AT_ONCE).map(|_| engine.create_endpoint(admin, &input, Duplicate::Allow))).await;
    require_conflicts(&made, 3);
    let used = engine.account_usage(admin).await.unwrap();
    assert_eq!((used.tokens, used.members + used.invited, used.endpoints), (3, 3, 3));
}

async fn a_token_being_replaced_counts_until_it_expires(harness: TestHarness) {
    limited(&harness, LimitsForm { tokens_max: "3".into(), ..LimitsForm::default() }).await;
    let (engine, admin) = (&harness.engine, &harness.admin);
    let first = engine.create_api_token(admin, &token()).await.unwrap().token;
    let second = engine.rotate_api_token(admin, &first.id, 24).await.unwrap().token;
    let refused = engine.rotate_api_token(admin, &second.id, 24).await.unwrap_err();
    assert!(refused.to_string().contains("without an overlap"), "{refused}");
    assert_eq!(working_tokens(&harness, admin).await, 3);
    assert_eq!(engine.api_token(admin, &second.id).await.unwrap().replaced_by, None, "it was not replaced");
    let third = engine.rotate_api_token(admin, &second.id, 0).await.unwrap().token;
    assert_eq!(working_tokens(&harness, admin).await, 3);
    harness.clock.step_ms(24 * HOUR_MS);
    require_conflicts(&join_all([&first, &third].map(|one| engine.rotate_api_token(admin, &one.id, 24))).await, 1);
}

async fn operators_tokens_are_limited_too(harness: TestHarness) {
    let olga = operator(&harness).await;
    let most = domain::account::Limit::Tokens.default() as usize;
    let mut made = Vec::new();
    while made.len() < most - 2 {
        made.push(harness.engine.create_api_token(&olga, &token()).await.unwrap());
    }
    let new = token();
    require_conflicts(&join_all((0..AT_ONCE).map(|_| harness.engine.create_api_token(&olga, &new))).await, 2);
}

async fn an_expired_invitation_is_not_renewed_above_the_limit(harness: TestHarness) {
    limited(&harness, LimitsForm { members_max: "2".into(), ..LimitsForm::default() }).await;
    let (engine, admin) = (&harness.engine, &harness.admin);
    let first = engine.invite(admin, invite(1)).await.unwrap();
    harness.clock.step_ms(INVITATION_MS);
    let second = engine.invite(admin, invite(2)).await.unwrap();
    let refused = engine.resend_invitation(admin, TeamKind::Account, &first.id).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    assert!(engine.resend_invitation(admin, TeamKind::Account, &second.id).await.is_ok(), "it replaces itself");
}

async fn endpoints_that_move_at_the_same_time_do_not_exceed_the_limit_of_a_host(harness: TestHarness) {
    limited(&harness, LimitsForm { endpoints_per_host_max: "2".into(), ..LimitsForm::default() }).await;
    let (engine, admin) = (&harness.engine, &harness.admin);
    let mut moving = Vec::new();
    for n in 0..4 {
        let elsewhere = form(&format!("https://crm{n}.acme.example/")).input().unwrap();
        moving.push(engine.create_endpoint(admin, &elsewhere, Duplicate::Allow).await.unwrap().endpoint.id);
    }
    let here = form(&harness.receiver.url()).input().unwrap();
    let moved = join_all(moving.iter().map(|id| engine.update_endpoint(admin, id, &here, None))).await;
    require_conflicts(&moved, 2);
    assert_eq!(engine.account_usage(admin).await.unwrap().busiest_host, Some(("127.0.0.1".to_owned(), 2)));
}

async fn another_spelling_of_a_host_counts_as_the_same(harness: TestHarness) {
    limited(&harness, LimitsForm { endpoints_per_host_max: "1".into(), ..LimitsForm::default() }).await;
    let (engine, admin) = (&harness.engine, &harness.admin);
    let create = async |url: &str| engine.create_endpoint(admin, &form(url).input().unwrap(), Duplicate::Allow).await;
    create("http://127.0.0.1:8080/").await.unwrap();
    let named = create("https://crm.acme.example/").await.unwrap().endpoint;
    for again in ["http://[::ffff:127.0.0.1]/", "https://CRM.acme.example./other"] {
        let refused = create(again).await;
        assert!(matches!(refused, Err(Error::Conflict { .. })), "{again}: {refused:?}");
    }
    let moved = form("https://crm.acme.example.:8443/").input().unwrap();
    assert!(engine.update_endpoint(admin, &named.id, &moved, None).await.is_ok(), "it is there already");
}
