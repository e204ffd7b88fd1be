//! Signing in, signing up, and API tokens.

use domain::actor::Actor;
use domain::{
    Error,
    account::{AccountForm, Accounts, RequestOrigin, Role, SignUp},
    audit::{Audit, AuditFilter},
    delivery::Deliveries,
    event::Events,
    filter::DeliveryFilter,
    ops::{
        OpsAccounts,
        accounts::{AccountNameForm, NewAccount},
    },
    time::DAY_MS,
    token::{NewToken, Scope, Tokens},
};
use engine::background::Worker as _;
use engine::{Affiliation, store::users::sessions::Stored};
use futures::future::join_all;

use crate::{
    harness::{TestHarness, on_both},
    ops::operator,
};

on_both! { failures_at_the_same_time_are_all_counted a_user_signs_in_only_with_the_right_password signing_in_gets_slower_with_each_failure failed_sign_ins_count_for_a_day an_email_address_signs_up_once a_token_is_recognised_by_its_text_alone a_session_lives_until_it_expires_or_is_deleted an_operator_creates_users_and_accounts a_name_is_a_single_line_wherever_it_is_entered a_reference_and_an_id_never_lead_to_different_accounts a_nul_in_a_search_matches_nothing_and_breaks_nothing }

const PASSWORD: &str = "correct horse battery";

async fn a_user_signs_in_only_with_the_right_password(harness: TestHarness) {
    let user = harness.engine.sign_in("ANA@acme.example ", PASSWORD, "1.1.1.1", "").await.unwrap().enough().unwrap();
    let (user, memberships) = harness.engine.memberships(&user.id).await.unwrap();
    assert_eq!((user.email.as_str(), memberships[0].role), ("ana@acme.example", Role::Admin));
    let wrong = harness.engine.sign_in("ana@acme.example", "wrong", "1.1.1.1", "").await.unwrap_err();
    let unknown = harness.engine.sign_in("bob@acme.example", "wrong", "1.1.1.1", "").await.unwrap_err();
    assert_eq!(wrong, unknown, "the response does not reveal whether an address is known");
}

async fn signing_in_gets_slower_with_each_failure(harness: TestHarness) {
    for _ in 0..5 {
        let wrong = harness.engine.sign_in("ana@acme.example", "wrong", "1.1.1.1", "").await;
        assert!(matches!(wrong, Err(Error::Unauthenticated(_))));
    }
    let blocked = harness.engine.sign_in("ana@acme.example", PASSWORD, "2.2.2.2", "").await;
    assert_eq!(blocked, Err(Error::TooMany { retry_after_s: 2 }));
    harness.clock.step_ms(2_000);
    assert!(harness.engine.sign_in("ana@acme.example", PASSWORD, "2.2.2.2", "").await.is_ok());
    assert!(
        harness.engine.sign_in("ana@acme.example", PASSWORD, "2.2.2.2", "").await.is_ok(),
        "a success resets the failures"
    );
}

async fn failed_sign_ins_count_for_a_day(harness: TestHarness) {
    let fail = async || harness.engine.sign_in("ana@acme.example", "wrong", "1.1.1.1", "").await.unwrap_err();
    let kept = async || harness.texts("SELECT key FROM sign_in_failures".to_owned()).await.len();
    for _ in 0..4 {
        fail().await;
    }
    harness.clock.step_ms(DAY_MS - 1);
    harness.engine.background().expiry.tick().await.unwrap();
    assert_eq!(kept().await, 2, "by address and by client");
    fail().await;
    assert_eq!(fail().await, Error::TooMany { retry_after_s: 2 }, "the fifth was counted as such");
    harness.clock.step_ms(2_000 + DAY_MS);
    harness.engine.background().expiry.tick().await.unwrap();
    assert_eq!(kept().await, 0);
}

async fn an_email_address_signs_up_once(harness: TestHarness) {
    harness.mail.configure(false);
    let form = SignUp {
        email: "ana@acme.example".into(),
        password: PASSWORD.into(),
        account: "Again".into(),
        ..SignUp::default()
    };
    assert_eq!(
        harness.engine.sign_up(form, RequestOrigin::Elsewhere, "203.0.113.9").await.unwrap_err().fields()[0].field,
        "email"
    );
}

async fn failures_at_the_same_time_are_all_counted(harness: TestHarness) {
    let tries = (0..8).map(|_| harness.engine.sign_in("ana@acme.example", "wrong", "1.1.1.1", ""));
    let tries = join_all(tries).await;
    let counted = tries.iter().filter(|tried| !matches!(tried, Err(Error::TooMany { .. }))).count();
    let failures = "SELECT CAST(failures AS TEXT) FROM sign_in_failures ORDER BY key";
    assert_eq!(harness.texts(failures.to_owned()).await, [counted.to_string(), counted.to_string()]);
    assert!(counted > 1);
}

async fn a_token_is_recognised_by_its_text_alone(harness: TestHarness) {
    let account = harness.token.account().unwrap();
    let (_, text) =
        harness.engine.create_token(&Actor::COMMAND_LINE, Some(account), "ci", &[Scope::EventsWrite]).await.unwrap();
    let actor = harness.engine.authenticate(&text, "203.0.113.9").await.unwrap();
    assert_eq!(actor.account(), Ok(account));
    assert!(matches!(harness.engine.authenticate("oh_unknown", "").await, Err(Error::Unauthenticated(_))));
    let (_, platform) =
        harness.engine.create_token(&Actor::COMMAND_LINE, None, "pbx", &[Scope::EventsWrite]).await.unwrap();
    let platform = harness.engine.authenticate(&platform, "").await.unwrap();
    assert!(platform.account().is_err());
    assert!(harness.engine.create_token(&Actor::COMMAND_LINE, None, "pbx", &[Scope::DeliveriesRead]).await.is_err());
}

async fn a_session_lives_until_it_expires_or_is_deleted(harness: TestHarness) {
    let soon = harness.now().plus_ms(1_000);
    let kept = |data| Stored { id: "a", data, expires: soon, owner: None };
    assert!(harness.engine.create_session(kept("{}")).await.unwrap());
    assert!(!harness.engine.create_session(kept("{}")).await.unwrap(), "an id is used once");
    let add = |add: &'static str| move |data: &str| Some((format!("{data}{add}"), soon, None));
    join_all(["1", "2", "3"].map(|more| harness.engine.update_session("a", add(more)))).await;
    let stored = harness.engine.load_session("a").await.unwrap().unwrap();
    assert!(stored.len() == 5 && ["{}", "1", "2", "3"].iter().all(|part| stored.contains(part)), "{stored}");
    harness.clock.step_ms(1_000);
    assert_eq!(harness.engine.load_session("a").await.unwrap(), None);
    harness.engine.delete_session("a").await.unwrap();
    let later = harness.now().plus_ms(1_000);
    harness.engine.update_session("a", |_| Some(("{}".into(), later, None))).await.unwrap();
    assert_eq!(harness.engine.load_session("a").await.unwrap(), None, "an ended session does not come back");
}

async fn an_operator_creates_users_and_accounts(harness: TestHarness) {
    let account = harness.engine.create_account(&Actor::COMMAND_LINE, "Beta", Some("customer-7")).await.unwrap();
    assert!(matches!(
        harness.engine.create_account(&Actor::COMMAND_LINE, "Gamma", Some("customer-7")).await,
        Err(Error::Conflict { .. })
    ));
    let place = Affiliation::Member(account.id.clone(), Role::Viewer);
    let user = harness.engine.create_user(&Actor::COMMAND_LINE, "bob@beta.example", PASSWORD, place).await.unwrap();
    assert!(harness.engine.actor(&user, &account.id).await.is_ok());
    assert!(matches!(harness.engine.actor(&user, harness.token.account().unwrap()).await, Err(Error::NotFound(_))));
}

async fn a_name_is_a_single_line_wherever_it_is_entered(harness: TestHarness) {
    let (engine, cli, account) = (&harness.engine, &Actor::COMMAND_LINE, harness.token.account().unwrap());
    let olga = operator(&harness).await;
    for name in ["", "Acme\r\nBcc: all@acme.example", "a\u{0}b", "a\u{2028}b", &"x".repeat(121)] {
        let named = || name.to_owned();
        let sign_up = SignUp {
            account: named(),
            email: "bob@beta.example".into(),
            password: PASSWORD.into(),
            ..SignUp::default()
        };
        let open = NewAccount { name: named(), ..NewAccount::default() };
        let naming = AccountNameForm { name: named(), ..AccountNameForm::default() };
        let settings = AccountForm { name: named(), ..AccountForm::default() };
        let token = NewToken { name: named(), scopes: vec![Scope::EventsRead], expires_days: None };
        let refused = [
            engine.sign_up(sign_up, RequestOrigin::Elsewhere, "203.0.113.9").await.err(),
            engine.create_account(cli, name, None).await.err(),
            engine.create_customer_account(&olga, &open).await.err(),
            engine.rename_account(&olga, account, &naming).await.err(),
            engine.change_account(&harness.admin, &settings.input().unwrap()).await.err(),
            engine.create_api_token(&harness.admin, &token).await.err(),
            engine.create_token(cli, Some(account), name, &[Scope::EventsRead]).await.err(),
        ];
        for (door, refused) in refused.iter().enumerate() {
            let field = if door == 0 { "account" } else { "name" };
            assert_eq!(refused.as_ref().unwrap().fields()[0].field, field, "door {door}, {name:?}");
        }
    }
}

async fn a_reference_and_an_id_never_lead_to_different_accounts(harness: TestHarness) {
    let (olga, account) = (operator(&harness).await, harness.token.account().unwrap());
    let about = |refused: Option<Error>| refused.unwrap().fields()[0].field.clone();
    let made = harness.engine.create_account(&Actor::COMMAND_LINE, "Rival", Some(account.as_str())).await;
    assert_eq!(about(made.err()), "reference");
    let named = |name: &str| (name.to_owned(), account.to_string());
    let (name, reference) = named("Rival");
    let opened =
        harness.engine.create_customer_account(&olga, &NewAccount { name, reference, ..NewAccount::default() }).await;
    assert_eq!(about(opened.err()), "reference");
    let rival = harness.engine.create_account(&Actor::COMMAND_LINE, "Rival", Some("rival")).await.unwrap();
    let (name, reference) = named("Rival");
    assert_eq!(
        about(harness.engine.rename_account(&olga, &rival.id, &AccountNameForm { name, reference }).await.err()),
        "reference"
    );
    // A reference stored before this rule existed.
    let taken = "UPDATE accounts SET reference = (SELECT MIN(id) FROM accounts) WHERE name = 'Rival'";
    harness.execute(taken).await.unwrap();
    let (_, platform) =
        harness.engine.create_token(&Actor::COMMAND_LINE, None, "pbx", &[Scope::EventsWrite]).await.unwrap();
    let platform = harness.engine.authenticate(&platform, "").await.unwrap();
    assert_eq!(harness.engine.account_for_events(&platform, Some(account.as_str())).await.unwrap(), *account);
}

async fn a_nul_in_a_search_matches_nothing_and_breaks_nothing(harness: TestHarness) {
    for query in ["q=a%00b", "call=%00", "cursor=%00", "who=a%00&object=%00b"] {
        assert!(harness.engine.deliveries(&harness.admin, &DeliveryFilter::parse(query)).await.is_ok(), "{query}");
        assert!(harness.engine.audit(&harness.admin, &AuditFilter::parse(query)).await.is_ok(), "{query}");
    }
    let wrong = harness.engine.sign_in("ana\u{0}@acme.example", PASSWORD, "1.1.1.1", "").await;
    assert!(matches!(wrong, Err(Error::Unauthenticated(_))), "{wrong:?}");
    let unknown = harness.engine.account_for_events(&harness.token, Some("a\u{0}b")).await;
    assert!(matches!(unknown, Err(Error::NotFound(_))), "{unknown:?}");
}
