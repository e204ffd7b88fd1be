//! The test line: each account's built-in test endpoint.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{actor::Actor, error::Result, time::UnixMs};

/// The path of test lines; the key of the line follows.
pub const PATH_PREFIX: &str = "/test-line/";
/// Number of requests a test line keeps.
pub const KEPT_REQUESTS: u32 = 50;
/// Most bytes of a body that are kept: requests come from whoever knows the key.
pub const BODY_KEPT_BYTES: usize = 16 * 1_024;
/// Delay of the slow behaviour, in milliseconds.
pub const SLOW_MS: u64 = 20_000;
/// How long a request is kept, in milliseconds.
pub const KEPT_MS: i64 = 7 * crate::time::DAY_MS;

/// How the test line responds.
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
    /// Closes the connection without a response.
    HangUp,
}

impl Behaviour {
    /// All behaviours.
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

    /// The label for display.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ok => "200 – accept every event",
            Self::Error => "500 – fail every event",
            Self::Gone => "410 Gone",
            Self::Slow => "Slow – respond after 20 s",
            Self::HangUp => "Hang up – close the connection without a response",
        }
    }

    /// The behaviour with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|behaviour| behaviour.as_str() == name)
    }
}

/// A request received by a test line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestLineRequest {
    /// When it arrived.
    pub received_at: UnixMs,
    /// Its headers, one `name: value` per line.
    pub headers: String,
    /// Its body.
    pub body: String,
    /// How the test line responded.
    pub behaviour: Behaviour,
}

impl TestLineRequest {
    /// Whether the body is, or may be, longer than what was kept of it.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        // A cut keeps characters whole.
        self.body.len() + char::MAX_LEN_UTF8 > BODY_KEPT_BYTES
    }
}

/// An account's test line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestLine {
    /// Its URL.
    pub url: String,
    /// How it responds.
    pub behaviour: Behaviour,
    /// The latest requests, newest first, at most [`KEPT_REQUESTS`].
    pub requests: Vec<TestLineRequest>,
}

/// Using the account's test line.
#[async_trait]
pub trait TestLines {
    /// The account's test line, created on first use.
    ///
    /// # Errors
    /// `Forbidden` without permission to change endpoints.
    async fn test_line(&self, actor: &Actor) -> Result<TestLine>;
    /// Changes how it responds.
    ///
    /// # Errors
    /// As [`Self::test_line`].
    async fn set_test_line(&self, actor: &Actor, behaviour: Behaviour) -> Result<()>;
    /// Deletes its requests.
    ///
    /// # Errors
    /// As [`Self::test_line`].
    async fn clear_test_line(&self, actor: &Actor) -> Result<()>;
    /// Checks that a test line has this key, before anything more is read from whoever sent it.
    ///
    /// # Errors
    /// `NotFound` for an unknown key.
    async fn check_test_line(&self, key: &str) -> Result<()>;
    /// Records a request to the test line with this key and returns how to respond.
    ///
    /// # Errors
    /// `NotFound` for an unknown key.
    async fn record_test_line_request(&self, key: &str, headers: &str, body: &str) -> Result<Behaviour>;
}
