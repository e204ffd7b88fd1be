//! People and programs coming in.

use domain::actor::Actor;
use domain::{
    Error,
    account::{AccountForm, Accounts, Role, SignUp},
    audit::{Audit, AuditFilter},
    delivery::Deliveries,
    event::Events,
    filter::DeliveryFilter,
    installation::{
        Installation,
        accounts::{Naming, NewAccount},
    },
    time::DAY_MS,
    token::{Scope, TokenForm, Tokens},
};
use engine::background::Worker as _;
use engine::{Affiliation, store::users::sessions::Stored};

use crate::{
    bed::{Bed, on_both},
    operate::operator,
};

on_both! {
    a_person_signs_in_with_the_right_password_only
    signing_in_gets_slower_with_each_failure
    failed_sign_ins_count_for_a_day
    an_address_signs_up_once
    a_token_is_known_by_its_text_alone
    a_session_lives_until_it_expires_or_is_deleted
    an_operator_creates_people_and_accounts
    a_name_is_one_line_at_every_door
    a_reference_never_leads_to_another_account_than_an_id
    a_text_with_a_nul_finds_nothing_and_breaks_nothing
}

const PASSWORD: &str = "correct horse battery";

async fn a_person_signs_in_with_the_right_password_only(bed: Bed) {
    let user = bed.engine.sign_in("ANA@acme.example ", PASSWORD, "1.1.1.1").await.unwrap().enough().unwrap();
    let (user, memberships) = bed.engine.memberships(&user.id).await.unwrap();
    assert_eq!((user.email.as_str(), memberships[0].role), ("ana@acme.example", Role::Admin));
    let wrong = bed.engine.sign_in("ana@acme.example", "wrong", "1.1.1.1").await.unwrap_err();
    let unknown = bed.engine.sign_in("bob@acme.example", "wrong", "1.1.1.1").await.unwrap_err();
    assert_eq!(wrong, unknown, "no word tells whether an address is known");
}

async fn signing_in_gets_slower_with_each_failure(bed: Bed) {
    for _ in 0..5 {
        let wrong = bed.engine.sign_in("ana@acme.example", "wrong", "1.1.1.1").await;
        assert!(matches!(wrong, Err(Error::Unauthenticated(_))));
    }
    let blocked = bed.engine.sign_in("ana@acme.example", PASSWORD, "2.2.2.2").await;
    assert_eq!(blocked, Err(Error::TooMany { retry_after_s: 2 }));
    bed.clock.step_ms(2_000);
    assert!(bed.engine.sign_in("ana@acme.example", PASSWORD, "2.2.2.2").await.is_ok());
    assert!(bed.engine.sign_in("ana@acme.example", PASSWORD, "2.2.2.2").await.is_ok(), "a success forgives");
}

async fn failed_sign_ins_count_for_a_day(bed: Bed) {
    let fail = async || bed.engine.sign_in("ana@acme.example", "wrong", "1.1.1.1").await.unwrap_err();
    let kept = async || bed.texts("SELECT key FROM sign_in_failures".to_owned()).await.len();
    for _ in 0..4 {
        fail().await;
    }
    bed.clock.step_ms(DAY_MS - 1);
    bed.engine.background().expiry.tick().await.unwrap();
    assert_eq!(kept().await, 2, "by address and by client");
    fail().await;
    assert_eq!(fail().await, Error::TooMany { retry_after_s: 2 }, "the fifth was counted as such");
    bed.clock.step_ms(2_000 + DAY_MS);
    bed.engine.background().expiry.tick().await.unwrap();
    assert_eq!(kept().await, 0);
}

async fn an_address_signs_up_once(bed: Bed) {
    let form = SignUp {
        email: "ana@acme.example".into(),
        password: PASSWORD.into(),
        account: "Again".into(),
        ..SignUp::default()
    };
    assert_eq!(bed.engine.sign_up(form).await.unwrap_err().fields()[0].field, "email");
}

async fn a_token_is_known_by_its_text_alone(bed: Bed) {
    let account = bed.token.account().unwrap();
    let (_, text) =
        bed.engine.create_token(&Actor::COMMAND_LINE, Some(account), "ci", &[Scope::EventsWrite]).await.unwrap();
    let actor = bed.engine.authenticate(&text, "203.0.113.9").await.unwrap();
    assert_eq!(actor.account(), Ok(account));
    assert!(matches!(bed.engine.authenticate("oh_unknown", "").await, Err(Error::Unauthenticated(_))));
    let (_, platform) =
        bed.engine.create_token(&Actor::COMMAND_LINE, None, "pbx", &[Scope::EventsWrite]).await.unwrap();
    let platform = bed.engine.authenticate(&platform, "").await.unwrap();
    assert!(platform.account().is_err());
    assert!(bed.engine.create_token(&Actor::COMMAND_LINE, None, "pbx", &[Scope::DeliveriesRead]).await.is_err());
}

async fn a_session_lives_until_it_expires_or_is_deleted(bed: Bed) {
    let soon = bed.now().plus_ms(1_000);
    let kept = |data| Stored { id: "a", data, expires: soon, owner: None };
    assert!(bed.engine.create_session(kept("{}")).await.unwrap());
    assert!(!bed.engine.create_session(kept("{}")).await.unwrap(), "an id is given once");
    bed.engine.save_session(kept("{\"user\":1}")).await.unwrap();
    assert_eq!(bed.engine.load_session("a").await.unwrap().as_deref(), Some("{\"user\":1}"));
    bed.clock.step_ms(1_000);
    assert_eq!(bed.engine.load_session("a").await.unwrap(), None);
    bed.engine.delete_session("a").await.unwrap();
    bed.engine.save_session(Stored { expires: bed.now().plus_ms(1_000), ..kept("{}") }).await.unwrap();
    assert_eq!(bed.engine.load_session("a").await.unwrap(), None, "an ended session does not come back");
}

async fn an_operator_creates_people_and_accounts(bed: Bed) {
    let account = bed.engine.create_account(&Actor::COMMAND_LINE, "Beta", Some("customer-7")).await.unwrap();
    assert!(matches!(
        bed.engine.create_account(&Actor::COMMAND_LINE, "Gamma", Some("customer-7")).await,
        Err(Error::Conflict { .. })
    ));
    let place = Affiliation::Member(account.id.clone(), Role::Viewer);
    let user = bed.engine.create_user(&Actor::COMMAND_LINE, "bob@beta.example", PASSWORD, place).await.unwrap();
    assert!(bed.engine.actor(&user, &account.id).await.is_ok());
    assert!(matches!(bed.engine.actor(&user, bed.token.account().unwrap()).await, Err(Error::NotFound(_))));
}

async fn a_name_is_one_line_at_every_door(bed: Bed) {
    let (engine, cli, account) = (&bed.engine, &Actor::COMMAND_LINE, bed.token.account().unwrap());
    let olga = operator(&bed).await;
    for name in ["", "Acme\r\nBcc: all@acme.example", "a\u{0}b", "a\u{2028}b", &"x".repeat(121)] {
        let named = || name.to_owned();
        let sign_up = SignUp {
            account: named(),
            email: "bob@beta.example".into(),
            password: PASSWORD.into(),
            ..SignUp::default()
        };
        let open = NewAccount { name: named(), ..NewAccount::default() };
        let naming = Naming { name: named(), ..Naming::default() };
        let settings = AccountForm { name: named(), ..AccountForm::default() };
        let token = TokenForm { name: named(), scopes: vec!["events:read".into()], ..TokenForm::default() };
        let refused = [
            engine.sign_up(sign_up).await.err(),
            engine.create_account(cli, name, None).await.err(),
            engine.open_account(&olga, &open).await.err(),
            engine.rename_account(&olga, account, &naming).await.err(),
            engine.change_account(&bed.admin, &settings).await.err(),
            engine.make_api_token(&bed.admin, &token).await.err(),
            engine.create_token(cli, Some(account), name, &[Scope::EventsRead]).await.err(),
        ];
        for (door, refused) in refused.iter().enumerate() {
            let field = if door == 0 { "account" } else { "name" };
            assert_eq!(refused.as_ref().unwrap().fields()[0].field, field, "door {door}, {name:?}");
        }
    }
}

async fn a_reference_never_leads_to_another_account_than_an_id(bed: Bed) {
    let (olga, account) = (operator(&bed).await, bed.token.account().unwrap());
    let about = |refused: Option<Error>| refused.unwrap().fields()[0].field.clone();
    let made = bed.engine.create_account(&Actor::COMMAND_LINE, "Rival", Some(account.as_str())).await;
    assert_eq!(about(made.err()), "reference");
    let named = |name: &str| (name.to_owned(), account.to_string());
    let (name, reference) = named("Rival");
    let opened = bed.engine.open_account(&olga, &NewAccount { name, reference, ..NewAccount::default() }).await;
    assert_eq!(about(opened.err()), "reference");
    let rival = bed.engine.create_account(&Actor::COMMAND_LINE, "Rival", Some("rival")).await.unwrap();
    let (name, reference) = named("Rival");
    assert_eq!(
        about(bed.engine.rename_account(&olga, &rival.id, &Naming { name, reference }).await.err()),
        "reference"
    );
    // One that was taken before this was refused.
    let taken = "UPDATE accounts SET reference = (SELECT MIN(id) FROM accounts) WHERE name = 'Rival'";
    bed.execute(taken).await.unwrap();
    let (_, platform) =
        bed.engine.create_token(&Actor::COMMAND_LINE, None, "pbx", &[Scope::EventsWrite]).await.unwrap();
    let platform = bed.engine.authenticate(&platform, "").await.unwrap();
    assert_eq!(bed.engine.account_for_events(&platform, Some(account.as_str())).await.unwrap(), *account);
}

async fn a_text_with_a_nul_finds_nothing_and_breaks_nothing(bed: Bed) {
    for query in ["q=a%00b", "call=%00", "cursor=%00", "who=a%00&object=%00b"] {
        assert!(bed.engine.deliveries(&bed.admin, &DeliveryFilter::parse(query)).await.is_ok(), "{query}");
        assert!(bed.engine.audit(&bed.admin, &AuditFilter::parse(query)).await.is_ok(), "{query}");
    }
    let wrong = bed.engine.sign_in("ana\u{0}@acme.example", PASSWORD, "1.1.1.1").await;
    assert!(matches!(wrong, Err(Error::Unauthenticated(_))), "{wrong:?}");
    let unknown = bed.engine.account_for_events(&bed.token, Some("a\u{0}b")).await;
    assert!(matches!(unknown, Err(Error::NotFound(_))), "{unknown:?}");
}
