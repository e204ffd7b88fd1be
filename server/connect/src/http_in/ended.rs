//! The end of a call, completed with what was known of its beginning.

use std::fmt;

use domain::error::FieldError;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::event::{ANONYMOUS, CallEvent, CallStatus, CallType, Cost, Details, Party, Payload, Processed, Route};

/// What a request stated about the end of a call.
#[derive(Clone, PartialEq)]
pub struct Ended {
    /// The call.
    pub call_id: Uuid,
    pub(super) at_s: i64,
    pub(super) status: Status,
    pub(super) direction: Option<CallType>,
    pub(super) duration_s: Option<u64>,
    pub(super) caller: Option<String>,
    pub(super) callee: Option<String>,
    pub(super) extension: Option<String>,
    pub(super) voicemail_box: Option<String>,
    pub(super) cost: Cost,
    pub(super) dialled: Option<String>,
    pub(super) presented: Option<String>,
    pub(super) context: Option<String>,
    pub(super) details: Details,
}

impl fmt::Debug for Ended {
    /// Without numbers: logs are kept.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ended").field("call_id", &self.call_id).finish_non_exhaustive()
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// So.
    Is(CallStatus),
    /// Answered if that was reported before.
    ByAnswer,
}

/// What was reported before a call ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// How it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beginning: Option<Beginning>,
    /// When it was answered first, as a Unix time in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_s: Option<i64>,
    /// Who answered last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
}

/// How a call began. Debug output has no numbers: logs are kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beginning {
    /// In which direction.
    pub direction: CallType,
    /// The number of the caller, or [`ANONYMOUS`].
    pub caller: String,
    /// The number called.
    pub callee: String,
    /// What it was routed by.
    pub route: Route,
}

impl fmt::Debug for Beginning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beginning").field("direction", &self.direction).finish_non_exhaustive()
    }
}

impl Known {
    /// Adds the beginning of the call.
    pub fn begin(&mut self, event: &CallEvent) {
        let (direction, started) = match &event.payload {
            Payload::IncomingCall(started) => (CallType::Incoming, started),
            Payload::OutgoingCall(started) => (CallType::Outgoing, started),
            Payload::CallProcessed(_) => return,
        };
        self.beginning = Some(Beginning {
            direction,
            caller: started.caller_number.clone(),
            callee: started.callee_number.clone(),
            route: event.route.clone(),
        });
    }

    /// Adds that it was answered: the first time counts, and whoever answered last has the call.
    pub fn answer(&mut self, at_s: i64, extension: Option<String>) {
        self.answered_s.get_or_insert(at_s);
        if extension.is_some() {
            self.extension = extension;
        }
    }
}

impl Ended {
    /// The event. What the request left out comes from what was known.
    ///
    /// # Errors
    /// One for each field that neither the request nor the beginning of the call has.
    pub fn complete(&self, known: Option<&Known>) -> Result<CallEvent, Vec<FieldError>> {
        let beginning = known.and_then(|known| known.beginning.as_ref());
        let direction = self.direction.or_else(|| beginning.map(|beginning| beginning.direction));
        let caller = self.caller.clone().or_else(|| beginning.map(|beginning| beginning.caller.clone()));
        let callee = self.callee.clone().or_else(|| beginning.map(|beginning| beginning.callee.clone()));
        let (Some(direction), Some(caller), Some(callee)) = (direction, caller.clone(), callee.clone()) else {
            let missing =
                [("direction", direction.is_none()), ("caller", caller.is_none()), ("callee", callee.is_none())];
            return Err(missing.iter().filter(|(_, missing)| *missing).map(|(name, _)| unknown(name)).collect());
        };
        // A number that was withheld at the beginning stays so, whatever the end says.
        let was_withheld = beginning.is_some_and(|beginning| beginning.caller == ANONYMOUS);
        let caller = if was_withheld { ANONYMOUS.to_owned() } else { caller };
        let answered_s = known.and_then(|known| known.answered_s);
        let (status, call_duration) = self.talk(answered_s);
        let extension = self.extension.clone().or_else(|| known?.extension.clone());
        let route = self.route(direction, &caller, &callee, beginning, extension.as_deref());
        let (source, destination) = self.parties(direction, status, caller, callee, extension);
        let payload = Payload::CallProcessed(Processed {
            call_id: self.call_id,
            call_cost: self.cost.clone(),
            call_type: direction,
            call_duration,
            call_status: status,
            source,
            destination,
        });
        let talk_s = (status == CallStatus::Answered).then_some(call_duration);
        Ok(CallEvent::new(self.at_s, payload, route).with_details(Details { talk_s, ..self.details.clone() }))
    }

    /// Status and whole seconds: of talk, or of a message.
    fn talk(&self, answered_s: Option<i64>) -> (CallStatus, u64) {
        let counted = answered_s.and_then(|from| u64::try_from(self.at_s - from).ok());
        let seconds = self.duration_s.or(counted).unwrap_or(0);
        let status = match self.status {
            Status::Is(status) => status,
            Status::ByAnswer if answered_s.is_some() || self.duration_s.is_some_and(|seconds| seconds > 0) => {
                CallStatus::Answered
            }
            Status::ByAnswer => CallStatus::NotAnswered,
        };
        let talked = matches!(status, CallStatus::Answered | CallStatus::Voicemail);
        (status, if talked { seconds } else { 0 })
    }

    fn parties(
        &self,
        direction: CallType,
        status: CallStatus,
        caller: String,
        callee: String,
        extension: Option<String>,
    ) -> (Party, Party) {
        match direction {
            CallType::Internal => (Party::extension(&caller), Party::extension(&callee)),
            CallType::Outgoing => {
                let source = extension.map_or(Party::Number(caller), |name| Party::extension(&name));
                (source, Party::Number(callee))
            }
            CallType::Incoming => {
                let mailbox = self.voicemail_box.as_deref().or(extension.as_deref());
                let destination = match (status, mailbox, extension.as_deref()) {
                    (CallStatus::Voicemail, Some(mailbox), _) => Party::voicemail_box(mailbox),
                    (_, _, Some(extension)) => Party::extension(extension),
                    _ => Party::Number(callee),
                };
                (Party::Number(caller), destination)
            }
        }
    }

    fn route(
        &self,
        direction: CallType,
        caller: &str,
        callee: &str,
        beginning: Option<&Beginning>,
        extension: Option<&str>,
    ) -> Route {
        let before = beginning.map(|beginning| beginning.route.clone()).unwrap_or_default();
        if direction == CallType::Incoming {
            let dialled = self.dialled.clone().or(before.dialled).or_else(|| Some(callee.to_owned()));
            return Route { dialled, ..Route::default() };
        }
        let caller = Some(caller.to_owned()).filter(|caller| caller != ANONYMOUS);
        Route {
            dialled: None,
            presented: self.presented.clone().or(before.presented).or(caller),
            extension: extension.map(str::to_owned).or(before.extension),
            context: self.context.clone().or(before.context),
        }
    }
}

fn unknown(name: &str) -> FieldError {
    let message =
        "The request does not say, and the beginning of this call was not reported. Give this field a template.";
    FieldError::new(name, message)
}
