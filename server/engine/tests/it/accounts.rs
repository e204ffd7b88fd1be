//! People and programs coming in.

use domain::actor::Actor;
use domain::{
    Error,
    account::{Accounts, Role, SignUp},
    time::DAY_MS,
    token::{Scope, Tokens},
};
use engine::{Place, store::sessions::Stored};

use crate::bed::{Bed, on_both};

on_both! {
    a_person_signs_in_with_the_right_password_only
    signing_in_gets_slower_with_each_failure
    failed_sign_ins_count_for_a_day
    an_address_signs_up_once
    a_token_is_known_by_its_text_alone
    a_session_lives_until_it_expires_or_is_deleted
    an_operator_creates_people_and_accounts
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
    bed.engine.sweep().await.unwrap();
    assert_eq!(kept().await, 2, "by address and by client");
    fail().await;
    assert_eq!(fail().await, Error::TooMany { retry_after_s: 2 }, "the fifth was counted as such");
    bed.clock.step_ms(2_000 + DAY_MS);
    bed.engine.sweep().await.unwrap();
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
    let place = Place::Member(account.id.clone(), Role::Viewer);
    let user = bed.engine.create_user(&Actor::COMMAND_LINE, "bob@beta.example", PASSWORD, place).await.unwrap();
    assert!(bed.engine.actor(&user, &account.id).await.is_ok());
    assert!(matches!(bed.engine.actor(&user, bed.token.account().unwrap()).await, Err(Error::NotFound(_))));
}
