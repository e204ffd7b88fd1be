//! Calls, and what each has to lead to.

use super::{
    fake::Step,
    steps::{
        click_to_dial, in_answered, in_attended_transfer, in_blind_transfer, in_cancelled, in_conference, in_failed,
        in_forwarded, in_loopback, in_menu_hung_up, in_private, in_queue_abandoned, in_queue_answered, in_ring_group,
        in_unknown_number, in_voicemail, internal, out_answered, out_blind_transfer, out_busy, out_cancelled,
        out_failover,
    },
};

/// A call.
pub(crate) struct Scenario {
    pub name: &'static str,
    /// Its steps, with IDs that begin with this number.
    pub steps: fn(u32) -> Vec<Step>,
    pub outcome: &'static [&'static str],
}

const PLAIN: &str = "IncomingCall 01632960001 -> 01632960100";
const PRESENTED: &str = "OutgoingCall 01632960100 -> 01632960002";

pub(crate) const SCENARIOS: [Scenario; 27] = [
    Scenario {
        name: "in_answered",
        steps: in_answered,
        outcome: &[PLAIN, "CallProcessed incoming answered 5 s, 01632960001 -> extension 7048"],
    },
    Scenario {
        name: "in_busy",
        steps: |n| in_failed(n, "USER_BUSY"),
        outcome: &[PLAIN, "CallProcessed incoming busy 0 s, 01632960001 -> extension 7048"],
    },
    Scenario {
        name: "in_rejected",
        steps: |n| in_failed(n, "CALL_REJECTED"),
        outcome: &[PLAIN, "CallProcessed incoming busy 0 s, 01632960001 -> extension 7048"],
    },
    Scenario {
        name: "in_no_answer",
        steps: |n| in_failed(n, "NO_ANSWER"),
        outcome: &[PLAIN, "CallProcessed incoming not_answered 0 s, 01632960001 -> extension 7048"],
    },
    Scenario {
        name: "in_cancelled",
        steps: in_cancelled,
        outcome: &[PLAIN, "CallProcessed incoming cancelled 0 s, 01632960001 -> extension 7048"],
    },
    Scenario {
        name: "in_unknown_number",
        steps: in_unknown_number,
        outcome: &[PLAIN, "CallProcessed incoming failed 0 s, 01632960001 -> 01632960100"],
    },
    Scenario { name: "in_withheld", steps: |n| in_private(n, "Caller-Privacy-Hide-Number", "true"), outcome: WITHHELD },
    Scenario {
        name: "in_withheld_by_header",
        steps: |n| in_private(n, "variable_sip_Privacy", "id"),
        outcome: WITHHELD,
    },
    Scenario {
        name: "in_withheld_by_party",
        steps: |n| {
            in_private(n, "variable_sip_Remote-Party-ID", "<sip:01632960001@192.0.2.10>;party=calling;privacy=full")
        },
        outcome: WITHHELD,
    },
    Scenario {
        name: "in_withheld_unstated",
        steps: |n| in_private(n, "Caller-Privacy-Hide-Number", ""),
        outcome: WITHHELD,
    },
    Scenario {
        name: "in_ring_group",
        steps: in_ring_group,
        outcome: &[PLAIN, "CallProcessed incoming answered 4 s, 01632960001 -> extension 7049"],
    },
    Scenario {
        name: "in_ring_group_loopback",
        steps: in_loopback,
        outcome: &[PLAIN, "CallProcessed incoming answered 4 s, 01632960001 -> extension 7048"],
    },
    Scenario {
        name: "in_voicemail",
        steps: in_voicemail,
        outcome: &[PLAIN, "CallProcessed incoming voicemail 7 s, 01632960001 -> voicemail_box 7048"],
    },
    Scenario {
        name: "in_queue_answered",
        steps: in_queue_answered,
        outcome: &[PLAIN, "CallProcessed incoming answered 4 s, 01632960001 -> extension 7049"],
    },
    Scenario {
        name: "in_queue_abandoned",
        steps: in_queue_abandoned,
        outcome: &[PLAIN, "CallProcessed incoming cancelled 0 s, 01632960001 -> extension 7048"],
    },
    Scenario {
        name: "in_menu_hung_up",
        steps: in_menu_hung_up,
        outcome: &[PLAIN, "CallProcessed incoming cancelled 0 s, 01632960001 -> 01632960100"],
    },
    Scenario {
        name: "in_blind_transfer",
        steps: in_blind_transfer,
        outcome: &[PLAIN, "CallProcessed incoming answered 7 s, 01632960001 -> extension 7050"],
    },
    Scenario {
        name: "in_attended_transfer",
        steps: in_attended_transfer,
        outcome: &[PLAIN, "CallProcessed incoming answered 7 s, 01632960001 -> extension 7050"],
    },
    Scenario {
        name: "in_forwarded_to_mobile",
        steps: in_forwarded,
        outcome: &[PLAIN, "CallProcessed incoming answered 4 s, 01632960001 -> 07700900456"],
    },
    Scenario {
        name: "in_conference",
        steps: in_conference,
        outcome: &[PLAIN, "CallProcessed incoming answered 4 s, 01632960001 -> extension 7048"],
    },
    Scenario {
        name: "out_answered",
        steps: out_answered,
        outcome: &[PRESENTED, "CallProcessed outgoing answered 4 s, extension 7048 -> 01632960002"],
    },
    Scenario {
        name: "out_failover",
        steps: out_failover,
        outcome: &[PRESENTED, "CallProcessed outgoing answered 4 s, extension 7048 -> 01632960002"],
    },
    Scenario {
        name: "out_busy",
        steps: out_busy,
        outcome: &[PRESENTED, "CallProcessed outgoing busy 0 s, extension 7048 -> 01632960002"],
    },
    Scenario {
        name: "out_cancelled",
        steps: out_cancelled,
        outcome: &[PRESENTED, "CallProcessed outgoing cancelled 0 s, extension 7048 -> 01632960002"],
    },
    Scenario {
        name: "out_blind_transfer",
        steps: out_blind_transfer,
        outcome: &[PRESENTED, "CallProcessed outgoing answered 7 s, extension 7048 -> 01632960002"],
    },
    Scenario {
        name: "click_to_dial",
        steps: click_to_dial,
        outcome: &[PRESENTED, "CallProcessed outgoing answered 4 s, extension 7048 -> 01632960002"],
    },
    Scenario { name: "internal", steps: internal, outcome: &[] },
];
const WITHHELD: &[&str] =
    &["IncomingCall anonymous -> 01632960100", "CallProcessed incoming answered 5 s, anonymous -> extension 7048"];
