//! Endpoints: the list, one of them, and the forms that change them.

pub mod delete;
pub mod duplicate;
pub mod edit;
pub mod everywhere;
pub mod list;
pub mod new;
pub mod record;
pub mod rotation;
pub mod rows;
pub mod show;
pub mod test;
