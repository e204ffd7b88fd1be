//! Leaf pieces. They get data and call no server.

pub mod button;
pub mod cadence;
pub mod cause;
pub mod checkbox_group;
pub mod code_block;
pub mod copy_button;
pub mod count_text;
pub mod delivery_row;
pub mod empty_state;
pub mod endpoint_fields;
pub mod endpoint_lamp;
pub mod error_words;
pub mod field;
pub mod filter_chips;
pub mod filter_field;
pub mod heading;
pub mod hours;
pub mod icon;
pub mod key_value;
pub mod layout;
pub mod live_region;
pub mod notices;
pub mod pager;
pub mod panel;
pub mod rail;
pub mod role_field;
#[cfg(test)]
pub mod sample;
pub mod secret;
pub mod status_lamp;
pub mod support_band;
pub mod time_text;
pub mod timing;
pub mod top_bar;
pub mod try_result;
pub mod viewpoint;
