//! IDs of calls: UUIDs by name (version 5, RFC 9562 section 5.5), so that a restarted or second connector uses the same.

use std::collections::BTreeSet;

use uuid::Uuid;

/// Fewest digits of the seconds in a channel's ID: in shorter numbers it is something else.
const SECONDS_MIN_DIGITS: usize = 9;

/// The namespace of one phone system.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ids(Uuid);

impl Ids {
    pub(super) fn new(system: &str, trunks: &BTreeSet<String>) -> Self {
        // Lengths separate the names: no list of trunks reads like another.
        let trunks: String = trunks.iter().map(|trunk| format!(" {}:{trunk}", trunk.len())).collect();
        let name = format!("offhook:connector:{}:{system}{trunks}", system.len());
        Self(Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()))
    }

    /// The ID of the call with this key.
    pub(super) fn call(self, key: &str) -> String {
        Uuid::new_v5(&self.0, key.as_bytes()).hyphenated().to_string()
    }
}

/// The second in which a channel began, from its ID, e.g. `lab-1795832696.205`.
pub(super) fn began_s(channel_id: &str) -> Option<i64> {
    let (before, number) = channel_id.split(':').next()?.rsplit_once('.')?;
    let digits = before.len() - before.bytes().rev().take_while(u8::is_ascii_digit).count();
    let seconds = &before[digits..];
    let fits = seconds.len() >= SECONDS_MIN_DIGITS && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| seconds.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_phone_system_and_channel_give_the_same_id() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let id = |system: &str, trunks: &[&str], key: &str| Ids::new(system, &set(trunks)).call(key);
        let one = id("pbx-1", &["a", "b"], "1795832696.205");
        assert_eq!(one, id("pbx-1", &["b", "a"], "1795832696.205"));
        for other in [
            id("pbx-2", &["a", "b"], "1795832696.205"),
            id("pbx-1", &["a"], "1795832696.205"),
            id("pbx-1", &["a 1:b"], "1795832696.205"),
            id("pbx-1", &["a", "b"], "1795832696.205:out"),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn the_second_of_the_start_is_read_from_the_id() {
        for (id, seconds) in [
            ("lab-1795832696.205", Some(1_795_832_696)),
            ("1795832696.205", Some(1_795_832_696)),
            ("1795832696.205:out", Some(1_795_832_696)),
            ("12.5", None),
            ("1795832696", None),
            ("1795832696.", None),
            ("99999999999999999999.1", None),
            ("", None),
        ] {
            assert_eq!(began_s(id), seconds, "{id}");
        }
    }
}
