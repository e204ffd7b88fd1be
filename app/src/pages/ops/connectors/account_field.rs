//! Choosing the account that a number is routed to.

use leptos::prelude::*;

use crate::{
    api::ops_connectors::AccountChoice,
    components::field::CONTROL,
    html::{Html, IntoHtml},
};

/// A list of accounts, or a text field for an ID or a reference where there are too many for a list. `label` is its
/// accessible name, unless a `<label>` names the `id`.
pub(super) fn account_field(
    choices: Option<&[AccountChoice]>,
    id: Option<&'static str>,
    label: Option<String>,
    chosen: &str,
) -> Html {
    let Some(choices) = choices else {
        return view! {
            <input class=format!("{CONTROL} min-w-0") type="text" name="form[account]" id=id aria-label=label value=chosen.to_owned()
                placeholder="ID or reference" autocomplete="off" spellcheck="false"/>
        }
        .into_html();
    };
    let options = choices.iter().map(|(account, name)| {
        let selected = account == chosen;
        view! { <option value=account.clone() selected=selected>{name.clone()}</option> }
    });
    let options = options.collect_view();
    view! {
        <select class=format!("{CONTROL} min-w-0") name="form[account]" id=id aria-label=label>
            <option value="">"Choose account"</option>
            {options}
        </select>
    }
    .into_html()
}
