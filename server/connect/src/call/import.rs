//! Calls that only records tell about, with their numbers: whoever imports a file has them already.

use super::{Action, CallRecord, Calls, number, open::Caller};
use crate::event::{CallEvent, CallType};

impl Calls {
    /// The end of a recorded call, with the IDs that events observed live have. Nothing if it leads neither in nor out.
    pub fn import(&mut self, record: &CallRecord) -> Option<CallEvent> {
        let mut call = self.recorded(record)?;
        if call.kind == CallType::Incoming {
            call.caller = Caller::Known(number::caller(&record.caller));
        }
        call.is_announced = true;
        let key = call.key.clone();
        self.book.insert(call);
        self.apply(&key, record);
        self.finish(&key, record.ended_at, None);
        self.book.bound();
        let posted = |action| if let Action::Post(event) = action { Some(*event) } else { None };
        self.take_actions().into_iter().find_map(posted)
    }
}
