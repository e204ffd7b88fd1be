//! Several boxes under one question.

use leptos::prelude::*;

use super::field::{Complaint, Hint, Said};

/// One box of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is posted.
    pub value: &'static str,
    /// What people read.
    pub label: &'static str,
    /// What it means, in one line.
    pub meaning: &'static str,
    /// Whether it is ticked.
    pub checked: bool,
}

/// A group of boxes, posted as `form[name][]`.
#[component]
pub fn CheckboxGroup(
    /// Name of the field in the form.
    name: &'static str,
    /// The question.
    label: &'static str,
    /// What helps to decide.
    #[prop(optional, into)]
    hint: Option<String>,
    /// The boxes.
    choices: Vec<Choice>,
) -> impl IntoView {
    let said = Said::about(name, hint.is_some());
    view! {
        // The first box has the group's own id: that is where a complaint's link leads.
        <fieldset class="grid gap-2" aria-describedby=said.described_by>
            <legend class="mb-1 font-semibold">{label}</legend>
            <Hint name=name hint=hint/>
            <Complaint name=name complaint=said.complaint/>
            {choices.into_iter().enumerate().map(|(at, choice)| view! { <Box name=name at=at choice=choice/> }).collect_view()}
        </fieldset>
    }
}

#[component]
fn Box(name: &'static str, at: usize, choice: Choice) -> impl IntoView {
    // By place: a value may hold what an id may not.
    let id = if at == 0 { name.to_owned() } else { format!("{name}-{at}") };
    let meaning = format!("{name}-{at}-meaning");
    view! {
        <div class="grid grid-cols-[auto_1fr] items-baseline gap-x-3">
            <input class="size-5 translate-y-1 accent-ink" type="checkbox" id=id.clone() name=format!("form[{name}][]")
                value=choice.value checked=choice.checked aria-describedby=meaning.clone()/>
            <label class="font-mono text-table font-semibold" for=id>{choice.label}</label>
            <span class="col-start-2 text-table text-ink-2" id=meaning>{choice.meaning}</span>
        </div>
    }
}
