//! Second factors: set-up, verification, and removal.
//!
//! A code is verified under a lock on the user's row, together with the count of wrong_code codes, so concurrent guesses run
//! one after the other.

use async_trait::async_trait;
use domain::{
    Error, UnixMs,
    account::{User, normal_email},
    actor::Actor,
    audit::{AuditAction, Change},
    error::Result,
    id::UserId,
    second_factor::{
        DRAFT_MS, FactorCode, PENDING_SIGN_IN_MS, PasswordOutcome, PendingSignIn, RECOVERY_CODES, SecondFactor,
        SecondFactors, TotpDraft, VerifiedBy, recovery_code,
    },
    totp::{NO_STEP, TotpCheck, TotpKey},
};

use crate::{
    Engine,
    digest::hash,
    mail::Queueing,
    random,
    service::users::{
        emails::{self, FactorEvent},
        sign_in_throttle::{Attempt, Budget},
    },
    store::{
        audit::{self, Entry},
        db::Tx,
        users::{
            self,
            second_factors::{self, CodeUse, Stored},
            sessions,
        },
    },
};

/// Seal context of the key of an enabled factor.
pub(crate) const KEY: &str = "second_factor";
/// The same before the first code is confirmed.
const DRAFT: &str = "second_factor_draft";
/// The same for recovery codes, which are shown once.
const SHOWN: &str = "recovery_codes";

#[async_trait]
impl SecondFactors for Engine {
    async fn second_factor(&self, user: &UserId) -> Result<Option<SecondFactor>> {
        Ok(second_factors::of_user(self.db(), user).await?)
    }

    async fn draft_factor(&self, user: &UserId) -> Result<String> {
        if self.second_factor(user).await?.is_some() {
            return Err(is_on());
        }
        let (key, until) = (TotpKey::new(random::any()), self.now().plus_ms(DRAFT_MS));
        Ok(self.vault().seal(&format!("{} {}", until.0, key.reveal()), &seal_context(user, DRAFT)))
    }

    async fn drafted_factor(&self, user: &UserId, draft: &str) -> Result<TotpDraft> {
        let (user, key) = (self.known_user(user).await?, self.open_draft(user, draft)?);
        let host = self.config().public_url.host_str().unwrap_or_default();
        Ok(TotpDraft { key: key.in_groups(), uri: key.uri(&format!("Offhook at {host}"), &user.email) })
    }

    async fn switch_factor_on(
        &self,
        user: &UserId,
        draft: &str,
        code: &str,
        session: &str,
        client_ip: &str,
    ) -> Result<String> {
        let (user, key) = (self.known_user(user).await?, self.open_draft(user, draft)?);
        let FactorCode::Code(code) = FactorCode::parse(code)? else {
            return Err(Error::invalid("code", "Enter the six-digit code from your authenticator app."));
        };
        let TotpCheck::Right { step: last_step } = key.judge(&code, self.now(), NO_STEP) else {
            return Err(wrong_code());
        };
        let secret = self.vault().seal(&key.reveal(), &seal_context(&user.id, KEY));
        let mut tx = self.db().begin().await?;
        if !second_factors::add(&mut tx, &user.id, &Stored { secret, last_step }, self.now()).await? {
            return Err(is_on());
        }
        let codes = self.new_codes(&mut tx, &user.id).await?;
        // The other sessions signed in with a password only.
        sessions::end_others(&mut tx, &user.id, session).await?;
        self.record(&mut tx, self.own_entry(&user, client_ip, AuditAction::SecondFactorOn)).await?;
        self.notify_second_factor(&mut tx, &user, FactorEvent::On).await?;
        tx.commit_then(self.access_changed(user.id.as_str())).await?;
        Ok(codes)
    }

    async fn switch_factor_off(&self, user: &UserId, code: &str, client_ip: &str) -> Result<()> {
        let user = self.known_user(user).await?;
        self.second_factor(&user.id).await?.ok_or_else(is_off)?;
        let proof = FactorCode::parse(code)?;
        let (mut tx, _) = self.verify_code(&user, &proof, client_ip).await?;
        second_factors::remove(&mut tx, &user.id).await?;
        self.record(&mut tx, self.own_entry(&user, client_ip, AuditAction::SecondFactorOff)).await?;
        self.notify_second_factor(&mut tx, &user, FactorEvent::Off).await?;
        Ok(tx.commit().await?)
    }

    async fn renew_recovery_codes(&self, user: &UserId, client_ip: &str) -> Result<String> {
        let user = self.known_user(user).await?;
        let mut tx = self.db().begin().await?;
        second_factors::lock(&mut tx, &user.id).await?.ok_or_else(is_off)?;
        let codes = self.new_codes(&mut tx, &user.id).await?;
        self.record(&mut tx, self.own_entry(&user, client_ip, AuditAction::RecoveryCodesRenewed)).await?;
        self.notify_second_factor(&mut tx, &user, FactorEvent::CodesRenewed).await?;
        tx.commit().await?;
        Ok(codes)
    }

    async fn open_recovery_codes(&self, user: &UserId, sealed: &str) -> Result<Vec<String>> {
        let opened = self.vault().open(sealed, &seal_context(user, SHOWN));
        let text = opened.map_err(|_| Error::NotFound("Recovery codes".into()))?;
        Ok(text.split(' ').map(str::to_owned).collect())
    }

    async fn finish_sign_in(&self, pending: &PendingSignIn, code: &str, client_ip: &str) -> Result<(User, VerifiedBy)> {
        let user = self.known_user(&pending.user).await?;
        let stored = users::credentials(self.db(), &user.email).await?.map(|(_, hash)| hash);
        let same_password = stored.is_some_and(|stored| hash(&stored) == pending.mark);
        if pending.until <= self.now() || !same_password {
            return Err(sign_in_expired());
        }
        let proof = FactorCode::parse(code)?;
        let (mut tx, by) = self.verify_code(&user, &proof, client_ip).await?;
        if let VerifiedBy::RecoveryCode { left } = by {
            let entry = self.own_entry(&user, client_ip, AuditAction::RecoveryCodeUsed);
            self.record(&mut tx, entry.with([Change::noted("left", left.to_string())])).await?;
            self.notify_second_factor(&mut tx, &user, FactorEvent::CodeUsed { left }).await?;
        }
        tx.commit().await?;
        Ok((user, by))
    }
}

impl Engine {
    /// The next step after a correct password.
    pub(crate) async fn after_password(&self, user: User, stored: &str) -> Result<PasswordOutcome> {
        if self.second_factor(&user.id).await?.is_none() {
            return Ok(PasswordOutcome::SignedIn(user));
        }
        let until = self.now().plus_ms(PENDING_SIGN_IN_MS);
        Ok(PasswordOutcome::NeedsSecondFactor(PendingSignIn { user: user.id, until, mark: hash(stored) }))
    }

    /// Removes the second factor of a user who has lost it, for an operator who knows them. Their password still applies.
    ///
    /// # Errors
    /// `NotFound` for an unknown_recovery_code email address, `Conflict` if the user has no second factor.
    pub async fn reset_second_factor(&self, actor: &Actor, email: &str) -> Result<UserId> {
        let known = users::credentials(self.db(), &normal_email(email)).await?;
        let (user, _) = known.ok_or_else(|| Error::NotFound("User".into()))?;
        let mut tx = self.db().begin().await?;
        if !second_factors::remove(&mut tx, &user.id).await? {
            return Err(is_off());
        }
        Budget::codes(&user.id).clear(&mut tx).await?;
        let entry = Entry::new(self.next_id(), self.now(), audit::OPS_CHAIN, AuditAction::SecondFactorReset).by(actor);
        self.record(&mut tx, entry.about(user.id.as_str(), &user.email)).await?;
        self.notify_second_factor(&mut tx, &user, FactorEvent::Reset).await?;
        tx.commit().await?;
        Ok(user.id)
    }

    fn open_draft(&self, user: &UserId, draft: &str) -> Result<TotpKey> {
        let opened = self.vault().open(draft, &seal_context(user, DRAFT)).ok();
        let parts = opened.as_deref().and_then(|text| text.split_once(' '));
        let key = parts.and_then(|(until, key)| Some((UnixMs(until.parse().ok()?), TotpKey::parse(key)?)));
        let key = key.filter(|(until, _)| self.now() < *until).map(|(_, key)| key);
        key.ok_or_else(|| Error::NotFound("Two-factor set-up".into()))
    }

    /// Creates and stores recovery codes, and returns them sealed.
    async fn new_codes(&self, tx: &mut Tx, user: &UserId) -> Result<String> {
        let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| recovery_code(random::any())).collect();
        let hashes: Vec<String> = codes.iter().map(|code| recovery_hash(user, &code.replace('-', ""))).collect();
        second_factors::set_codes(tx, user, &hashes).await?;
        Ok(self.vault().seal(&codes.join(" "), &seal_context(user, SHOWN)))
    }

    /// Verifies a code that has not been used before, and returns the open transaction. Wrong codes make the next attempt
    /// wait, as wrong_code passwords do, but are counted separately: a correct password does not clear them.
    async fn verify_code(&self, user: &User, proof: &FactorCode, client_ip: &str) -> Result<(Tx, VerifiedBy)> {
        let mut tx = self.db().begin().await?;
        let factor = second_factors::lock(&mut tx, &user.id).await?.ok_or_else(sign_in_expired)?;
        let budgets = [Budget::codes(&user.id), Budget::client(client_ip)];
        let attempt = Attempt::reserve(&mut tx, &budgets, self.now()).await?;
        match self.judge(&mut tx, &user.id, &factor, proof).await? {
            Ok(by) => {
                attempt.succeed(&mut tx).await?;
                Ok((tx, by))
            }
            Err(refusal) => {
                tx.commit().await?;
                Err(refusal)
            }
        }
    }

    /// The inner error is about the code, the outer one about the server.
    async fn judge(
        &self,
        tx: &mut Tx,
        user: &UserId,
        factor: &Stored,
        proof: &FactorCode,
    ) -> Result<std::result::Result<VerifiedBy, Error>> {
        match proof {
            FactorCode::Code(code) => match self.open_key(user, factor)?.judge(code, self.now(), factor.last_step) {
                TotpCheck::Right { step } => {
                    second_factors::accept(tx, user, step).await?;
                    Ok(Ok(VerifiedBy::App))
                }
                TotpCheck::Reused => Ok(Err(code_reused())),
                TotpCheck::Wrong => Ok(Err(wrong_code())),
            },
            FactorCode::RecoveryCode(code) => {
                match second_factors::use_code(tx, user, &recovery_hash(user, code), self.now()).await? {
                    CodeUse::Now => {
                        let left = second_factors::codes_left(tx, user).await?;
                        Ok(Ok(VerifiedBy::RecoveryCode { left }))
                    }
                    CodeUse::Before => Ok(Err(recovery_code_used())),
                    CodeUse::Unknown => Ok(Err(unknown_recovery_code())),
                }
            }
        }
    }

    fn open_key(&self, user: &UserId, factor: &Stored) -> Result<TotpKey> {
        let opened = self.vault().open(&factor.secret, &seal_context(user, KEY)).ok();
        opened.as_deref().and_then(TotpKey::parse).ok_or_else(|| {
            tracing::error!(%user, "the key of a second factor cannot be decrypted with this instance's keys");
            Error::Internal
        })
    }

    async fn notify_second_factor(&self, tx: &mut Tx, user: &User, event: FactorEvent) -> Result<()> {
        let email = emails::second_factor(&user.email, event, &self.page_url("me/security"));
        self.queue_email(tx, email, Queueing::notice()).await.map(|_| ())
    }
}

/// The associated data of a sealed text: it cannot be opened elsewhere.
pub(crate) fn seal_context(user: &UserId, what: &str) -> String {
    format!("{user}/{what}")
}

/// The stored hash of a recovery code. A code has 80 random bits, so a plain hash is enough.
fn recovery_hash(user: &UserId, code: &str) -> String {
    hash(&format!("{user}/{code}"))
}

fn is_on() -> Error {
    Error::Conflict {
        detail: "Two-factor authentication is already on. Turn it off first to use another key.".into(),
        existing: None,
    }
}

fn is_off() -> Error {
    Error::Conflict { detail: "Two-factor authentication is already off.".into(), existing: None }
}

fn sign_in_expired() -> Error {
    Error::Unauthenticated("Your sign-in has expired. Sign in again.".into())
}

fn wrong_code() -> Error {
    Error::invalid(
        "code",
        "Incorrect code. Enter the current code from your authenticator app. If it fails again, check the clock of your device.",
    )
}

fn code_reused() -> Error {
    Error::invalid("code", "This code has already been used. Wait for the next one, up to 30 seconds.")
}

fn recovery_code_used() -> Error {
    Error::invalid("code", "This recovery code has already been used. Use another one.")
}

fn unknown_recovery_code() -> Error {
    Error::invalid("code", "Incorrect recovery code. Codes stop working when you create new ones.")
}
