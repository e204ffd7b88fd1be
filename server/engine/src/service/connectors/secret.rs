//! Secrets of connectors: random, shown once.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    connector::{ConnectorOwner, Way},
    id::ConnectorId,
};

use crate::{
    digest::hash,
    random,
    store::connectors::{StoredSecret, key},
    vault::Vault,
};

/// Random bytes of a secret. A hash of so many cannot be guessed.
const SECRET_BYTES: usize = 32;
/// Characters of a secret that are shown later.
const HINT_CHARS: usize = 4;

/// What a sealed secret is bound to.
pub(super) fn seal_context(owner: &ConnectorOwner, id: &ConnectorId) -> String {
    format!("{}/{id}/secret", key(owner))
}

/// A new secret, and how it is stored: hashed if the phone system sends it to us, sealed if we send it to the phone system. A
/// program beside the phone system has an API token; its secret is for the phone system's own configuration.
pub(super) fn generate(vault: &Vault, way: Way, owner: &ConnectorOwner, id: &ConnectorId) -> (String, StoredSecret) {
    let bytes: [u8; SECRET_BYTES] = random::any();
    let secret = URL_SAFE_NO_PAD.encode(bytes);
    let stored = StoredSecret {
        hash: matches!(way, Way::Ari | Way::Http).then(|| hash(&secret)),
        sealed: (way == Way::Ami).then(|| vault.seal(&secret, &seal_context(owner, id))),
        hint: secret[secret.len() - HINT_CHARS..].to_owned(),
    };
    (secret, stored)
}
