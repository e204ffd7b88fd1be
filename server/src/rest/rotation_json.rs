//! Rotation in JSON: how it stands, and what calls may say.

use domain::{
    Error, UnixMs,
    rotation::{OVERLAP_S, RotationView, SecretRotation, TokenPhase, TokenRotation, Unproved},
    time::{iso_utc, parse_utc},
};
use serde::{Deserialize, Serialize};
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
    /// What is sent now, masked.
    masked: String,
    /// Its rotation; null while none runs.
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
    /// When such a test was answered with 2xx.
    proved_at: Option<String>,
    /// When the switch happens by itself.
    switch_at: Option<String>,
    switched_at: Option<String>,
    /// Until when the earlier token can come back. It is forgotten then.
    undo_until: Option<String>,
}

/// The signing secret.
#[derive(Debug, Serialize, ToSchema)]
struct SecretJson {
    /// The newest, masked.
    masked: String,
    /// The overlap with the one before; null while none runs.
    rotation: Option<SecretRotationJson>,
}

/// Two signing secrets that overlap.
#[derive(Debug, Serialize, ToSchema)]
struct SecretRotationJson {
    since: String,
    earlier_masked: String,
    next_masked: String,
    /// The latest test that only the new secret signed.
    test_delivery_id: Option<String>,
    /// When such a test was answered with 2xx.
    proved_at: Option<String>,
    /// Until when both sign.
    overlap_until: String,
    /// Whether it was extended, which is possible once.
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

/// The next auth token, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreparedJson {
    /// Tell it to your server, which accepts both from now on.
    pub next_auth_token: String,
    /// How the endpoint stands.
    pub rotation: RotationJson,
}

/// The new signing secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct RotatedJson {
    /// Tell it to your server.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub signing_secret: String,
    /// How the endpoint stands.
    pub rotation: RotationJson,
}

/// What to prepare.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ToPrepare {
    /// An auth token of your own; 30 random characters when left out.
    #[serde(default)]
    pub auth_token: Option<String>,
}

/// When to switch.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ToSwitch {
    /// An RFC 3339 time within 90 days; now when left out.
    #[serde(default)]
    pub at: Option<String>,
    /// Switch although no test with the next token has succeeded.
    #[serde(default)]
    pub anyway: bool,
}

impl ToSwitch {
    /// The moment, if one is set, and what to do where nothing is proved.
    ///
    /// # Errors
    /// `Invalid` for a time that cannot be read.
    pub fn read(self) -> Result<(Option<UnixMs>, Unproved), Error> {
        let no_time = || Error::invalid("at", "Give the time in RFC 3339, such as 2026-11-24T14:00:00Z.");
        let at = self.at.map(|at| parse_utc(&at).ok_or_else(no_time)).transpose()?;
        Ok((at, unproved(self.anyway)))
    }
}

/// How to end the overlap of two secrets.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ToRetire {
    /// Retire the old secret although no test that only the new one signs has succeeded.
    #[serde(default)]
    pub anyway: bool,
}

impl ToRetire {
    /// What to do where nothing is proved.
    #[must_use]
    pub const fn unproved(&self) -> Unproved {
        unproved(self.anyway)
    }
}

const fn unproved(anyway: bool) -> Unproved {
    if anyway { Unproved::Allow } else { Unproved::Refuse }
}

/// How to rotate.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ToRotate {
    /// How long both secrets sign, 0 to 604800 seconds; a day when left out.
    #[serde(default = "overlap")]
    #[schema(maximum = 604_800)]
    pub overlap_s: u32,
}

const fn overlap() -> u32 {
    OVERLAP_S
}

impl Default for ToRotate {
    fn default() -> Self {
        Self { overlap_s: OVERLAP_S }
    }
}
