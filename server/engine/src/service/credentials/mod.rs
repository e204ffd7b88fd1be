//! Credentials: API tokens, rotation of endpoint credentials, and re-encryption with a new instance key.

mod api_tokens;
pub mod key_rotation;
mod rotation;
mod rotation_steps;
