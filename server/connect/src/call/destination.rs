//! Who a call was from and for.

use super::open::{OpenCall, Rung};
use crate::event::{CallStatus, CallType, Party};

/// The caller.
pub(super) fn source(call: &OpenCall) -> Party {
    match &call.extension {
        Some(extension) if call.kind != CallType::Incoming => Party::extension(extension),
        _ => Party::Number(call.caller.shown().to_owned()),
    }
}

/// Who had the call last; if no one had, the one extension that rang; else what was dialled.
pub(super) fn destination(call: &OpenCall, status: CallStatus) -> Party {
    let dialled = || match call.kind {
        CallType::Internal => Party::extension(&call.called),
        _ => Party::Number(call.called.clone()),
    };
    match (call.kind, status) {
        (CallType::Outgoing, _) => dialled(),
        (_, CallStatus::Answered) => call.talk.party().cloned().unwrap_or_else(dialled),
        (_, CallStatus::Voicemail) => call.mailbox.as_deref().map_or_else(dialled, mailbox),
        _ => match &call.rung {
            Rung::One(party @ Party::Stored { .. }) => party.clone(),
            _ => dialled(),
        },
    }
}

/// A mailbox is reported with its context, such as `7048@default`.
fn mailbox(name: &str) -> Party {
    Party::voicemail_box(name.split('@').next().unwrap_or(name))
}
