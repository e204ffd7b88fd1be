//! Credentials: API tokens, rotations of endpoint credentials, and every sealed column.

pub mod api_tokens;
pub mod rotations;
pub mod sealed;
