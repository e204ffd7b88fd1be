//! The test line: each account's own receiver, for those who have no server yet.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{actor::Actor, error::Result, time::UnixMs};

/// Where the test line answers; a line's own key follows.
pub const PATH_PREFIX: &str = "/test-line/";
/// How many requests a line keeps.
pub const KEPT_REQUESTS: u32 = 50;
/// How long the slow behaviour waits before it answers, in milliseconds.
pub const SLOW_MS: u64 = 20_000;
/// How long a request is kept.
pub const KEPT_MS: i64 = 7 * crate::time::DAY_MS;

/// How the line answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// 200.
    Ok,
    /// 500.
    Error,
    /// 410.
    Gone,
    /// 200 after 20 seconds.
    Slow,
    /// Closes the connection without an answer.
    HangUp,
}

impl Behaviour {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Ok, Self::Error, Self::Gone, Self::Slow, Self::HangUp];

    /// The name in forms and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Gone => "gone",
            Self::Slow => "slow",
            Self::HangUp => "hang_up",
        }
    }

    /// What people read.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Ok => "200 – take every event",
            Self::Error => "500 – fail every event",
            Self::Gone => "410 – say that nobody is here any more",
            Self::Slow => "Slow – answer after 20 s",
            Self::HangUp => "Hang up – close without an answer",
        }
    }

    /// The behaviour of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|behaviour| behaviour.as_str() == name)
    }
}

/// A request that the line received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineRequest {
    /// When it came.
    pub received_at: UnixMs,
    /// Its header lines, `name: value`, one a line.
    pub headers: String,
    /// Its body.
    pub body: String,
    /// How the line behaved.
    pub behaviour: Behaviour,
}

/// An account's test line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestLine {
    /// Where it answers.
    pub url: String,
    /// How it answers from now on.
    pub behaviour: Behaviour,
    /// The latest requests, newest first, at most [`KEPT_REQUESTS`].
    pub requests: Vec<LineRequest>,
}

/// The test line: its part of the port.
#[async_trait]
pub trait TestLines {
    /// The account's line; made on first use.
    ///
    /// # Errors
    /// `Forbidden` for those who may not change endpoints.
    async fn test_line(&self, actor: &Actor) -> Result<TestLine>;
    /// Changes how it answers.
    ///
    /// # Errors
    /// As [`Self::test_line`].
    async fn set_test_line(&self, actor: &Actor, behaviour: Behaviour) -> Result<()>;
    /// Forgets its requests.
    ///
    /// # Errors
    /// As [`Self::test_line`].
    async fn clear_test_line(&self, actor: &Actor) -> Result<()>;
    /// A request has come to the line with this key: keeps it and says how to answer.
    ///
    /// # Errors
    /// `NotFound` for an unknown key.
    async fn test_line_called(&self, key: &str, headers: &str, body: &str) -> Result<Behaviour>;
}
