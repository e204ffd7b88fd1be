//! Endpoints: the list, a single endpoint, and the forms that change them.

pub mod delete;
pub mod duplicate;
pub mod edit;
pub mod history;
pub mod list;
pub mod new;
pub mod rotate_all;
pub mod rotation;
pub mod rows;
pub mod show;
pub mod test;
mod waiting;
