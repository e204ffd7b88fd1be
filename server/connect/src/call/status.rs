//! How a call ended.

use super::{
    input::Cause,
    open::OpenCall,
    results::{Caused, LegResult},
};
use crate::event::{CallResult, CallType, Status};

/// The status, and the finer result. The order of the rules matters.
pub(super) fn conclude(call: &OpenCall) -> (Status, CallResult) {
    if call.talk.answered_at.is_some() {
        return (Status::Answered, CallResult::Answered);
    }
    if call.mailbox.is_some() {
        return (Status::Voicemail, CallResult::Voicemail);
    }
    // Asterisk 16 states no cause before the hang-up itself, so both must agree.
    if call.gave_up && matches!(call.cause, None | Some(0 | 16 | 31 | 127)) {
        let waited = call.is_up && call.kind == CallType::Incoming;
        return (Status::Cancelled, if waited { CallResult::Abandoned } else { CallResult::Cancelled });
    }
    let attempt = if call.kind == CallType::Incoming { call.attempts.best() } else { call.attempts.last() };
    attempt.map_or_else(|| without_attempt(call), of_attempt)
}

fn of_attempt((result, cause): Caused) -> (Status, CallResult) {
    match result {
        LegResult::NotAnswered => (Status::NotAnswered, CallResult::NotAnswered),
        LegResult::Busy if cause == Some(21) => (Status::Busy, CallResult::Rejected),
        LegResult::Busy => (Status::Busy, CallResult::Busy),
        LegResult::Failed => (Status::Failed, failure(cause)),
        LegResult::Cancelled => (Status::Cancelled, CallResult::Cancelled),
    }
}

/// No phone rang, and no line was tried: the phone system itself ended the call.
fn without_attempt(call: &OpenCall) -> (Status, CallResult) {
    match call.cause {
        Some(17) => (Status::Busy, CallResult::Busy),
        _ if call.kind == CallType::Incoming && call.is_up => (Status::NotAnswered, CallResult::NotAnswered),
        Some(21) => (Status::Failed, CallResult::Blocked),
        cause => (Status::Failed, failure(cause)),
    }
}

/// A failure by its cause (ITU-T Q.850).
fn failure(cause: Option<Cause>) -> CallResult {
    match cause {
        Some(1 | 2 | 22 | 28) => CallResult::NotFound,
        Some(3 | 20 | 27) => CallResult::Unreachable,
        Some(34 | 38 | 41 | 42 | 44) => CallResult::Congested,
        _ => CallResult::Failed,
    }
}
