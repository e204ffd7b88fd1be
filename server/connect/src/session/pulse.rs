//! Whether the phone system is alive: silence is followed by a ping, and longer silence means that the connection is dead.

use domain::{UnixMs, time::SECOND_MS};

/// A ping follows this much silence, in milliseconds.
pub const PING_AFTER_MS: i64 = 2 * SECOND_MS;
/// After this much silence the connection is dead, in milliseconds.
pub const DEAD_MS: i64 = 6 * SECOND_MS;
/// A tick that comes this late, in milliseconds, means that this process was the silent one.
const SLEPT_MS: i64 = 2 * SECOND_MS;

/// How far a session is that greets, logs in, and is sent events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// There is no connection.
    Offline,
    /// The phone system has not greeted yet.
    Greeting,
    /// It has not accepted the login yet.
    LoggingIn,
    /// It sends events.
    Following,
}

/// What a tick finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tick {
    /// There is nothing to do yet.
    Wait,
    /// No greeting has arrived: this is another program.
    NoGreeting,
    /// The connection is dead.
    Silent,
    /// Events are followed.
    Follow {
        /// Whether it is time for a ping.
        is_ping_due: bool,
    },
}

/// When the phone system was heard, pinged and watched last.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    heard_at: UnixMs,
    pinged_at: UnixMs,
    ticked_at: UnixMs,
}

impl Pulse {
    /// The pulse of a connection that begins now.
    pub(crate) const fn beginning(now: UnixMs) -> Self {
        Self { heard_at: now, pinged_at: now, ticked_at: now }
    }

    /// Something arrived.
    pub(crate) const fn heard(&mut self, now: UnixMs) {
        self.heard_at = now;
    }

    /// A ping was sent.
    pub(crate) const fn pinged(&mut self, now: UnixMs) {
        self.pinged_at = now;
    }

    /// When it was heard last.
    pub(crate) fn last(&self, now: UnixMs) -> UnixMs {
        self.heard_at.min(now)
    }

    /// Time passes.
    pub(crate) fn tick(&mut self, phase: Phase, now: UnixMs) -> Tick {
        let slept = now.since_ms(self.ticked_at) >= SLEPT_MS;
        self.ticked_at = now;
        if slept {
            // What arrived meanwhile has not been read yet.
            self.heard_at = now;
            return Tick::Wait;
        }
        let silent_ms = now.since_ms(self.heard_at);
        match phase {
            Phase::Offline => Tick::Wait,
            Phase::Greeting if silent_ms >= DEAD_MS => Tick::NoGreeting,
            _ if silent_ms >= DEAD_MS => Tick::Silent,
            Phase::Greeting | Phase::LoggingIn => Tick::Wait,
            Phase::Following => Tick::Follow {
                is_ping_due: silent_ms >= PING_AFTER_MS && now.since_ms(self.pinged_at) >= PING_AFTER_MS,
            },
        }
    }
}
