//! Leaf pieces. They get data and call no server.

pub mod button;
pub mod checkbox_group;
pub mod empty_state;
pub mod error_words;
pub mod field;
pub mod heading;
pub mod icon;
pub mod layout;
pub mod notices;
pub mod panel;
pub mod rail;
pub mod secret;
pub mod top_bar;
