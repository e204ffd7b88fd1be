//! What a channel is called among the trunks: its gateway, the user who registered, else the Sofia profile. An administrator
//! can choose any of them as a trunk: a provider without registration has no gateway for incoming calls, only the profile.

use uuid::Uuid;

use super::Event;
use crate::call::{Settings, number};

/// The technology in the names of channels that a phone or a line is behind.
const TECHNOLOGY: &str = "SOFIA";
/// Hexadecimal digits at the end of a name.
const SUFFIX_CHARS: usize = 8;

/// Whether a channel calls FreeSWITCH, or is called by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Inbound,
    Outbound,
}

pub(super) fn direction(event: &Event) -> Direction {
    if event.get("Call-Direction") == Some("outbound") { Direction::Outbound } else { Direction::Inbound }
}

/// The channel's name in the form that [`crate::call`] reads: `TECH/endpoint-8 hex digits`, and `Local/…;1` and `;2` for the
/// two halves of a loopback channel.
pub(super) fn name(event: &Event, id: &str, settings: &Settings) -> String {
    let channel = event.get("Channel-Name").unwrap_or_default();
    if let Some(half) = channel.strip_prefix("loopback/") {
        let other = event.get("variable_other_loopback_leg_uuid").unwrap_or(id);
        return if half.ends_with("-b") { format!("Local/{other};2") } else { format!("Local/{id};1") };
    }
    // Channels without a far end, such as `error/user_busy` and `null/…`, are the phone system's own.
    if ["error/", "null/", "group/", "fifo/"].iter().any(|own| channel.starts_with(own)) {
        return format!("Bridge/{}", number::clean(channel));
    }
    let names = candidates(event, channel);
    let trunk = names.iter().find(|name| settings.trunks.contains(*name));
    let endpoint = trunk.or(names.first()).cloned().unwrap_or_default();
    let suffix = Uuid::new_v5(&Uuid::NAMESPACE_OID, id.as_bytes()).simple().to_string();
    format!("{TECHNOLOGY}/{endpoint}-{}", suffix.get(..SUFFIX_CHARS).unwrap_or_default())
}

/// The most specific name first.
fn candidates(event: &Event, channel: &str) -> Vec<String> {
    let user = match direction(event) {
        Direction::Inbound => ["variable_user_name", "variable_sip_auth_username"],
        Direction::Outbound => ["variable_dialed_user", "variable_dialed_user"],
    };
    let gateway = ["variable_sip_gateway_name", "variable_sip_gateway"];
    let stated = gateway.into_iter().chain(user).filter_map(|name| event.get(name));
    // `sofia/external/01632960001@192.0.2.10`
    let profile = channel.split('/').nth(1).or((!channel.is_empty()).then_some(channel));
    stated.chain(profile).map(number::clean).filter(|name| !name.is_empty()).collect()
}
