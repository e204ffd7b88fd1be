//! HTTP in: a phone system that can only send its own webhook is understood by a declarative mapping. A request becomes
//! [`fields`]; the first rule of the [`mapping`] whose conditions hold says what it reports; a [`template`] for each field
//! says where its value is. [`Mapper::apply`] returns each step, so that a page can show why a request became no event.
//!
//! Some systems report only beginnings with numbers, and ends without: [`Calls`] remembers what the end leaves out.

mod apply;
mod calls;
mod condition;
mod ended;
pub mod fields;
pub mod mapping;
pub mod presets;
mod response;
pub mod template;
mod values;

pub use apply::{FieldTrial, Outcome, Received, Trial, Tried};
pub use calls::Calls;
pub use condition::Condition;
pub use ended::{Ended, Known};
pub use fields::Request;
pub use mapping::{Mapper, Mapping};
pub use presets::Preset;
pub use response::Response;
pub use template::Locale;
