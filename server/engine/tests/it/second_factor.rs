//! Second factors: set up, asked for, used once, and taken away.

use domain::{
    Error,
    account::{Accounts, Role},
    actor::Actor,
    audit::Deed,
    id::UserId,
    member::Members,
    person::{NewPassword, People},
    second_factor::{DRAFT_MS, FirstStep, PENDING_SIGN_IN_MS, PendingSignIn, ProvedBy, RECOVERY_CODES, SecondFactors},
    time::{MINUTE_MS, SECOND_MS},
    totp::{STEP_S, TotpKey, step_at},
};
use engine::store::sessions::{Owner, Stored};

use crate::bed::{Bed, newcomer, on_both};

on_both! {
    a_second_factor_is_on_when_its_first_code_is_right
    a_new_key_waits_a_while_for_its_own_person
    signing_in_asks_for_a_code_that_is_new
    a_code_one_step_early_or_late_is_taken
    many_guesses_at_once_wait_as_long_as_one_after_the_other
    wrong_codes_make_the_next_one_wait_whatever_the_password
    the_code_must_follow_the_password_within_minutes
    a_new_password_ends_a_sign_in_that_waits_and_keeps_the_factor
    a_recovery_code_signs_in_once
    new_recovery_codes_end_those_until_now
    switching_off_takes_a_code
    an_operator_takes_a_lost_factor_away
    nothing_of_a_factor_stands_in_the_database_in_clear
    members_show_whether_they_have_a_second_factor
}

const PASSWORD: &str = "correct horse battery";
const ANA: &str = "ana@acme.example";
const IP: &str = "203.0.113.9";
const STEP_MS: i64 = STEP_S * SECOND_MS;

/// Ana with her app: a second factor that is on.
struct App {
    user: UserId,
    key: TotpKey,
    codes: Vec<String>,
}

impl App {
    /// Sets one up, and waits until its first code is over.
    async fn of_ana(bed: &Bed) -> Self {
        let user = id(&bed.admin);
        let draft = bed.engine.draft_factor(&user).await.unwrap();
        let shown = bed.engine.drafted_factor(&user, &draft).await.unwrap();
        let key = TotpKey::parse(&shown.key.replace(' ', "")).unwrap();
        let code = key.code(step_at(bed.now()));
        let sealed = bed.engine.switch_factor_on(&user, &draft, &code, "here", IP).await.unwrap();
        let codes = bed.engine.open_recovery_codes(&user, &sealed).await.unwrap();
        bed.clock.step_ms(STEP_MS);
        Self { user, key, codes }
    }

    /// The code of now, or of so many steps later.
    fn code(&self, bed: &Bed, later: i64) -> String {
        self.key.code(step_at(bed.now()) + later)
    }

    /// Six digits that are no code near now.
    fn wrong(&self, bed: &Bed) -> String {
        let near: Vec<_> = (-3..=60).map(|later| self.code(bed, later)).collect();
        (0..).map(|n| format!("{n:06}")).find(|code| !near.contains(code)).unwrap()
    }
}

fn id(actor: &Actor) -> UserId {
    UserId::parse(actor.id().unwrap()).unwrap()
}

async fn password(bed: &Bed) -> PendingSignIn {
    bed.engine.sign_in(ANA, PASSWORD, IP).await.unwrap().half().unwrap()
}

fn complaint<T: std::fmt::Debug>(result: domain::Result<T>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.fields().first().map(|one| one.field.as_str()), Some("code"), "{error:?}");
    error.to_string()
}

async fn subject(bed: &Bed) -> String {
    bed.mail.emails().pop().unwrap().subject
}

async fn a_second_factor_is_on_when_its_first_code_is_right(bed: Bed) {
    let user = id(&bed.admin);
    let owner = Owner { user: user.to_string(), ..Owner::default() };
    for session in ["here", "there"] {
        let stored = Stored { id: session, data: "{}", expires: bed.now().plus_ms(DRAFT_MS), owner: Some(&owner) };
        bed.engine.create_session(stored).await.unwrap();
    }
    let draft = bed.engine.draft_factor(&user).await.unwrap();
    assert_eq!(bed.engine.second_factor(&user).await, Ok(None), "a draft is nothing yet");
    assert!(matches!(bed.engine.sign_in(ANA, PASSWORD, IP).await, Ok(FirstStep::Enough(_))));
    let shown = bed.engine.drafted_factor(&user, &draft).await.unwrap();
    assert!(shown.uri.starts_with("otpauth://totp/Offhook%20at%20127.0.0.1:ana%40acme.example?secret="), "{shown:?}");
    let key = TotpKey::parse(&shown.key.replace(' ', "")).unwrap();
    let far = key.code(step_at(bed.now()) + 50);
    for (typed, says) in [("", "Give the code"), ("12345", "6 digits"), (far.as_str(), "not right")] {
        let refused = bed.engine.switch_factor_on(&user, &draft, typed, "here", IP).await;
        assert!(complaint(refused).contains(says), "{typed}");
    }
    assert_eq!(bed.engine.second_factor(&user).await, Ok(None));
    let code = key.code(step_at(bed.now()));
    bed.engine.switch_factor_on(&user, &draft, &code, "here", IP).await.unwrap();
    let factor = bed.engine.second_factor(&user).await.unwrap().unwrap();
    assert_eq!((factor.since, factor.codes_left as usize), (bed.now(), RECOVERY_CODES));
    assert!(bed.engine.load_session("here").await.unwrap().is_some());
    assert_eq!(bed.engine.load_session("there").await, Ok(None), "it was opened by a password alone");
    assert!(subject(&bed).await.ends_with("on"));
    let again = bed.engine.switch_factor_on(&user, &draft, &code, "here", IP).await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
    assert!(matches!(bed.engine.draft_factor(&user).await, Err(Error::Conflict { .. })));
    let pending = password(&bed).await;
    let said = complaint(bed.engine.finish_sign_in(&pending, &code, IP).await);
    assert!(said.contains("used already"), "the first code does not sign in as well: {said}");
}

async fn a_new_key_waits_a_while_for_its_own_person(bed: Bed) {
    let (user, (stranger, _)) = (id(&bed.admin), newcomer(&bed.engine, "Beta").await);
    let draft = bed.engine.draft_factor(&user).await.unwrap();
    let gone = Err(Error::NotFound("Key of a second factor".into()));
    assert_eq!(bed.engine.drafted_factor(&id(&stranger), &draft).await, gone, "it is sealed for its person");
    bed.clock.step_ms(DRAFT_MS - 1);
    assert!(bed.engine.drafted_factor(&user, &draft).await.is_ok());
    bed.clock.step_ms(1);
    assert_eq!(bed.engine.drafted_factor(&user, &draft).await, gone);
    let late = bed.engine.switch_factor_on(&user, &draft, "000000", "here", IP).await;
    assert!(matches!(late, Err(Error::NotFound(_))), "{late:?}");
}

async fn signing_in_asks_for_a_code_that_is_new(bed: Bed) {
    let app = App::of_ana(&bed).await;
    let (wrong, unknown) =
        (bed.engine.sign_in(ANA, "wrong", IP).await, bed.engine.sign_in("bob@acme.example", "wrong", IP).await);
    assert_eq!(wrong, unknown, "before the password is right nothing tells of a second factor");
    let pending = password(&bed).await;
    assert!(complaint(bed.engine.finish_sign_in(&pending, &app.wrong(&bed), IP).await).contains("not right"));
    let code = app.code(&bed, 0);
    let spaced = format!(" {} {} ", &code[..3], &code[3..]);
    let (user, by) = bed.engine.finish_sign_in(&pending, &spaced, IP).await.unwrap();
    assert_eq!((user.email.as_str(), by), (ANA, ProvedBy::App));
    let pending = password(&bed).await;
    assert!(complaint(bed.engine.finish_sign_in(&pending, &code, IP).await).contains("used already"));
    bed.clock.step_ms(STEP_MS);
    assert!(complaint(bed.engine.finish_sign_in(&pending, &code, IP).await).contains("used already"), "also next step");
    assert!(bed.engine.finish_sign_in(&pending, &app.code(&bed, 0), IP).await.is_ok());
}

async fn a_code_one_step_early_or_late_is_taken(bed: Bed) {
    let app = App::of_ana(&bed).await;
    bed.clock.step_ms(10 * STEP_MS);
    let pending = password(&bed).await;
    for later in [-2, 2] {
        let far = bed.engine.finish_sign_in(&pending, &app.code(&bed, later), IP).await;
        assert!(complaint(far).contains("not right"), "{later}");
    }
    for later in [-1, 0, 1] {
        assert!(bed.engine.finish_sign_in(&pending, &app.code(&bed, later), IP).await.is_ok(), "{later}");
    }
    let earlier = bed.engine.finish_sign_in(&pending, &app.code(&bed, 0), IP).await;
    assert!(complaint(earlier).contains("used already"), "after the code of the next step");
}

async fn many_guesses_at_once_wait_as_long_as_one_after_the_other(bed: Bed) {
    let app = App::of_ana(&bed).await;
    let (pending, wrong) = (password(&bed).await, app.wrong(&bed));
    let guesses = (0..20).map(|_| bed.engine.finish_sign_in(&pending, &wrong, IP));
    let answers = futures::future::join_all(guesses).await;
    let judged = answers.iter().filter(|one| matches!(one, Err(Error::Invalid(_)))).count();
    let told_to_wait = answers.iter().filter(|one| matches!(one, Err(Error::TooMany { .. }))).count();
    assert_eq!((judged, told_to_wait), (5, 15));
    bed.clock.step_ms(2 * SECOND_MS);
    let code = app.code(&bed, 0);
    let (one, other) =
        futures::join!(bed.engine.finish_sign_in(&pending, &code, IP), bed.engine.finish_sign_in(&pending, &code, IP));
    assert_eq!(
        [one.is_ok(), other.is_ok()].iter().filter(|ok| **ok).count(),
        1,
        "a code works once: {one:?} {other:?}"
    );
}

async fn wrong_codes_make_the_next_one_wait_whatever_the_password(bed: Bed) {
    let app = App::of_ana(&bed).await;
    let pending = password(&bed).await;
    for _ in 0..5 {
        complaint(bed.engine.finish_sign_in(&pending, &app.wrong(&bed), IP).await);
    }
    let pending = password(&bed).await;
    let blocked = bed.engine.finish_sign_in(&pending, &app.code(&bed, 0), "192.0.2.1").await;
    assert_eq!(blocked, Err(Error::TooMany { retry_after_s: 2 }), "a right password forgives no wrong code");
    let off = bed.engine.switch_factor_off(&app.user, &app.code(&bed, 0), "192.0.2.1").await;
    assert_eq!(off, Err(Error::TooMany { retry_after_s: 2 }), "nor is there another door");
    bed.clock.step_ms(2 * SECOND_MS);
    assert!(complaint(bed.engine.finish_sign_in(&pending, "zzzz-zzzz-zzzz-zzzz", IP).await).contains("none of your"));
    let blocked = bed.engine.finish_sign_in(&pending, &app.codes[0], IP).await;
    assert_eq!(blocked, Err(Error::TooMany { retry_after_s: 4 }), "it doubles");
    bed.clock.step_ms(4 * SECOND_MS);
    assert!(bed.engine.finish_sign_in(&pending, &app.code(&bed, 0), IP).await.is_ok(), "nobody is shut out for ever");
    complaint(bed.engine.finish_sign_in(&pending, &app.wrong(&bed), IP).await);
    assert!(bed.engine.finish_sign_in(&pending, &app.code(&bed, 1), IP).await.is_ok(), "a success forgives");
}

async fn the_code_must_follow_the_password_within_minutes(bed: Bed) {
    let app = App::of_ana(&bed).await;
    let pending = password(&bed).await;
    bed.clock.step_ms(PENDING_SIGN_IN_MS - 1);
    complaint(bed.engine.finish_sign_in(&pending, &app.wrong(&bed), IP).await);
    bed.clock.step_ms(1);
    let late = bed.engine.finish_sign_in(&pending, &app.code(&bed, 0), IP).await;
    assert!(matches!(&late, Err(Error::Unauthenticated(words)) if words.contains("Sign in again")), "{late:?}");
    assert!(bed.engine.finish_sign_in(&password(&bed).await, &app.code(&bed, 0), IP).await.is_ok());
}

async fn a_new_password_ends_a_sign_in_that_waits_and_keeps_the_factor(bed: Bed) {
    const NEW: &str = "violet kettle ran 7 miles";
    let app = App::of_ana(&bed).await;
    let pending = password(&bed).await;
    bed.engine.forgot(ANA).await.unwrap();
    let letter = bed.mail.emails().pop().unwrap().text;
    let link = letter.lines().find_map(|line| line.split("/reset/").nth(1)).unwrap();
    bed.engine.reset_password(link, NEW, IP).await.unwrap();
    let ended = bed.engine.finish_sign_in(&pending, &app.code(&bed, 0), IP).await;
    assert!(matches!(ended, Err(Error::Unauthenticated(_))), "{ended:?}");
    let step = bed.engine.sign_in(ANA, NEW, IP).await.unwrap();
    let pending = step.half().expect("a reset goes around no second factor");
    assert!(bed.engine.finish_sign_in(&pending, &app.code(&bed, 0), IP).await.is_ok());
    let form = NewPassword { current_password: NEW.into(), password: PASSWORD.into() };
    bed.engine.change_password(&app.user, &form, "here", IP).await.unwrap();
    assert!(bed.engine.sign_in(ANA, PASSWORD, IP).await.unwrap().half().is_some());
}

async fn a_recovery_code_signs_in_once(bed: Bed) {
    let app = App::of_ana(&bed).await;
    assert_eq!(app.codes.len(), RECOVERY_CODES);
    let pending = password(&bed).await;
    let typed = app.codes[3].to_uppercase().replace('-', " ");
    let (user, by) = bed.engine.finish_sign_in(&pending, &typed, IP).await.unwrap();
    assert_eq!((user.id, by), (app.user.clone(), ProvedBy::RecoveryCode { left: 9 }));
    assert!(subject(&bed).await.ends_with("recovery code used"));
    let again = bed.engine.finish_sign_in(&password(&bed).await, &app.codes[3], IP).await;
    assert!(complaint(again).contains("recovery code was used already"));
    assert_eq!(bed.engine.second_factor(&app.user).await.unwrap().unwrap().codes_left, 9);
    assert!(bed.engine.finish_sign_in(&pending, &app.code(&bed, 0), IP).await.is_ok(), "the app works beside them");
}

async fn new_recovery_codes_end_those_until_now(bed: Bed) {
    let (app, (stranger, _)) = (App::of_ana(&bed).await, newcomer(&bed.engine, "Beta").await);
    let sealed = bed.engine.renew_recovery_codes(&app.user, IP).await.unwrap();
    assert!(subject(&bed).await.ends_with("new recovery codes"));
    let others = bed.engine.open_recovery_codes(&id(&stranger), &sealed).await;
    assert_eq!(others, Err(Error::NotFound("Recovery codes".into())), "they are sealed for their person");
    let codes = bed.engine.open_recovery_codes(&app.user, &sealed).await.unwrap();
    let pending = password(&bed).await;
    assert!(complaint(bed.engine.finish_sign_in(&pending, &app.codes[0], IP).await).contains("none of your"));
    assert!(bed.engine.finish_sign_in(&pending, &codes[0], IP).await.is_ok());
    let off = bed.engine.renew_recovery_codes(&id(&stranger), IP).await;
    assert!(matches!(off, Err(Error::Conflict { .. })), "{off:?}");
}

async fn switching_off_takes_a_code(bed: Bed) {
    let app = App::of_ana(&bed).await;
    assert!(complaint(bed.engine.switch_factor_off(&app.user, &app.wrong(&bed), IP).await).contains("not right"));
    assert!(bed.engine.second_factor(&app.user).await.unwrap().is_some());
    bed.engine.switch_factor_off(&app.user, &app.code(&bed, 0), IP).await.unwrap();
    assert!(subject(&bed).await.ends_with("off"));
    assert!(bed.engine.sign_in(ANA, PASSWORD, IP).await.unwrap().enough().is_some());
    let off = bed.engine.switch_factor_off(&app.user, &app.code(&bed, 1), IP).await;
    assert!(matches!(off, Err(Error::Conflict { .. })), "{off:?}");
    // Whoever sets up anew has a new key and new codes.
    bed.clock.step_ms(MINUTE_MS);
    let new = App::of_ana(&bed).await;
    let pending = password(&bed).await;
    complaint(bed.engine.finish_sign_in(&pending, &app.codes[0], IP).await);
    assert!(bed.engine.finish_sign_in(&pending, &new.codes[0], IP).await.is_ok());
}

async fn an_operator_takes_a_lost_factor_away(bed: Bed) {
    let app = App::of_ana(&bed).await;
    let pending = password(&bed).await;
    let nobody = bed.engine.reset_second_factor(&Actor::COMMAND_LINE, "bob@acme.example").await;
    assert_eq!(nobody, Err(Error::NotFound("Person".into())));
    let reset = bed.engine.reset_second_factor(&Actor::COMMAND_LINE, " ANA@acme.example").await;
    assert_eq!(reset, Ok(app.user.clone()));
    assert!(bed.mail.emails().pop().unwrap().text.contains("taken away by an operator"));
    let waits = bed.engine.finish_sign_in(&pending, &app.code(&bed, 0), IP).await;
    assert!(matches!(waits, Err(Error::Unauthenticated(_))), "{waits:?}");
    assert!(
        bed.engine.sign_in(ANA, PASSWORD, IP).await.unwrap().enough().is_some(),
        "the password is asked for as before"
    );
    let again = bed.engine.reset_second_factor(&Actor::COMMAND_LINE, ANA).await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
}

async fn nothing_of_a_factor_stands_in_the_database_in_clear(bed: Bed) {
    let app = App::of_ana(&bed).await;
    bed.engine.finish_sign_in(&password(&bed).await, &app.codes[0], IP).await.unwrap();
    bed.engine.renew_recovery_codes(&app.user, IP).await.unwrap();
    bed.engine.switch_factor_off(&app.user, &app.code(&bed, 0), IP).await.unwrap();
    bed.clock.step_ms(MINUTE_MS);
    let app = App::of_ana(&bed).await;
    let all = bed
        .texts(
            "SELECT user_id || ' ' || secret_sealed FROM second_factors UNION ALL SELECT code_hash FROM recovery_codes \
             UNION ALL SELECT deed || ' ' || COALESCE(who, '') || ' ' || changes FROM audit_log \
             UNION ALL SELECT key FROM sign_in_failures"
                .to_owned(),
        )
        .await
        .join("\n");
    assert!(all.contains(ANA) && all.contains(app.user.as_str()), "it reads the right tables");
    for deed in [Deed::SecondFactorOn, Deed::SecondFactorOff, Deed::RecoveryCodeUsed, Deed::RecoveryCodesRenewed] {
        assert!(all.contains(deed.as_str()), "{deed:?} is on record: {all}");
    }
    assert!(!all.contains(&app.key.reveal()), "{all}");
    for code in &app.codes {
        assert!(!all.contains(code.as_str()) && !all.contains(&code.replace('-', "")), "{all}");
    }
}

async fn members_show_whether_they_have_a_second_factor(bed: Bed) {
    let place = engine::Place::Member(bed.admin.account().unwrap().clone(), Role::Viewer);
    bed.engine.create_user(&Actor::COMMAND_LINE, "bob@acme.example", PASSWORD, place).await.unwrap();
    App::of_ana(&bed).await;
    let members = bed.engine.people(&bed.admin).await.unwrap().members;
    let said: Vec<_> = members.iter().map(|one| (one.user.email.as_str(), one.second_factor)).collect();
    assert_eq!(said, [(ANA, true), ("bob@acme.example", false)]);
}
