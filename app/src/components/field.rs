//! A form field: label, hint, error, and previously rejected input.
//!
//! All forms submit their fields as `form[name]`. The element id is the name, so that errors can link to it.

use leptos::prelude::*;

use crate::flash::Flash;

/// Classes of every text control.
pub const CONTROL: &str = "w-full rounded-s border border-control bg-surface px-3 py-1.5 text-ink aria-invalid:border-failed aria-invalid:border-2";

/// A single-line text field.
#[component]
pub fn Field(
    /// Form field name.
    name: &'static str,
    /// Label above the field.
    label: &'static str,
    /// Help text.
    #[prop(optional, into)]
    hint: Option<String>,
    /// Initial value, unless there is rejected input.
    #[prop(optional, into)]
    value: String,
    /// `text`, `email`, `url`, `password`, `number`.
    #[prop(default = "text")]
    kind: &'static str,
    /// What the browser may autofill (WCAG 1.3.5).
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// On-screen keyboard, if the kind does not imply it: `numeric`.
    #[prop(optional)]
    keyboard: Option<&'static str>,
    /// Whether it is required.
    #[prop(optional)]
    required: bool,
    /// Whether it gets the focus when the page opens.
    #[prop(optional)]
    first: bool,
) -> impl IntoView {
    let state = FieldState::of(name, hint.is_some());
    let value = (kind != "password").then(|| state.typed(name).unwrap_or(value));
    let autofocus = first && !state.rejected;
    // The browser's own error for a URL is less helpful than ours, so it only gets the keyboard hint.
    let (kind, keyboard) = if kind == "url" { ("text", Some("url")) } else { (kind, keyboard) };
    view! {
        <div class="grid gap-1">
            <LabelAbove name=name label=label hint=hint error=state.error.clone() optional=!required/>
            <input inputmode=keyboard autocapitalize=keyboard.map(|_| "none") class=CONTROL id=name name=format!("form[{name}]") type=kind value=value autocomplete=autocomplete
                required=required autofocus=autofocus spellcheck="false"
                aria-invalid=state.invalid() aria-describedby=state.described_by/>
        </div>
    }
}

/// A multi-line text field.
#[component]
pub fn Lines(
    /// Form field name.
    name: &'static str,
    /// Label above the field.
    label: &'static str,
    /// Help text.
    #[prop(optional, into)]
    hint: Option<String>,
    /// Initial value, unless there is rejected input.
    #[prop(optional, into)]
    value: String,
    /// Height in lines.
    #[prop(default = 4)]
    rows: u32,
    /// Whether it is required.
    #[prop(optional)]
    required: bool,
) -> impl IntoView {
    let state = FieldState::of(name, hint.is_some());
    let value = state.typed(name).unwrap_or(value);
    view! {
        <div class="grid gap-1">
            <LabelAbove name=name label=label hint=hint error=state.error.clone() optional=!required/>
            <textarea class=format!("{CONTROL} font-mono text-table") id=name name=format!("form[{name}]") rows=rows
                required=required spellcheck="false" autocomplete="off" aria-invalid=state.invalid() aria-describedby=state.described_by>
                {value}
            </textarea>
        </div>
    }
}

/// A checkbox with its label beside it.
#[component]
pub fn Checkbox(
    /// Form field name.
    name: &'static str,
    /// Label beside the checkbox.
    label: &'static str,
    /// Help text.
    #[prop(optional, into)]
    hint: Option<String>,
    /// Whether it is checked, unless there is rejected input.
    checked: bool,
) -> impl IntoView {
    let flash = use_context::<Flash>().unwrap_or_default();
    let checked = if flash.refused() { flash.value(name) == Some("true") } else { checked };
    let described_by = hint.is_some().then(|| format!("{name}-hint"));
    view! {
        <div class="grid grid-cols-[auto_1fr] items-baseline gap-x-3">
            <input class="size-5 translate-y-1 accent-ink" type="checkbox" id=name name=format!("form[{name}]") value="true"
                checked=checked aria-describedby=described_by/>
            <label class="font-semibold" for=name>{label}</label>
            <div class="col-start-2"><Hint name=name hint=hint/></div>
        </div>
    }
}

/// The state of a field after a rejected submission, from the flash in the context.
pub struct FieldState {
    /// The validation error.
    pub error: Option<String>,
    /// Value of `aria-describedby`.
    pub described_by: Option<String>,
    rejected: bool,
    flash: Flash,
}

impl FieldState {
    /// The state of the field with this name.
    #[must_use]
    pub fn of(name: &str, has_hint: bool) -> Self {
        let flash = use_context::<Flash>().unwrap_or_default();
        let error = flash.error(name).map(str::to_owned);
        let ids = [has_hint.then(|| format!("{name}-hint")), error.is_some().then(|| format!("{name}-error"))];
        let ids = ids.into_iter().flatten().collect::<Vec<_>>().join(" ");
        Self { error, described_by: (!ids.is_empty()).then_some(ids), rejected: flash.refused(), flash }
    }

    fn typed(&self, name: &str) -> Option<String> {
        self.flash.refused().then(|| self.flash.value(name)).flatten().map(str::to_owned)
    }

    /// Value of `aria-invalid`.
    #[must_use]
    pub fn invalid(&self) -> Option<&'static str> {
        self.error.is_some().then_some("true")
    }
}

/// Label, hint and error of a field.
#[component]
fn LabelAbove(
    name: &'static str,
    label: &'static str,
    hint: Option<String>,
    error: Option<String>,
    optional: bool,
) -> impl IntoView {
    view! {
        <label class="font-semibold" for=name>
            {label} {optional.then(|| view! { <span class="font-normal text-ink-3">" (optional)"</span> })}
        </label>
        <Hint name=name hint=hint/>
        <FieldErrorText name=name error=error/>
    }
}

#[component]
pub(super) fn Hint(name: &'static str, hint: Option<String>) -> impl IntoView {
    hint.map(|text| view! { <p class="text-table text-ink-2" id=format!("{name}-hint")>{text}</p> })
}

/// The validation error of a field, above its control.
#[component]
pub fn FieldErrorText(
    /// Form field name.
    name: &'static str,
    /// The error, if there is one.
    error: Option<String>,
) -> impl IntoView {
    error.map(|text| view! { <p class="font-semibold text-failed" id=format!("{name}-error")>{text}</p> })
}
