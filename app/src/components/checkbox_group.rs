//! A group of checkboxes under one legend.

use std::borrow::Cow;

use leptos::prelude::*;

use super::field::{FieldErrorText, FieldState, Hint};

/// One checkbox of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Submitted value.
    pub value: Cow<'static, str>,
    /// Visible label.
    pub label: Cow<'static, str>,
    /// One-line description.
    pub meaning: &'static str,
    /// Whether it is checked.
    pub checked: bool,
}

/// A group of checkboxes, submitted as `form[name][]`.
#[component]
pub fn CheckboxGroup(
    /// Form field name.
    name: &'static str,
    /// The legend.
    label: &'static str,
    /// Help text.
    #[prop(optional, into)]
    hint: Option<String>,
    /// The checkboxes.
    choices: Vec<Choice>,
) -> impl IntoView {
    let state = FieldState::of(name, hint.is_some());
    view! {
        // The first checkbox has the group's own id, so that the error summary can link to it.
        <fieldset class="grid gap-2" aria-describedby=state.described_by>
            <legend class="mb-1 font-semibold">{label}</legend>
            <Hint name=name hint=hint/>
            <FieldErrorText name=name error=state.error/>
            {choices.into_iter().enumerate().map(|(index, choice)| view! { <GroupedCheckbox name=name index=index choice=choice/> }).collect_view()}
        </fieldset>
    }
}

#[component]
fn GroupedCheckbox(name: &'static str, index: usize, choice: Choice) -> impl IntoView {
    // By index: a value may contain characters that an id may not.
    let id = if index == 0 { name.to_owned() } else { format!("{name}-{index}") };
    let description = format!("{name}-{index}-description");
    view! {
        <div class="grid grid-cols-[auto_1fr] items-baseline gap-x-3">
            <input class="size-5 translate-y-1 accent-ink" type="checkbox" id=id.clone() name=format!("form[{name}][]")
                value=choice.value checked=choice.checked aria-describedby=description.clone()/>
            <label class="font-mono text-table font-semibold" for=id>{choice.label}</label>
            <span class="col-start-2 text-table text-ink-2" id=description>{choice.meaning}</span>
        </div>
    }
}
