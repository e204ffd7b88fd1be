//! Causes on this side of the wire: nothing was sent, or we failed.

use super::advice::{Advice, Meanwhile, look};

pub(super) const NO_ENDPOINT: Advice = Advice {
    meaning: "The event was accepted and kept, but at that moment no endpoint of the account had picked its kind.",
    possible: &[
        "No endpoint has this event ticked.",
        "The endpoint that had it was deleted, or its events were changed.",
        "The endpoint was set up after the call.",
    ],
    checks: &[
        look("See on the page of endpoints which events each of them has picked."),
        look("Compare the time of the event with the endpoint's time of creation."),
    ],
    fixes: &[
        "Tick the event at an endpoint. That holds for events from then on; those before it are not sent afterwards.",
    ],
    meanwhile: Meanwhile::Nothing,
};

pub(super) const PAUSED: Advice = Advice {
    meaning: "The endpoint is paused. Its events are kept and wait; none of them is dropped for that.",
    possible: &["A person has paused it.", "It answered 410 Gone and was paused for that."],
    checks: &[look("The endpoint's page says since when it has been paused and why.")],
    fixes: &[
        "Resume the endpoint when your receiver is ready. Held events go out then, each call in its order.",
        "News of calls that are over by then expire; records of finished calls are delivered.",
    ],
    meanwhile: Meanwhile::Held,
};

pub(super) const SUSPENDED: Advice = Advice {
    meaning: "The provider has suspended the account. Its events are kept and wait; none of them is dropped for that.",
    possible: &["The provider gives the reason on top of the account’s pages."],
    checks: &[look("Every page of the account says since when it has been suspended, why, and whom to ask.")],
    fixes: &[
        "Ask your provider. Held events go out when the account is resumed, each call in its order.",
        "News of calls that are over by then expire; records of finished calls are delivered.",
    ],
    meanwhile: Meanwhile::Held,
};

pub(super) const OUR_FAULT: Advice = Advice {
    meaning: "The request could not be made because of something on the side of Offhook. Your server is not at fault.",
    possible: &[
        "The stored credentials of the endpoint cannot be opened, because Offhook runs with another key than before.",
        "The payload is no longer kept, so there is nothing to send.",
        "A fault in Offhook itself.",
    ],
    checks: &[look("Operators: look in the log of Offhook at the time of the attempt.")],
    fixes: &["There is nothing for you to do. If it happens again, tell the operator the id of the delivery."],
    meanwhile: Meanwhile::OurMatter,
};
