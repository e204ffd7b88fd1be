//! The steps of calls. The IDs of the channels begin with that of the call, so that calls can be shuffled.

use super::fake::{New, Step};

fn id(call: u32, channel: u32) -> String {
    format!("{call:08x}-e2a6-11e8-b44d-{channel:012x}")
}

/// A caller from outside, over a provider without registration.
pub(crate) fn from_outside(n: u32) -> New {
    New {
        id: id(n, 1),
        name: "sofia/external/01632960001@192.0.2.10".to_owned(),
        from: "01632960001".to_owned(),
        to: "01632960100".to_owned(),
        context: "public",
        ..New::default()
    }
}

/// A phone that calls.
fn from_phone(n: u32, channel: u32, user: &str, to: &str) -> New {
    New {
        id: id(n, channel),
        name: format!("sofia/internal/{user}@pbx.example.com"),
        from: user.to_owned(),
        to: to.to_owned(),
        context: "default",
        headers: vec![("variable_user_name", user.to_owned())],
        ..New::default()
    }
}

/// A phone that is called by channel `by`.
fn to_phone(n: u32, channel: u32, by: Option<u32>, user: &str) -> New {
    New {
        id: id(n, channel),
        name: format!("sofia/internal/{user}@198.51.100.7:5060"),
        is_outbound: true,
        originator: by.map(|by| id(n, by)),
        from: "01632960001".to_owned(),
        to: user.to_owned(),
        context: "default",
        headers: vec![("variable_dialed_user", user.to_owned())],
    }
}

/// A call through a gateway, by channel `by`.
fn to_gateway(n: u32, channel: u32, by: u32, gateway: &str, number: &str) -> New {
    New {
        id: id(n, channel),
        name: format!("sofia/external/{number}"),
        is_outbound: true,
        originator: Some(id(n, by)),
        from: "01632960100".to_owned(),
        to: number.to_owned(),
        context: "default",
        headers: vec![("variable_sip_gateway_name", gateway.to_owned())],
    }
}

/// Steps on the channels of one call.
struct Call(u32, Vec<Step>);

impl Call {
    fn create(mut self, new: New) -> Self {
        self.1.push(Step::Create(new));
        self
    }

    fn answer(mut self, channel: u32) -> Self {
        self.1.push(Step::Answer(id(self.0, channel)));
        self
    }

    fn wait(mut self, seconds: i64) -> Self {
        self.1.push(Step::Wait(seconds * 1_000));
        self
    }

    /// Two channels talk, and are separated.
    fn talk(self, a: u32, b: u32, seconds: i64) -> Self {
        let mut call = self.bridge(a, b).wait(seconds);
        call.1.push(Step::Unbridge(id(call.0, a), id(call.0, b)));
        call
    }

    fn bridge(mut self, a: u32, b: u32) -> Self {
        self.1.push(Step::Bridge(id(self.0, a), id(self.0, b)));
        self
    }

    fn hang_up(self, channel: u32, cause: &'static str) -> Self {
        self.hang_up_with(channel, cause, Vec::new())
    }

    /// Whoever is at the far end hangs up.
    fn hung_up(self, channel: u32, cause: &'static str) -> Self {
        let disposition = if cause == "ORIGINATOR_CANCEL" { "recv_cancel" } else { "recv_bye" };
        self.hang_up_with(channel, cause, vec![("variable_sip_hangup_disposition", disposition.to_owned())])
    }

    fn hang_up_with(mut self, channel: u32, cause: &'static str, variables: Vec<(&'static str, String)>) -> Self {
        self.1.push(Step::Hangup(id(self.0, channel), cause, variables));
        self
    }

    fn join(mut self, channel: u32) -> Self {
        self.1.push(Step::Join(id(self.0, channel), "3000"));
        self
    }

    fn regroup(mut self, channel: u32, with: u32) -> Self {
        self.1.push(Step::Set(id(self.0, channel), "Channel-Call-UUID", id(self.0, with)));
        self
    }
}

fn incoming(n: u32) -> Call {
    Call(n, Vec::new()).create(from_outside(n))
}

fn outgoing(n: u32) -> Call {
    Call(n, Vec::new()).create(from_phone(n, 1, "7048", "01632960002")).wait(1)
}

pub(crate) fn in_answered(n: u32) -> Vec<Step> {
    let call = incoming(n).create(to_phone(n, 2, Some(1), "7048")).wait(2).answer(2).answer(1).talk(1, 2, 5);
    call.hung_up(2, "NORMAL_CLEARING").hang_up(1, "NORMAL_CLEARING").1
}

pub(crate) fn in_failed(n: u32, cause: &'static str) -> Vec<Step> {
    incoming(n).create(to_phone(n, 2, Some(1), "7048")).wait(2).hang_up(2, cause).hang_up(1, cause).1
}

pub(crate) fn in_cancelled(n: u32) -> Vec<Step> {
    let call = incoming(n).create(to_phone(n, 2, Some(1), "7048")).wait(2);
    call.hang_up(2, "ORIGINATOR_CANCEL").hung_up(1, "ORIGINATOR_CANCEL").1
}

pub(crate) fn in_unknown_number(n: u32) -> Vec<Step> {
    incoming(n).hang_up(1, "UNALLOCATED_NUMBER").1
}

pub(crate) fn in_private(n: u32, header: &'static str, value: &str) -> Vec<Step> {
    let mut steps = in_answered(n);
    if let Step::Create(new) = &mut steps[0] {
        new.headers.push((header, value.to_owned()));
    }
    steps
}

pub(crate) fn in_ring_group(n: u32) -> Vec<Step> {
    let call = incoming(n).create(to_phone(n, 2, Some(1), "7048")).create(to_phone(n, 3, Some(1), "7049")).wait(2);
    let call = call.answer(3).hang_up(2, "LOSE_RACE").answer(1).talk(1, 3, 4);
    call.hang_up(3, "NORMAL_CLEARING").hung_up(1, "NORMAL_CLEARING").1
}

/// FusionPBX's ring groups call each phone through a loopback channel.
pub(crate) fn in_loopback(n: u32) -> Vec<Step> {
    let half = |channel, other, side: &str, originator| New {
        id: id(n, channel),
        name: format!("loopback/7048-{side}"),
        is_outbound: side == "a",
        originator,
        from: "01632960001".to_owned(),
        to: "7048".to_owned(),
        context: "default",
        headers: vec![("variable_other_loopback_leg_uuid", id(n, other))],
    };
    let call = incoming(n).create(half(2, 3, "a", Some(id(n, 1)))).create(half(3, 2, "b", None));
    let call =
        call.create(to_phone(n, 4, Some(3), "7048")).wait(2).answer(4).answer(3).bridge(3, 4).answer(2).answer(1);
    let call = call.talk(1, 2, 4).hung_up(1, "NORMAL_CLEARING").hang_up(2, "NORMAL_CLEARING");
    call.hang_up(4, "NORMAL_CLEARING").hang_up(3, "NORMAL_CLEARING").1
}

pub(crate) fn in_voicemail(n: u32) -> Vec<Step> {
    let call = incoming(n).create(to_phone(n, 2, Some(1), "7048")).wait(3).hang_up(2, "NO_ANSWER").answer(1).wait(12);
    let message = [("variable_voicemail_message_len", "00:00:07"), ("variable_voicemail_account", "7048")];
    let mut variables: Vec<_> = message.map(|(key, value)| (key, value.to_owned())).into();
    variables.push(("variable_sip_hangup_disposition", "recv_bye".to_owned()));
    call.hang_up_with(1, "NORMAL_CLEARING", variables).1
}

/// `mod_callcenter` originates the agent's channel without a session, and names the waiting caller in a variable.
fn agent(n: u32, channel: u32, user: &str) -> New {
    let mut new = to_phone(n, channel, None, user);
    new.headers.extend([("variable_cc_side", "agent".to_owned()), ("variable_cc_member_session_uuid", id(n, 1))]);
    new
}

pub(crate) fn in_queue_answered(n: u32) -> Vec<Step> {
    let call = incoming(n).answer(1).wait(3).create(agent(n, 2, "7048")).wait(2).hang_up(2, "NO_ANSWER");
    let call = call.create(agent(n, 3, "7049")).wait(2).answer(3).talk(1, 3, 4);
    call.hung_up(3, "NORMAL_CLEARING").hang_up(1, "NORMAL_CLEARING").1
}

pub(crate) fn in_queue_abandoned(n: u32) -> Vec<Step> {
    let call = incoming(n).answer(1).wait(3).create(agent(n, 2, "7048")).wait(2);
    call.hung_up(1, "NORMAL_CLEARING").hang_up(2, "ORIGINATOR_CANCEL").1
}

pub(crate) fn in_menu_hung_up(n: u32) -> Vec<Step> {
    incoming(n).answer(1).wait(5).hung_up(1, "NORMAL_CLEARING").1
}

pub(crate) fn in_blind_transfer(n: u32) -> Vec<Step> {
    let call = incoming(n).create(to_phone(n, 2, Some(1), "7048")).answer(2).answer(1).talk(1, 2, 3);
    let call = call.hang_up(2, "BLIND_TRANSFER").create(to_phone(n, 3, Some(1), "7050")).wait(2).answer(3);
    call.talk(1, 3, 4).hang_up(3, "NORMAL_CLEARING").hung_up(1, "NORMAL_CLEARING").1
}

pub(crate) fn in_attended_transfer(n: u32) -> Vec<Step> {
    let call = incoming(n).create(to_phone(n, 2, Some(1), "7048")).answer(2).answer(1).talk(1, 2, 3);
    let call =
        call.create(from_phone(n, 3, "7048", "7050")).create(to_phone(n, 4, Some(3), "7050")).answer(4).answer(3);
    let call =
        call.talk(3, 4, 2).regroup(4, 1).bridge(1, 4).hang_up(3, "ATTENDED_TRANSFER").hang_up(2, "ATTENDED_TRANSFER");
    call.wait(4).hang_up(4, "NORMAL_CLEARING").hung_up(1, "NORMAL_CLEARING").1
}

pub(crate) fn in_forwarded(n: u32) -> Vec<Step> {
    let call = incoming(n).create(to_gateway(n, 2, 1, "provider", "07700900456")).wait(2).answer(2).answer(1);
    call.talk(1, 2, 4).hang_up(2, "NORMAL_CLEARING").hang_up(1, "NORMAL_CLEARING").1
}

pub(crate) fn in_conference(n: u32) -> Vec<Step> {
    let call = incoming(n).answer(1).join(1).wait(3).create(from_phone(n, 2, "7048", "3000")).answer(2);
    call.join(2).wait(4).hung_up(1, "NORMAL_CLEARING").hung_up(2, "NORMAL_CLEARING").1
}

pub(crate) fn out_answered(n: u32) -> Vec<Step> {
    let call = outgoing(n).create(to_gateway(n, 2, 1, "provider", "01632960002")).wait(2).answer(2).answer(1);
    call.talk(1, 2, 4).hung_up(2, "NORMAL_CLEARING").hang_up(1, "NORMAL_CLEARING").1
}

pub(crate) fn out_failover(n: u32) -> Vec<Step> {
    let call =
        outgoing(n).create(to_gateway(n, 2, 1, "provider", "01632960002")).hang_up(2, "NORMAL_TEMPORARY_FAILURE");
    let call = call.create(to_gateway(n, 3, 1, "provider2", "01632960002")).answer(3).answer(1).talk(1, 3, 4);
    call.hang_up(3, "NORMAL_CLEARING").hung_up(1, "NORMAL_CLEARING").1
}

pub(crate) fn out_busy(n: u32) -> Vec<Step> {
    let call = outgoing(n).create(to_gateway(n, 2, 1, "provider", "01632960002"));
    call.hang_up(2, "USER_BUSY").hang_up(1, "USER_BUSY").1
}

pub(crate) fn out_cancelled(n: u32) -> Vec<Step> {
    let call = outgoing(n).create(to_gateway(n, 2, 1, "provider", "01632960002")).wait(2);
    call.hang_up(2, "ORIGINATOR_CANCEL").hung_up(1, "ORIGINATOR_CANCEL").1
}

/// The phone that made the call passes it on to another, and is gone.
pub(crate) fn out_blind_transfer(n: u32) -> Vec<Step> {
    let call = outgoing(n).create(to_gateway(n, 2, 1, "provider", "01632960002")).answer(2).answer(1).talk(1, 2, 3);
    let call = call.hang_up(1, "BLIND_TRANSFER").create(to_phone(n, 3, Some(2), "7050")).answer(3).talk(2, 3, 4);
    call.hang_up(3, "NORMAL_CLEARING").hung_up(2, "NORMAL_CLEARING").1
}

/// `originate user/7048 &bridge(sofia/gateway/provider/01632960002)`
pub(crate) fn click_to_dial(n: u32) -> Vec<Step> {
    let call = Call(n, Vec::new()).create(to_phone(n, 1, None, "7048")).answer(1);
    let call = call.create(to_gateway(n, 2, 1, "provider", "01632960002")).wait(1).answer(2).talk(1, 2, 4);
    call.hang_up(2, "NORMAL_CLEARING").hang_up(1, "NORMAL_CLEARING").1
}

pub(crate) fn internal(n: u32) -> Vec<Step> {
    let call = Call(n, Vec::new()).create(from_phone(n, 1, "7048", "7049")).create(to_phone(n, 2, Some(1), "7049"));
    call.answer(2).answer(1).talk(1, 2, 4).hang_up(2, "NORMAL_CLEARING").hung_up(1, "NORMAL_CLEARING").1
}
