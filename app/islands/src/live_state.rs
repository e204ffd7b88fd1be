//! What the switch for live updates shows.

/// The state of the island.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LiveState {
    /// New rows waiting to be shown.
    pub(crate) waiting: u32,
    /// Whether the whole content waits, rather than rows of a list.
    pub(crate) whole: bool,
    /// Time of the last update, while the connection is lost.
    pub(crate) lost: Option<String>,
    /// Whether the user has paused it.
    pub(crate) paused: bool,
    /// Whether the content is final.
    pub(crate) ended: bool,
}

impl LiveState {
    pub(crate) fn connection_text(&self) -> String {
        match &self.lost {
            Some(at) if !self.paused => format!("Reconnecting… Last update {at}"),
            _ => String::new(),
        }
    }

    pub(crate) fn waiting_text(&self) -> String {
        if self.whole { "Show changes".to_owned() } else { format!("Show {} new", self.waiting) }
    }
}
