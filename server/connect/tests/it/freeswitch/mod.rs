//! FreeSWITCH's event socket, played back from the documented formats: no FreeSWITCH was available to record.

mod agreement;
mod connector;
mod fake;
mod hostile;
mod properties;
mod scenarios;
mod session;
mod steps;
