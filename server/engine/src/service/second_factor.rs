//! Second factors: set up, proved, and taken away again.
//!
//! A code is judged under a lock on the person's row, together with the count of wrong ones: many guesses at the same
//! moment are still made one after the other.

use async_trait::async_trait;
use domain::{
    Error, UnixMs,
    account::{User, normal_email},
    actor::Actor,
    audit::{Change, Deed},
    error::Result,
    id::UserId,
    second_factor::{
        DRAFT_MS, Draft, FirstStep, PENDING_SIGN_IN_MS, PendingSignIn, Proof, ProvedBy, RECOVERY_CODES, SecondFactor,
        SecondFactors, recovery_code,
    },
    totp::{Judged, NO_STEP, TotpKey},
};

use super::{
    accounts::{CLIENT_FACTOR, blocked_until, refuse_until},
    letters::{self, FactorEvent},
    tokens::hash,
};
use crate::{
    Engine, random,
    store::{
        accounts,
        audit::{self, Entry},
        db::Tx,
        second_factors::{self, Spent, Stored},
        sessions,
    },
};

/// What a key is sealed as while the factor is on.
pub(super) const KEY: &str = "second_factor";
/// The same while it waits for its first code.
const DRAFT: &str = "second_factor_draft";
/// The same for recovery codes that are shown once.
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
        Ok(self.vault().seal(&format!("{} {}", until.0, key.reveal()), &place(user, DRAFT)))
    }

    async fn drafted_factor(&self, user: &UserId, draft: &str) -> Result<Draft> {
        let (user, key) = (self.person(user).await?, self.open_draft(user, draft)?);
        let host = self.config().public_url.host_str().unwrap_or_default();
        Ok(Draft { key: key.in_groups(), uri: key.uri(&format!("Offhook at {host}"), &user.email) })
    }

    async fn switch_factor_on(
        &self,
        user: &UserId,
        draft: &str,
        code: &str,
        session: &str,
        client_ip: &str,
    ) -> Result<String> {
        let (user, key) = (self.person(user).await?, self.open_draft(user, draft)?);
        let Proof::Code(code) = Proof::parse(code)? else {
            return Err(Error::invalid("code", "Give the six digits that your app shows now."));
        };
        let Judged::Right { step: last_step } = key.judge(&code, self.now(), NO_STEP) else { return Err(wrong()) };
        let secret = self.vault().seal(&key.reveal(), &place(&user.id, KEY));
        let mut tx = self.db().begin().await?;
        if !second_factors::add(&mut tx, &user.id, &Stored { secret, last_step }, self.now()).await? {
            return Err(is_on());
        }
        let codes = self.new_codes(&mut tx, &user.id).await?;
        // Those had given a password only.
        sessions::end_others(&mut tx, &user.id, session).await?;
        self.note(&mut tx, self.own_entry(&user, client_ip, Deed::SecondFactorOn)).await?;
        tx.commit().await?;
        self.notify_second_factor(&user, FactorEvent::On);
        Ok(codes)
    }

    async fn switch_factor_off(&self, user: &UserId, code: &str, client_ip: &str) -> Result<()> {
        let user = self.person(user).await?;
        self.second_factor(&user.id).await?.ok_or_else(is_off)?;
        let proof = Proof::parse(code)?;
        let (mut tx, _) = self.prove(&user, &proof, client_ip).await?;
        second_factors::remove(&mut tx, &user.id).await?;
        self.note(&mut tx, self.own_entry(&user, client_ip, Deed::SecondFactorOff)).await?;
        tx.commit().await?;
        self.notify_second_factor(&user, FactorEvent::Off);
        Ok(())
    }

    async fn renew_recovery_codes(&self, user: &UserId, client_ip: &str) -> Result<String> {
        let user = self.person(user).await?;
        let mut tx = self.db().begin().await?;
        second_factors::lock(&mut tx, &user.id).await?.ok_or_else(is_off)?;
        let codes = self.new_codes(&mut tx, &user.id).await?;
        self.note(&mut tx, self.own_entry(&user, client_ip, Deed::RecoveryCodesRenewed)).await?;
        tx.commit().await?;
        self.notify_second_factor(&user, FactorEvent::CodesRenewed);
        Ok(codes)
    }

    async fn open_recovery_codes(&self, user: &UserId, sealed: &str) -> Result<Vec<String>> {
        let opened = self.vault().open(sealed, &place(user, SHOWN));
        let text = opened.map_err(|_| Error::NotFound("Recovery codes".into()))?;
        Ok(text.split(' ').map(str::to_owned).collect())
    }

    async fn finish_sign_in(&self, pending: &PendingSignIn, code: &str, client_ip: &str) -> Result<(User, ProvedBy)> {
        let user = self.person(&pending.user).await?;
        let stored = accounts::credentials(self.db(), &user.email).await?.map(|(_, hash)| hash);
        let same_password = stored.is_some_and(|stored| hash(&stored) == pending.mark);
        if pending.until <= self.now() || !same_password {
            return Err(over());
        }
        let proof = Proof::parse(code)?;
        let (mut tx, by) = self.prove(&user, &proof, client_ip).await?;
        if let ProvedBy::RecoveryCode { left } = by {
            let entry = self.own_entry(&user, client_ip, Deed::RecoveryCodeUsed);
            self.note(&mut tx, entry.with([Change::noted("left", left.to_string())])).await?;
        }
        tx.commit().await?;
        if let ProvedBy::RecoveryCode { left } = by {
            self.notify_second_factor(&user, FactorEvent::CodeUsed { left });
        }
        Ok((user, by))
    }
}

impl Engine {
    /// Where a right password leads.
    pub(super) async fn after_password(&self, user: User, stored: &str) -> Result<FirstStep> {
        if self.second_factor(&user.id).await?.is_none() {
            return Ok(FirstStep::Enough(user));
        }
        let until = self.now().plus_ms(PENDING_SIGN_IN_MS);
        Ok(FirstStep::Half(PendingSignIn { user: user.id, until, mark: hash(stored) }))
    }

    /// Takes away the second factor of somebody who has lost it, for an operator who knows them. Their password is asked
    /// for as before.
    ///
    /// # Errors
    /// `NotFound` when nobody signs in with this address, `Conflict` when they have none.
    pub async fn reset_second_factor(&self, actor: &Actor, email: &str) -> Result<UserId> {
        let known = accounts::credentials(self.db(), &normal_email(email)).await?;
        let (user, _) = known.ok_or_else(|| Error::NotFound("Person".into()))?;
        let mut tx = self.db().begin().await?;
        if !second_factors::remove(&mut tx, &user.id).await? {
            return Err(is_off());
        }
        accounts::forgive_sign_in(&mut tx, &guesses(&user.id)).await?;
        let entry = Entry::new(self.next_id(), self.now(), audit::OPS_CHAIN, Deed::SecondFactorReset).by(actor);
        self.note(&mut tx, entry.about(user.id.as_str(), &user.email)).await?;
        tx.commit().await?;
        self.notify_second_factor(&user, FactorEvent::Reset);
        Ok(user.id)
    }

    fn open_draft(&self, user: &UserId, draft: &str) -> Result<TotpKey> {
        let opened = self.vault().open(draft, &place(user, DRAFT)).ok();
        let parts = opened.as_deref().and_then(|text| text.split_once(' '));
        let key = parts.and_then(|(until, key)| Some((UnixMs(until.parse().ok()?), TotpKey::parse(key)?)));
        let key = key.filter(|(until, _)| self.now() < *until).map(|(_, key)| key);
        key.ok_or_else(|| Error::NotFound("Key of a second factor".into()))
    }

    /// Makes and stores recovery codes; answers with them, sealed.
    async fn new_codes(&self, tx: &mut Tx, user: &UserId) -> Result<String> {
        let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| recovery_code(random::any())).collect();
        let hashes: Vec<String> = codes.iter().map(|code| recovery_hash(user, &code.replace('-', ""))).collect();
        second_factors::set_codes(tx, user, &hashes).await?;
        Ok(self.vault().seal(&codes.join(" "), &place(user, SHOWN)))
    }

    /// Goes on only with a proof that is right and was not used before; what follows may join its transaction. Wrong
    /// ones make the next try wait, as wrong passwords do, and are counted apart from those: a right password forgives
    /// none of them.
    async fn prove(&self, user: &User, proof: &Proof, client_ip: &str) -> Result<(Tx, ProvedBy)> {
        let mut tx = self.db().begin().await?;
        let factor = second_factors::lock(&mut tx, &user.id).await?.ok_or_else(over)?;
        let keys = [(guesses(&user.id), 1), (format!("ip:{client_ip}"), CLIENT_FACTOR)];
        let mut failures = [0; 2];
        for ((key, _), count) in keys.iter().zip(&mut failures) {
            let (failed, until) = accounts::failures_within(&mut tx, key).await?;
            refuse_until(until, self.now())?;
            *count = failed + 1;
        }
        match self.judge(&mut tx, &user.id, &factor, proof).await? {
            Ok(by) => {
                accounts::forgive_sign_in(&mut tx, &keys[0].0).await?;
                Ok((tx, by))
            }
            Err(refusal) => {
                for ((key, factor), count) in keys.iter().zip(failures) {
                    let until = blocked_until(count / factor, self.now());
                    accounts::block_sign_in(&mut tx, key, count, until).await?;
                }
                tx.commit().await?;
                Err(refusal)
            }
        }
    }

    /// The inner result is about the proof, the outer one about us.
    async fn judge(
        &self,
        tx: &mut Tx,
        user: &UserId,
        factor: &Stored,
        proof: &Proof,
    ) -> Result<std::result::Result<ProvedBy, Error>> {
        match proof {
            Proof::Code(code) => match self.open_key(user, factor)?.judge(code, self.now(), factor.last_step) {
                Judged::Right { step } => {
                    second_factors::accept(tx, user, step).await?;
                    Ok(Ok(ProvedBy::App))
                }
                Judged::Reused => Ok(Err(reused())),
                Judged::Wrong => Ok(Err(wrong())),
            },
            Proof::RecoveryCode(code) => {
                match second_factors::spend(tx, user, &recovery_hash(user, code), self.now()).await? {
                    Spent::Now => {
                        let left = second_factors::codes_left(tx, user).await?;
                        Ok(Ok(ProvedBy::RecoveryCode { left }))
                    }
                    Spent::Before => Ok(Err(spent())),
                    Spent::Unknown => Ok(Err(unknown())),
                }
            }
        }
    }

    fn open_key(&self, user: &UserId, factor: &Stored) -> Result<TotpKey> {
        let opened = self.vault().open(&factor.secret, &place(user, KEY)).ok();
        opened.as_deref().and_then(TotpKey::parse).ok_or_else(|| {
            tracing::error!(%user, "the key of a second factor does not open with this instance's key");
            Error::Internal
        })
    }

    /// A letter that cannot leave undoes nothing: the mail's own log tells of it.
    fn notify_second_factor(&self, user: &User, news: FactorEvent) {
        drop(self.post(letters::second_factor(&user.email, news, &self.page("me/security"))));
    }
}

/// What a sealed text belongs to: it does not open elsewhere.
pub(super) fn place(user: &UserId, what: &str) -> String {
    format!("{user}/{what}")
}

/// What wrong codes of a person are counted under.
fn guesses(user: &UserId) -> String {
    format!("code:{user}")
}

/// A recovery code's hash as it is stored. It has 80 random bits, so a plain hash is enough.
fn recovery_hash(user: &UserId, code: &str) -> String {
    hash(&format!("{user}/{code}"))
}

fn is_on() -> Error {
    Error::Conflict {
        detail: "Your second factor is on already. Switch it off first to use another key.".into(),
        existing: None,
    }
}

fn is_off() -> Error {
    Error::Conflict { detail: "The second factor is off already.".into(), existing: None }
}

fn over() -> Error {
    Error::Unauthenticated("Too much time has passed since you gave your password. Sign in again.".into())
}

fn wrong() -> Error {
    Error::invalid(
        "code",
        "This code is not right. Give the one that your app shows now; if that fails too, set the clock of its device right.",
    )
}

fn reused() -> Error {
    Error::invalid(
        "code",
        "This code was used already, and each works once. Wait for the next one, at most half a minute.",
    )
}

fn spent() -> Error {
    Error::invalid("code", "This recovery code was used already, and each works once. Take another one.")
}

fn unknown() -> Error {
    Error::invalid("code", "This is none of your recovery codes. Those made earlier end when new ones are made.")
}
