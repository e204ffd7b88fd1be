//! What can happen to a call. Each scenario states what must be reported.

mod groups;
pub(crate) mod incoming;
pub(crate) mod outgoing;
mod transfers;
pub(crate) mod withheld;

use crate::{scenario::Scenario, sipp::Step};

/// A phone that rings for a second and is answered.
const ANSWERED: [Step; 3] = [Step::Ring(1_000), Step::Accept, Step::AwaitHangUp];
/// A phone that rings, but no one is there.
const UNATTENDED: [Step; 2] = [Step::Ring(100), Step::Ignore];

/// All of them.
pub(crate) fn all() -> Vec<Scenario> {
    [groups::ALL, incoming::ALL, outgoing::ALL, transfers::ALL, withheld::ALL].concat()
}

/// A caller who talks for this long and hangs up.
fn talks(ms: u64) -> [Step; 3] {
    [Step::Accepted, Step::Talk(ms), Step::HangUp]
}

/// Names functions, which state one scenario each.
macro_rules! scenarios {
    ($($name:ident),+ $(,)?) => {
        /// The scenarios of this file.
        pub(crate) const ALL: &[crate::scenario::Scenario] =
            &[$(crate::scenario::Scenario { name: stringify!($name), play: $name }),+];
    };
}
use scenarios;
