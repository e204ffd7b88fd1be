//! Whether Asterisk knows the trunks: asked at once, so that a wrong name shows before the first call is missed.

use std::collections::BTreeMap;

use super::Session;
use crate::asterisk::ami::{Message, Request};

/// Technologies whose devices have the name of their endpoint.
const TECHNOLOGIES: [&str; 3] = ["PJSIP", "SIP", "IAX2"];
/// Begins the ID of a question about a trunk.
pub(super) const TRUNK: &str = "trunk:";
/// What Asterisk says of a device that does not exist.
const NO_SUCH_DEVICE: &str = "INVALID";

/// What Asterisk has reported about the trunks.
#[derive(Debug, Default)]
pub(super) struct Trunks {
    /// By name, the technologies that do not know it.
    refusals: BTreeMap<String, usize>,
}

impl Trunks {
    /// Those that no technology knows. Lines of DAHDI cannot be asked about.
    pub(super) fn unknown(&self) -> impl Iterator<Item = &str> {
        let unknown = self.refusals.iter().filter(|(_, refusals)| **refusals == TECHNOLOGIES.len());
        unknown.map(|(name, _)| name.as_str())
    }
}

impl Session {
    pub(super) fn ask_for_trunks(&mut self) {
        self.trunks = Trunks::default();
        // These would be read as a part of the expression.
        let is_plain = |name: &&String| !name.contains(['(', ')', ',', '$', '{', '}']);
        let names: Vec<String> = self.settings.trunks.iter().filter(is_plain).cloned().collect();
        for name in names {
            for technology in TECHNOLOGIES {
                let request = Request::new("GetVar").with("ActionID", format!("{TRUNK}{name}"));
                self.send(&request.with("Variable", format!("DEVICE_STATE({technology}/{name})")));
            }
        }
    }

    pub(super) fn trunk_answered(&mut self, name: &str, message: &Message) {
        if message.get("Response") == Some("Success") && message.get("Value") == Some(NO_SUCH_DEVICE) {
            *self.trunks.refusals.entry(name.to_owned()).or_default() += 1;
        }
    }
}
