//! The phone numbers of an event as support sees them: masked, with a button that reveals and logs.

use domain::{id::EventId, phone, support::CallParty};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::{
    api::support::RevealNumber,
    components::{
        button::Button,
        key_value::{Facts, KeyValue},
        panel::Panel,
    },
    visit::Frame,
};

/// The middle of a masked number.
const MASKED: &str = "•••";

/// The phone numbers of an event. Empty outside a support session.
#[component]
pub fn Numbers(
    /// The page's frame.
    frame: Frame,
    /// The event.
    event: EventId,
    /// The caller's number.
    caller: String,
    /// The callee's number.
    callee: String,
) -> impl IntoView {
    frame.support.as_ref()?;
    let numbers = [("Caller", CallParty::Caller, caller), ("Callee", CallParty::Callee, callee)];
    let facts = numbers.map(|(name, party, number)| {
        let reveal = number.contains(MASKED).then(|| {
            view! {
                <form method="post" action=RevealNumber::PATH>
                    <input type="hidden" name="acct" value=frame.acct().to_owned()/>
                    <input type="hidden" name="evt" value=event.to_string()/>
                    <input type="hidden" name="party" value=party.as_str()/>
                    <input type="hidden" name="back" value=frame.visit.path.clone()/>
                    <Button>{format!("Reveal {}", party.as_str())}</Button>
                </form>
            }
        });
        view! { <KeyValue name=name><span>{phone::display(&number)}</span> {reveal}</KeyValue> }
    });
    Some(view! {
        <Panel title="Phone numbers" id="numbers">
            <p class="mb-2 max-w-column text-ink-2">"Each number you reveal is recorded in the account’s audit log, and stays visible until the session ends."</p>
            <Facts>{facts.collect_view()}</Facts>
        </Panel>
    })
}
