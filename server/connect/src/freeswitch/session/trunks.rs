//! Whether FreeSWITCH knows the trunks: asked at once, so that a wrong name shows before the first call is missed.

use super::{Asked, Session, listing::is_plain};

/// What has a name that can be a trunk, in `sofia status`.
const KINDS: [&str; 2] = ["gateway", "profile"];
/// How it responds to a name that it does not know (`mod_sofia.c`).
const UNKNOWN: [&str; 2] = ["Invalid Gateway", "Invalid Profile"];

impl Session {
    pub(super) fn ask_for_trunks(&mut self) {
        self.refusals.clear();
        let names: Vec<String> = self.settings.trunks.iter().filter(|name| is_plain(name)).cloned().collect();
        for name in names {
            for kind in KINDS {
                self.send(Asked::Trunk(name.clone()), &format!("api sofia status {kind} {name}"));
            }
        }
    }

    pub(super) fn trunk_described(&mut self, name: String, text: Option<&str>) {
        if text.is_some_and(|text| UNKNOWN.iter().any(|unknown| text.contains(unknown))) {
            *self.refusals.entry(name).or_default() += 1;
        }
    }

    /// Trunks that are neither a gateway nor a profile.
    pub(super) fn unknown_trunks(&self) -> Vec<&str> {
        let unknown = self.refusals.iter().filter(|(_, refusals)| **refusals == KINDS.len());
        unknown.map(|(name, _)| name.as_str()).collect()
    }
}
