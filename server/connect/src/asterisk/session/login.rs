//! From the greeting to the list of channels.

use domain::{UnixMs, connector::ASTERISK_MIN};

use super::{AMI_VERSION_MIN, Failure, Permission, Phase, Session, trunks::TRUNK};
use crate::{
    asterisk::ami::{self, Message, Request},
    session::printable,
};

/// Longest version of the protocol that is kept, in characters.
const VERSION_MAX_CHARS: usize = 20;
/// Longest text of Asterisk's that is kept, in characters.
const TEXT_MAX_CHARS: usize = 80;

pub(super) const LOGIN: &str = "login";
pub(super) const SETTINGS: &str = "settings";
pub(super) const STATUS: &str = "status";
pub(super) const PING: &str = "ping";
pub(super) const CHANNELS: &str = "channels";

impl Session {
    pub(super) fn greeted(&mut self, version: &str) -> Result<(), Failure> {
        let version = printable(version, VERSION_MAX_CHARS);
        if major(&version).is_none_or(|major| major < AMI_VERSION_MIN) {
            return Err(Failure::TooOld(format!("AMI {version}")));
        }
        self.version = Some(format!("Asterisk with AMI {version}"));
        self.phase = Phase::LoggingIn;
        let login = Request::new("Login").with("ActionID", LOGIN).with("Username", &self.account.user);
        let login = login.with("Secret", &self.account.secret).with("Events", "on");
        self.outgoing.extend_from_slice(&login.encode()?);
        Ok(())
    }

    pub(super) fn responded(&mut self, now: UnixMs, id: &str, message: &Message) -> Result<(), Failure> {
        let is_error = message.get("Response") == Some("Error");
        match id {
            LOGIN if is_error => return Err(Failure::WrongSecret),
            LOGIN => self.logged_in(now),
            SETTINGS => self.introduced(message)?,
            PING => self.ponged(now, message),
            STATUS if !is_error => self.started_at(message),
            CHANNELS if is_error && lacks_permission(message) => {
                return Err(Failure::MissingPermission(Permission::WriteReporting));
            }
            CHANNELS => self.listed(now, message),
            _ => match id.strip_prefix(TRUNK) {
                Some(name) => self.trunk_answered(name, message),
                None => self.question_answered(id, message),
            },
        }
        Ok(())
    }

    fn logged_in(&mut self, now: UnixMs) {
        if self.phase != Phase::LoggingIn {
            return;
        }
        self.phase = Phase::Following;
        self.ping(now);
        self.send(&Request::new("CoreSettings").with("ActionID", SETTINGS));
        self.send(&Request::new("CoreStatus").with("ActionID", STATUS));
        self.ask_for_trunks();
        self.list_channels(now);
    }

    /// Which Asterisk it is. Any permission to write `system` or `reporting` is enough to ask; without an answer, the version of the
    /// protocol has to do.
    fn introduced(&mut self, message: &Message) -> Result<(), Failure> {
        let Some(version) = message.get("AsteriskVersion") else { return Ok(()) };
        let version = printable(version, TEXT_MAX_CHARS);
        // A build from a repository has no number.
        if major(&version).is_some_and(|major| major < ASTERISK_MIN) {
            return Err(Failure::TooOld(version));
        }
        self.version = Some(version);
        Ok(())
    }

    fn started_at(&mut self, message: &Message) {
        let (Some(date), Some(time)) = (message.get("CoreStartupDate"), message.get("CoreStartupTime")) else { return };
        self.journal.started_at(printable(&format!("{date} {time}"), TEXT_MAX_CHARS));
    }

    pub(super) fn ping(&mut self, now: UnixMs) {
        self.pulse.pinged(now);
        self.send(&Request::new("Ping").with("ActionID", PING));
    }

    fn ponged(&mut self, now: UnixMs, message: &Message) {
        // While events wait to be read, the response is old. The first one after a login is not.
        let is_first = self.journal.connected_since.is_none();
        if let Some(at) = message.get("Timestamp").and_then(ami::timestamp).filter(|_| is_first) {
            self.journal.clock.stated(at, now);
        }
    }
}

/// The number that a version begins with, after `certified/` for example.
fn major(version: &str) -> Option<u32> {
    let number = version.rsplit('/').next()?.split(|c: char| !c.is_ascii_digit()).next()?;
    number.parse().ok()
}

fn lacks_permission(response: &Message) -> bool {
    response.get("Message").is_some_and(|text| text.to_ascii_lowercase().contains("permission"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_version_is_read() {
        let cases = [("22.10.1", Some(22)), ("certified/18.9-cert13", Some(18)), ("16.8-cert3~deb", Some(16))];
        for (version, number) in
            cases.into_iter().chain([("GIT-master-5a1b", None), ("SVN-branch-r4", None), ("", None)])
        {
            assert_eq!(major(version), number, "{version}");
        }
    }
}
