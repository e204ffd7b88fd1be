//! Second factors: set up, required, used once, and removed.

use domain::{
    Error,
    account::{Accounts, Role},
    actor::Actor,
    audit::AuditAction,
    id::UserId,
    member::Members,
    second_factor::{
        DRAFT_MS, PENDING_SIGN_IN_MS, PasswordOutcome, PendingSignIn, RECOVERY_CODES, SecondFactors, VerifiedBy,
    },
    time::{MINUTE_MS, SECOND_MS},
    totp::{STEP_S, TotpKey, step_at},
    user::{NewPassword, Users},
};
use engine::store::users::sessions::{Owner, Stored};

use crate::harness::{TestHarness, on_both};

on_both! { the_first_correct_code_turns_the_second_factor_on a_draft_key_belongs_to_one_user_and_expires signing_in_requires_an_unused_code a_code_one_step_early_or_late_is_accepted concurrent_guesses_wait_as_long_as_sequential_ones wrong_codes_delay_the_next_one_whatever_the_password the_code_must_follow_the_password_within_minutes a_new_password_ends_a_pending_sign_in_and_keeps_the_second_factor a_recovery_code_signs_in_once new_recovery_codes_replace_the_old_ones turning_it_off_requires_a_code an_operator_removes_a_lost_second_factor no_part_of_a_second_factor_is_stored_in_plain_text the_member_list_shows_who_has_a_second_factor }

const PASSWORD: &str = "correct horse battery";
const ANA: &str = "ana@acme.example";
const IP: &str = "203.0.113.9";
const STEP_MS: i64 = STEP_S * SECOND_MS;

/// Ana with her authenticator app; the second factor is on.
struct App {
    user: UserId,
    key: TotpKey,
    codes: Vec<String>,
}

impl App {
    /// Sets one up and waits until its first code has expired.
    async fn of_ana(harness: &TestHarness) -> Self {
        let user = id(&harness.admin);
        let draft = harness.engine.draft_factor(&user).await.unwrap();
        let shown = harness.engine.drafted_factor(&user, &draft).await.unwrap();
        let key = TotpKey::parse(&shown.key.replace(' ', "")).unwrap();
        let code = key.code(step_at(harness.now()));
        let sealed = harness.engine.switch_factor_on(&user, &draft, &code, "here", IP).await.unwrap();
        let codes = harness.engine.open_recovery_codes(&user, &sealed).await.unwrap();
        harness.clock.step_ms(STEP_MS);
        Self { user, key, codes }
    }

    /// The current code, or the one this many steps later.
    fn code(&self, harness: &TestHarness, later: i64) -> String {
        self.key.code(step_at(harness.now()) + later)
    }

    /// Six digits that are not a code of any nearby step.
    fn wrong(&self, harness: &TestHarness) -> String {
        let near: Vec<_> = (-3..=60).map(|later| self.code(harness, later)).collect();
        (0..).map(|n| format!("{n:06}")).find(|code| !near.contains(code)).unwrap()
    }
}

fn id(actor: &Actor) -> UserId {
    UserId::parse(actor.id().unwrap()).unwrap()
}

async fn password(harness: &TestHarness) -> PendingSignIn {
    harness.engine.sign_in(ANA, PASSWORD, IP, "").await.unwrap().half().unwrap()
}

fn complaint<T: std::fmt::Debug>(result: domain::Result<T>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.fields().first().map(|one| one.field.as_str()), Some("code"), "{error:?}");
    error.to_string()
}

async fn subject(harness: &TestHarness) -> String {
    harness.emails().await.pop().unwrap().subject
}

async fn the_first_correct_code_turns_the_second_factor_on(harness: TestHarness) {
    let user = id(&harness.admin);
    let owner = Owner { user: user.to_string(), ..Owner::default() };
    for session in ["here", "there"] {
        let stored = Stored { id: session, data: "{}", expires: harness.now().plus_ms(DRAFT_MS), owner: Some(&owner) };
        harness.engine.create_session(stored).await.unwrap();
    }
    let draft = harness.engine.draft_factor(&user).await.unwrap();
    assert_eq!(harness.engine.second_factor(&user).await, Ok(None), "a draft does not count yet");
    assert!(matches!(harness.engine.sign_in(ANA, PASSWORD, IP, "").await, Ok(PasswordOutcome::SignedIn(_))));
    let shown = harness.engine.drafted_factor(&user, &draft).await.unwrap();
    assert!(shown.uri.starts_with("otpauth://totp/Offhook%20at%20127.0.0.1:ana%40acme.example?secret="), "{shown:?}");
    let key = TotpKey::parse(&shown.key.replace(' ', "")).unwrap();
    let far = key.code(step_at(harness.now()) + 50);
    for (typed, says) in [("", "Enter the code"), ("12345", "6-digit code"), (far.as_str(), "Incorrect code")] {
        let refused = harness.engine.switch_factor_on(&user, &draft, typed, "here", IP).await;
        assert!(complaint(refused).contains(says), "{typed}");
    }
    assert_eq!(harness.engine.second_factor(&user).await, Ok(None));
    let code = key.code(step_at(harness.now()));
    harness.engine.switch_factor_on(&user, &draft, &code, "here", IP).await.unwrap();
    let factor = harness.engine.second_factor(&user).await.unwrap().unwrap();
    assert_eq!((factor.since, factor.codes_left as usize), (harness.now(), RECOVERY_CODES));
    assert!(harness.engine.load_session("here").await.unwrap().is_some());
    assert_eq!(harness.engine.load_session("there").await, Ok(None), "it was opened with a password only");
    assert!(subject(&harness).await.ends_with("on"));
    let again = harness.engine.switch_factor_on(&user, &draft, &code, "here", IP).await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
    assert!(matches!(harness.engine.draft_factor(&user).await, Err(Error::Conflict { .. })));
    let pending = password(&harness).await;
    let message = complaint(harness.engine.finish_sign_in(&pending, &code, IP).await);
    assert!(message.contains("already been used"), "the first code cannot also sign in: {message}");
}

async fn a_draft_key_belongs_to_one_user_and_expires(harness: TestHarness) {
    let (user, (stranger, _)) = (id(&harness.admin), harness.newcomer("Beta").await);
    let draft = harness.engine.draft_factor(&user).await.unwrap();
    let gone = Err(Error::NotFound("Two-factor set-up".into()));
    assert_eq!(harness.engine.drafted_factor(&id(&stranger), &draft).await, gone, "it is sealed for its user");
    harness.clock.step_ms(DRAFT_MS - 1);
    assert!(harness.engine.drafted_factor(&user, &draft).await.is_ok());
    harness.clock.step_ms(1);
    assert_eq!(harness.engine.drafted_factor(&user, &draft).await, gone);
    let late = harness.engine.switch_factor_on(&user, &draft, "000000", "here", IP).await;
    assert!(matches!(late, Err(Error::NotFound(_))), "{late:?}");
}

async fn signing_in_requires_an_unused_code(harness: TestHarness) {
    let app = App::of_ana(&harness).await;
    let (wrong, unknown) = (
        harness.engine.sign_in(ANA, "wrong", IP, "").await,
        harness.engine.sign_in("bob@acme.example", "wrong", IP, "").await,
    );
    assert_eq!(wrong, unknown, "a wrong password does not reveal a second factor");
    let pending = password(&harness).await;
    assert!(
        complaint(harness.engine.finish_sign_in(&pending, &app.wrong(&harness), IP).await).contains("Incorrect code")
    );
    let code = app.code(&harness, 0);
    let spaced = format!(" {} {} ", &code[..3], &code[3..]);
    let (user, by) = harness.engine.finish_sign_in(&pending, &spaced, IP).await.unwrap();
    assert_eq!((user.email.as_str(), by), (ANA, VerifiedBy::App));
    let pending = password(&harness).await;
    assert!(complaint(harness.engine.finish_sign_in(&pending, &code, IP).await).contains("already been used"));
    harness.clock.step_ms(STEP_MS);
    assert!(
        complaint(harness.engine.finish_sign_in(&pending, &code, IP).await).contains("already been used"),
        "also in the next step"
    );
    assert!(harness.engine.finish_sign_in(&pending, &app.code(&harness, 0), IP).await.is_ok());
}

async fn a_code_one_step_early_or_late_is_accepted(harness: TestHarness) {
    let app = App::of_ana(&harness).await;
    harness.clock.step_ms(10 * STEP_MS);
    let pending = password(&harness).await;
    for later in [-2, 2] {
        let far = harness.engine.finish_sign_in(&pending, &app.code(&harness, later), IP).await;
        assert!(complaint(far).contains("Incorrect code"), "{later}");
    }
    for later in [-1, 0, 1] {
        assert!(harness.engine.finish_sign_in(&pending, &app.code(&harness, later), IP).await.is_ok(), "{later}");
    }
    let earlier = harness.engine.finish_sign_in(&pending, &app.code(&harness, 0), IP).await;
    assert!(complaint(earlier).contains("already been used"), "after the code of the next step");
}

async fn concurrent_guesses_wait_as_long_as_sequential_ones(harness: TestHarness) {
    let app = App::of_ana(&harness).await;
    let (pending, wrong) = (password(&harness).await, app.wrong(&harness));
    let guesses = (0..20).map(|_| harness.engine.finish_sign_in(&pending, &wrong, IP));
    let answers = futures::future::join_all(guesses).await;
    let judged = answers.iter().filter(|one| matches!(one, Err(Error::Invalid(_)))).count();
    let told_to_wait = answers.iter().filter(|one| matches!(one, Err(Error::TooMany { .. }))).count();
    assert_eq!((judged, told_to_wait), (5, 15));
    harness.clock.step_ms(2 * SECOND_MS);
    let code = app.code(&harness, 0);
    let (one, other) = futures::join!(
        harness.engine.finish_sign_in(&pending, &code, IP),
        harness.engine.finish_sign_in(&pending, &code, IP)
    );
    assert_eq!(
        [one.is_ok(), other.is_ok()].iter().filter(|ok| **ok).count(),
        1,
        "a code works once: {one:?} {other:?}"
    );
}

async fn wrong_codes_delay_the_next_one_whatever_the_password(harness: TestHarness) {
    let app = App::of_ana(&harness).await;
    let pending = password(&harness).await;
    for _ in 0..5 {
        complaint(harness.engine.finish_sign_in(&pending, &app.wrong(&harness), IP).await);
    }
    let pending = password(&harness).await;
    let blocked = harness.engine.finish_sign_in(&pending, &app.code(&harness, 0), "192.0.2.1").await;
    assert_eq!(blocked, Err(Error::TooMany { retry_after_s: 2 }), "a correct password does not reset the wrong codes");
    let off = harness.engine.switch_factor_off(&app.user, &app.code(&harness, 0), "192.0.2.1").await;
    assert_eq!(off, Err(Error::TooMany { retry_after_s: 2 }), "turning it off is blocked as well");
    harness.clock.step_ms(2 * SECOND_MS);
    assert!(
        complaint(harness.engine.finish_sign_in(&pending, "zzzz-zzzz-zzzz-zzzz", IP).await)
            .contains("Incorrect recovery code")
    );
    let blocked = harness.engine.finish_sign_in(&pending, &app.codes[0], IP).await;
    assert_eq!(blocked, Err(Error::TooMany { retry_after_s: 4 }), "it doubles");
    harness.clock.step_ms(4 * SECOND_MS);
    assert!(harness.engine.finish_sign_in(&pending, &app.code(&harness, 0), IP).await.is_ok(), "the block ends");
    complaint(harness.engine.finish_sign_in(&pending, &app.wrong(&harness), IP).await);
    assert!(
        harness.engine.finish_sign_in(&pending, &app.code(&harness, 1), IP).await.is_ok(),
        "a success resets the failures"
    );
}

async fn the_code_must_follow_the_password_within_minutes(harness: TestHarness) {
    let app = App::of_ana(&harness).await;
    let pending = password(&harness).await;
    harness.clock.step_ms(PENDING_SIGN_IN_MS - 1);
    complaint(harness.engine.finish_sign_in(&pending, &app.wrong(&harness), IP).await);
    harness.clock.step_ms(1);
    let late = harness.engine.finish_sign_in(&pending, &app.code(&harness, 0), IP).await;
    assert!(matches!(&late, Err(Error::Unauthenticated(words)) if words.contains("Sign in again")), "{late:?}");
    assert!(harness.engine.finish_sign_in(&password(&harness).await, &app.code(&harness, 0), IP).await.is_ok());
}

async fn a_new_password_ends_a_pending_sign_in_and_keeps_the_second_factor(harness: TestHarness) {
    const NEW: &str = "violet kettle ran 7 miles";
    let app = App::of_ana(&harness).await;
    let pending = password(&harness).await;
    harness.engine.forgot(ANA).await.unwrap();
    let email = harness.emails().await.pop().unwrap().text;
    let link = email.lines().find_map(|line| line.split("/reset/").nth(1)).unwrap();
    harness.engine.reset_password(link, NEW, IP).await.unwrap();
    let ended = harness.engine.finish_sign_in(&pending, &app.code(&harness, 0), IP).await;
    assert!(matches!(ended, Err(Error::Unauthenticated(_))), "{ended:?}");
    let step = harness.engine.sign_in(ANA, NEW, IP, "").await.unwrap();
    let pending = step.half().expect("a reset does not bypass the second factor");
    assert!(harness.engine.finish_sign_in(&pending, &app.code(&harness, 0), IP).await.is_ok());
    let form = NewPassword { current_password: NEW.into(), password: PASSWORD.into() };
    harness.engine.change_password(&app.user, &form, "here", IP).await.unwrap();
    assert!(harness.engine.sign_in(ANA, PASSWORD, IP, "").await.unwrap().half().is_some());
}

async fn a_recovery_code_signs_in_once(harness: TestHarness) {
    let app = App::of_ana(&harness).await;
    assert_eq!(app.codes.len(), RECOVERY_CODES);
    let pending = password(&harness).await;
    let typed = app.codes[3].to_uppercase().replace('-', " ");
    let (user, by) = harness.engine.finish_sign_in(&pending, &typed, IP).await.unwrap();
    assert_eq!((user.id, by), (app.user.clone(), VerifiedBy::RecoveryCode { left: 9 }));
    assert!(subject(&harness).await.ends_with("recovery code used"));
    let again = harness.engine.finish_sign_in(&password(&harness).await, &app.codes[3], IP).await;
    assert!(complaint(again).contains("recovery code has already been used"));
    assert_eq!(harness.engine.second_factor(&app.user).await.unwrap().unwrap().codes_left, 9);
    assert!(harness.engine.finish_sign_in(&pending, &app.code(&harness, 0), IP).await.is_ok(), "the app still works");
}

async fn new_recovery_codes_replace_the_old_ones(harness: TestHarness) {
    let (app, (stranger, _)) = (App::of_ana(&harness).await, harness.newcomer("Beta").await);
    let sealed = harness.engine.renew_recovery_codes(&app.user, IP).await.unwrap();
    assert!(subject(&harness).await.ends_with("new recovery codes"));
    let others = harness.engine.open_recovery_codes(&id(&stranger), &sealed).await;
    assert_eq!(others, Err(Error::NotFound("Recovery codes".into())), "they are sealed for their user");
    let codes = harness.engine.open_recovery_codes(&app.user, &sealed).await.unwrap();
    let pending = password(&harness).await;
    assert!(
        complaint(harness.engine.finish_sign_in(&pending, &app.codes[0], IP).await).contains("Incorrect recovery code")
    );
    assert!(harness.engine.finish_sign_in(&pending, &codes[0], IP).await.is_ok());
    let off = harness.engine.renew_recovery_codes(&id(&stranger), IP).await;
    assert!(matches!(off, Err(Error::Conflict { .. })), "{off:?}");
}

async fn turning_it_off_requires_a_code(harness: TestHarness) {
    let app = App::of_ana(&harness).await;
    assert!(
        complaint(harness.engine.switch_factor_off(&app.user, &app.wrong(&harness), IP).await)
            .contains("Incorrect code")
    );
    assert!(harness.engine.second_factor(&app.user).await.unwrap().is_some());
    harness.engine.switch_factor_off(&app.user, &app.code(&harness, 0), IP).await.unwrap();
    assert!(subject(&harness).await.ends_with("off"));
    assert!(harness.engine.sign_in(ANA, PASSWORD, IP, "").await.unwrap().enough().is_some());
    let off = harness.engine.switch_factor_off(&app.user, &app.code(&harness, 1), IP).await;
    assert!(matches!(off, Err(Error::Conflict { .. })), "{off:?}");
    // A new set-up has a new key and new codes.
    harness.clock.step_ms(MINUTE_MS);
    let new = App::of_ana(&harness).await;
    let pending = password(&harness).await;
    complaint(harness.engine.finish_sign_in(&pending, &app.codes[0], IP).await);
    assert!(harness.engine.finish_sign_in(&pending, &new.codes[0], IP).await.is_ok());
}

async fn an_operator_removes_a_lost_second_factor(harness: TestHarness) {
    let app = App::of_ana(&harness).await;
    let pending = password(&harness).await;
    let nobody = harness.engine.reset_second_factor(&Actor::COMMAND_LINE, "bob@acme.example").await;
    assert_eq!(nobody, Err(Error::NotFound("User".into())));
    let reset = harness.engine.reset_second_factor(&Actor::COMMAND_LINE, " ANA@acme.example").await;
    assert_eq!(reset, Ok(app.user.clone()));
    assert!(harness.emails().await.pop().unwrap().text.contains("turned off by an operator"));
    let waits = harness.engine.finish_sign_in(&pending, &app.code(&harness, 0), IP).await;
    assert!(matches!(waits, Err(Error::Unauthenticated(_))), "{waits:?}");
    assert!(
        harness.engine.sign_in(ANA, PASSWORD, IP, "").await.unwrap().enough().is_some(),
        "the password is asked for as before"
    );
    let again = harness.engine.reset_second_factor(&Actor::COMMAND_LINE, ANA).await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
}

async fn no_part_of_a_second_factor_is_stored_in_plain_text(harness: TestHarness) {
    let app = App::of_ana(&harness).await;
    harness.engine.finish_sign_in(&password(&harness).await, &app.codes[0], IP).await.unwrap();
    harness.engine.renew_recovery_codes(&app.user, IP).await.unwrap();
    harness.engine.switch_factor_off(&app.user, &app.code(&harness, 0), IP).await.unwrap();
    harness.clock.step_ms(MINUTE_MS);
    let app = App::of_ana(&harness).await;
    let all = harness.texts("SELECT user_id || ' ' || secret_sealed FROM second_factors UNION ALL SELECT code_hash FROM recovery_codes \
             UNION ALL SELECT action || ' ' || COALESCE(who, '') || ' ' || changes FROM audit_log \
             UNION ALL SELECT key FROM sign_in_failures".to_owned()).await.join("\n");
    assert!(all.contains(ANA) && all.contains(app.user.as_str()), "it reads the right tables");
    for action in [
        AuditAction::SecondFactorOn,
        AuditAction::SecondFactorOff,
        AuditAction::RecoveryCodeUsed,
        AuditAction::RecoveryCodesRenewed,
    ] {
        assert!(all.contains(action.as_str()), "{action:?} is on record: {all}");
    }
    assert!(!all.contains(&app.key.reveal()), "{all}");
    for code in &app.codes {
        assert!(!all.contains(code.as_str()) && !all.contains(&code.replace('-', "")), "{all}");
    }
}

async fn the_member_list_shows_who_has_a_second_factor(harness: TestHarness) {
    let place = engine::Affiliation::Member(harness.admin.account().unwrap().clone(), Role::Viewer);
    harness.engine.create_user(&Actor::COMMAND_LINE, "bob@acme.example", PASSWORD, place).await.unwrap();
    App::of_ana(&harness).await;
    let members = harness.engine.members(&harness.admin, domain::member::TeamKind::Account).await.unwrap().members;
    let shown: Vec<_> = members.iter().map(|one| (one.user.email.as_str(), one.second_factor)).collect();
    assert_eq!(shown, [(ANA, true), ("bob@acme.example", false)]);
}
