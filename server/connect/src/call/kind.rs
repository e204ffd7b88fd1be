//! The kind of a channel, by its name: `TECH/endpoint-8 hex digits[;1|2]`.

use std::collections::BTreeSet;

/// Channels that the phone system makes for its own use: no one listens there.
const PLUMBING: [&str; 14] = [
    "Announcer",
    "AsyncGoto",
    "Bridge",
    "CBAnn",
    "CBRec",
    "ConfBridgeRecorder",
    "Local",
    "Message",
    "MulticastRTP",
    "Parked",
    "Recorder",
    "Snoop",
    "Surrogate",
    "UnicastRTP",
];
/// Technologies whose names end with a shorter number after the last hyphen.
const SHORT_SUFFIX: [&str; 2] = ["DAHDI", "IAX2"];
/// Hexadecimal digits at the end of a name.
const SUFFIX_CHARS: usize = 8;

/// What a channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A phone of this phone system.
    Extension,
    /// A line to the outside.
    Outside,
    /// Neither: it only connects others.
    Plumbing,
}

/// The kind and endpoint of a channel of this name.
pub(super) fn classify(channel: &str, trunks: &BTreeSet<String>) -> (Kind, String) {
    let (technology, rest) = channel.split_once('/').unwrap_or(("", channel));
    let endpoint = endpoint_in(technology, rest);
    // A masquerade renames the channel that it discards, e.g. to `PJSIP/7048-00000069<ZOMBIE>`.
    let kind = if PLUMBING.contains(&technology) || rest.ends_with('>') {
        Kind::Plumbing
    } else if trunks.contains(endpoint) {
        Kind::Outside
    } else {
        Kind::Extension
    };
    (kind, endpoint.to_owned())
}

/// The endpoint in a channel's name, such as `7048`; `None` for channels of the phone system's own. A connector lists the
/// endpoints that it sees, so that an administrator can choose the trunks.
#[must_use]
pub fn endpoint(channel: &str) -> Option<String> {
    let (kind, endpoint) = classify(channel, &BTreeSet::new());
    (kind != Kind::Plumbing && !endpoint.is_empty()).then_some(endpoint)
}

fn endpoint_in<'a>(technology: &str, rest: &'a str) -> &'a str {
    let rest = rest.strip_suffix(";1").or_else(|| rest.strip_suffix(";2")).unwrap_or(rest);
    let Some((endpoint, suffix)) = rest.rsplit_once('-') else { return rest };
    let is_unique = suffix.len() == SUFFIX_CHARS && suffix.bytes().all(|b| b.is_ascii_hexdigit());
    if SHORT_SUFFIX.contains(&technology) {
        // DAHDI: `i1/01632960001-2` is a call on span 1.
        endpoint.split('/').next().unwrap_or(endpoint)
    } else if is_unique {
        endpoint
    } else {
        rest
    }
}

/// The name of the other half of a Local channel.
pub(super) fn other_half(name: &str) -> Option<String> {
    let pair = name.strip_prefix("Local/")?;
    let other = match (pair.strip_suffix(";1"), pair.strip_suffix(";2")) {
        (Some(pair), _) => format!("{pair};2"),
        (_, Some(pair)) => format!("{pair};1"),
        _ => return None,
    };
    Some(format!("Local/{other}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gives_kind_and_endpoint() {
        let trunks = BTreeSet::from(["provider".to_owned(), "a-b".to_owned(), "i1".to_owned()]);
        for (name, kind, endpoint) in [
            ("PJSIP/provider-00000067", Kind::Outside, "provider"),
            ("SIP/a-b-0000ffff", Kind::Outside, "a-b"),
            ("PJSIP/7048-00000019", Kind::Extension, "7048"),
            ("PJSIP/reception-desk", Kind::Extension, "reception-desk"),
            ("DAHDI/i1/01632960001-2", Kind::Outside, "i1"),
            ("IAX2/7048-4711", Kind::Extension, "7048"),
            ("Local/7048@from-internal-00000001;2", Kind::Plumbing, "7048@from-internal"),
            ("PJSIP/7048-00000019<ZOMBIE>", Kind::Plumbing, "7048-00000019<ZOMBIE>"),
            ("", Kind::Extension, ""),
        ] {
            assert_eq!(classify(name, &trunks), (kind, endpoint.to_owned()), "{name}");
        }
    }

    #[test]
    fn endpoints_are_listed_without_the_phone_systems_own_channels() {
        assert_eq!(endpoint("PJSIP/provider-00000067").as_deref(), Some("provider"));
        assert_eq!(endpoint("Local/7048@from-internal-00000001;2"), None);
        assert_eq!(endpoint(""), None);
    }

    #[test]
    fn the_halves_of_a_local_channel_name_each_other() {
        assert_eq!(other_half("Local/a@b-00000001;1").as_deref(), Some("Local/a@b-00000001;2"));
        assert_eq!(other_half("Local/a@b-00000001;2").as_deref(), Some("Local/a@b-00000001;1"));
        assert_eq!(other_half("PJSIP/a-00000001;1"), None);
        assert_eq!(other_half("Local/a"), None);
    }
}
