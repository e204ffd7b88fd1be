//! From the first frame to the list of channels.

use domain::{UnixMs, time::SECOND_MS};

use super::{Asked, Failure, Phase, Session};
use crate::session::printable;

/// The events that are followed. `HEARTBEAT` is a sign of life; conferences are bridges.
const SUBSCRIBE: &str = "event json CHANNEL_CREATE CHANNEL_ORIGINATE CHANNEL_ANSWER CHANNEL_BRIDGE CHANNEL_UNBRIDGE \
                         CHANNEL_HANGUP_COMPLETE HEARTBEAT CUSTOM conference::maintenance";
/// Longest text of FreeSWITCH's that is kept, in characters.
const TEXT_MAX_CHARS: usize = 80;

impl Session {
    pub(super) fn greeted(&mut self) -> Result<(), Failure> {
        if self.phase != Phase::Greeting {
            return Ok(());
        }
        let password = self.password.0.clone();
        if password.chars().any(char::is_control) {
            return Err(Failure::UnsafePassword);
        }
        self.phase = Phase::LoggingIn;
        self.send(Asked::Login, &format!("auth {password}"));
        Ok(())
    }

    /// The reply to a command that is not `api`.
    pub(super) fn replied(&mut self, now: UnixMs, text: &str) -> Result<(), Failure> {
        let is_accepted = text.starts_with("+OK");
        match self.asked.pop_front() {
            Some(Asked::Login) if !is_accepted => Err(Failure::WrongPassword),
            Some(Asked::Login) => {
                self.logged_in(now);
                Ok(())
            }
            Some(Asked::Subscription) if is_accepted => Ok(()),
            // `api` is refused by a reply when the user may not use it.
            Some(_) => Err(Failure::Denied(printable(text, TEXT_MAX_CHARS))),
            None => Err(Failure::NotEventSocket),
        }
    }

    fn logged_in(&mut self, now: UnixMs) {
        self.phase = Phase::Following;
        self.send(Asked::Subscription, SUBSCRIBE);
        self.send(Asked::Version, "api version");
        self.send(Asked::Core, "api global_getvar core_uuid");
        self.ping(now);
        self.ask_for_trunks();
        self.list_channels(now);
    }

    /// The response to an `api` command; `None` if it was too long.
    pub(super) fn responded(&mut self, now: UnixMs, text: Option<String>) -> Result<(), Failure> {
        let text = text.as_deref();
        match self.asked.pop_front() {
            Some(Asked::Version) => self.version = text.and_then(version).or_else(|| self.version.take()),
            Some(Asked::Core) => {
                if let Some(core) = text.map(str::trim).filter(|core| !core.is_empty() && !core.starts_with('-')) {
                    self.journal.started_at(printable(core, TEXT_MAX_CHARS));
                }
            }
            Some(Asked::Time) => self.told_time(now, text),
            Some(Asked::Channels) => self.listed(now, text)?,
            Some(Asked::Bridges) => self.listed_bridges(text),
            Some(Asked::Channel(id)) => self.described(id, text),
            Some(Asked::Trunk(name)) => self.trunk_described(name, text),
            Some(Asked::Login | Asked::Subscription) | None => return Err(Failure::NotEventSocket),
        }
        self.compare_if_complete(now);
        Ok(())
    }

    pub(super) fn ping(&mut self, now: UnixMs) {
        self.pulse.pinged(now);
        self.send(Asked::Time, "api strepoch");
    }

    fn told_time(&mut self, now: UnixMs, text: Option<&str>) {
        // While events wait to be read, the response is old. The first one after a login is not.
        let is_first = self.journal.connected_since.is_none();
        let seconds: Option<i64> = text.and_then(|text| text.trim().parse().ok());
        if let Some(at) = seconds.and_then(|seconds| seconds.checked_mul(SECOND_MS)).filter(|_| is_first) {
            self.journal.clock.stated(UnixMs(at), now);
        }
    }
}

/// `FreeSWITCH Version 1.10.12-release.git~… (64bit)`
fn version(text: &str) -> Option<String> {
    let version = text.trim().strip_prefix("FreeSWITCH Version ")?.split([' ', '+', '~']).next()?;
    Some(printable(version, TEXT_MAX_CHARS)).filter(|version| !version.is_empty())
}
