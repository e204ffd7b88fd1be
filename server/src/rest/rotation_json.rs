//! Credentials and their rotations as JSON.

use domain::{
    Error, UnixMs,
    rotation::{AllowUnverified, OVERLAP_S, RotationStep, RotationView, SecretRotation, TokenPhase, TokenRotation},
    time::{iso_utc, parse_utc},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

/// Both credentials of an endpoint, masked, and their running rotations.
#[derive(Debug, Serialize, ToSchema)]
pub struct RotationJson {
    endpoint_id: String,
    auth_token: TokenJson,
    signing_secret: SecretJson,
}

/// The auth token.
#[derive(Debug, Serialize, ToSchema)]
struct TokenJson {
    /// The current token, masked.
    masked: String,
    /// Its running rotation; null if there is none.
    rotation: Option<TokenRotationJson>,
}

/// A running rotation of an auth token.
#[derive(Debug, Serialize, ToSchema)]
struct TokenRotationJson {
    /// `prepared`, then `switched`.
    state: &'static str,
    since: String,
    earlier_masked: String,
    next_masked: String,
    /// The latest test with the next token.
    test_delivery_id: Option<String>,
    /// When such a test succeeded with a 2xx response.
    proved_at: Option<String>,
    /// When the switch happens automatically.
    switch_at: Option<String>,
    switched_at: Option<String>,
    /// Until when the previous token can be restored. It is deleted then.
    undo_until: Option<String>,
}

/// The signing secret.
#[derive(Debug, Serialize, ToSchema)]
struct SecretJson {
    /// The newest secret, masked.
    masked: String,
    /// Its overlap with the previous secret; null if there is none.
    rotation: Option<SecretRotationJson>,
}

/// Two signing secrets that overlap.
#[derive(Debug, Serialize, ToSchema)]
struct SecretRotationJson {
    since: String,
    earlier_masked: String,
    next_masked: String,
    /// The latest test signed only with the new secret.
    test_delivery_id: Option<String>,
    /// When such a test succeeded with a 2xx response.
    proved_at: Option<String>,
    /// Until when both secrets sign.
    overlap_until: String,
    /// Whether the overlap was extended, which is possible once.
    extended: bool,
}

impl From<RotationView> for RotationJson {
    fn from(view: RotationView) -> Self {
        Self {
            endpoint_id: view.endpoint.id.into(),
            auth_token: TokenJson { masked: view.auth_token_masked, rotation: view.token.map(token) },
            signing_secret: SecretJson { masked: view.signing_secret_masked, rotation: view.secret.map(secret) },
        }
    }
}

fn token(rotation: TokenRotation) -> TokenRotationJson {
    let (state, switch_at, switched_at, undo_until) = match rotation.phase {
        TokenPhase::Prepared { switch_at } => ("prepared", switch_at, None, None),
        TokenPhase::Switched { at, undo_until } => ("switched", None, Some(at), Some(undo_until)),
    };
    let written = |at: Option<UnixMs>| at.map(iso_utc);
    TokenRotationJson {
        state,
        since: iso_utc(rotation.since),
        earlier_masked: rotation.earlier_masked,
        next_masked: rotation.next_masked,
        test_delivery_id: rotation.test.map(Into::into),
        proved_at: written(rotation.proved_at),
        switch_at: written(switch_at),
        switched_at: written(switched_at),
        undo_until: written(undo_until),
    }
}

fn secret(rotation: SecretRotation) -> SecretRotationJson {
    SecretRotationJson {
        since: iso_utc(rotation.since),
        earlier_masked: rotation.earlier_masked,
        next_masked: rotation.next_masked,
        test_delivery_id: rotation.test.map(Into::into),
        proved_at: rotation.proved_at.map(iso_utc),
        overlap_until: iso_utc(rotation.overlap_until),
        extended: rotation.extended,
    }
}

/// The next auth token, which is shown only once.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreparedJson {
    /// Install it on your server, which must accept both tokens from now on.
    pub next_auth_token: String,
    /// The credentials after the change.
    pub rotation: RotationJson,
}

/// The new signing secret, which is shown only once.
#[derive(Debug, Serialize, ToSchema)]
pub struct RotatedJson {
    /// Install it on your server.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub signing_secret: String,
    /// The credentials after the change.
    pub rotation: RotationJson,
}

/// A body that says how to take a step.
pub trait StepRequest: Default + DeserializeOwned {
    /// The step.
    ///
    /// # Errors
    /// `Invalid` for a malformed time.
    fn step(self) -> Result<RotationStep, Error>;
}

/// A rotation to prepare.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrepareRequest {
    /// The token to use; by default, 30 random characters.
    #[serde(default)]
    pub auth_token: Option<String>,
}

impl StepRequest for PrepareRequest {
    fn step(self) -> Result<RotationStep, Error> {
        Ok(RotationStep::PrepareToken(self.auth_token))
    }
}

/// When to switch.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SwitchRequest {
    /// An RFC 3339 time within 90 days; by default, now.
    #[serde(default)]
    pub at: Option<String>,
    /// Switch without a successful test of the next token.
    #[serde(default)]
    pub anyway: bool,
}

impl StepRequest for SwitchRequest {
    fn step(self) -> Result<RotationStep, Error> {
        let no_time = || Error::invalid("at", "A time must be RFC 3339, for example 2026-11-24T14:00:00Z.");
        let at = self.at.map(|at| parse_utc(&at).ok_or_else(no_time)).transpose()?;
        Ok(RotationStep::SwitchToken(at, unverified(self.anyway)))
    }
}

/// How to end the overlap of two secrets.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetireRequest {
    /// Retire the old secret without a successful test of the new one.
    #[serde(default)]
    pub anyway: bool,
}

impl StepRequest for RetireRequest {
    fn step(self) -> Result<RotationStep, Error> {
        Ok(RotationStep::RetireSecret(unverified(self.anyway)))
    }
}

const fn unverified(anyway: bool) -> AllowUnverified {
    if anyway { AllowUnverified::Allow } else { AllowUnverified::Refuse }
}

/// How to rotate.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateRequest {
    /// How long both secrets sign, 0 to 604,800 seconds; by default, one day.
    #[serde(default = "overlap")]
    #[schema(maximum = 604_800)]
    pub overlap_s: u32,
}

const fn overlap() -> u32 {
    OVERLAP_S
}

impl Default for RotateRequest {
    fn default() -> Self {
        Self { overlap_s: OVERLAP_S }
    }
}

impl StepRequest for RotateRequest {
    fn step(self) -> Result<RotationStep, Error> {
        Ok(RotationStep::RotateSecret(self.overlap_s))
    }
}
