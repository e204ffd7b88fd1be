//! A URL that another endpoint already has: open that one, or create a second all the same.

use leptos::prelude::*;

use crate::components::button::{LinkButton, Weight};
use crate::flash::Flash;
use crate::links;

/// The offer, inside the form that was refused for it; nothing at other times.
#[component]
pub fn Duplicate(
    /// The account's id.
    acct: String,
) -> impl IntoView {
    let flash = use_context::<Flash>().unwrap_or_default();
    let other = flash.value("existing").filter(|_| flash.refused())?;
    Some(view! {
        <LinkButton href=links::endpoint(&acct, other, "")>"Open the other endpoint"</LinkButton>
        <button class=Weight::Secondary.class() type="submit" name="duplicate" value="allow">"Create it all the same"</button>
    })
}
