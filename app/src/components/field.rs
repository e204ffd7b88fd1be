//! One field of a form: label, hint, complaint, and what was typed before.
//!
//! All forms post their fields as `form[name]`; the id is the name, which is also what complaints are about.

use leptos::prelude::*;

use crate::flash::Flash;

/// Classes of every control that takes text.
pub const CONTROL: &str = "w-full rounded-s border border-control bg-surface px-3 py-1.5 text-ink aria-invalid:border-failed aria-invalid:border-2";

/// A field for one line of text.
#[component]
pub fn Field(
    /// Name of the field in the form.
    name: &'static str,
    /// What it is, above the field.
    label: &'static str,
    /// What helps to fill it in.
    #[prop(optional, into)]
    hint: Option<String>,
    /// What stands in it unless something was typed before.
    #[prop(optional, into)]
    value: String,
    /// `text`, `email`, `url`, `password`, `number`.
    #[prop(default = "text")]
    kind: &'static str,
    /// What the browser may fill in (WCAG 1.3.5).
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// Which keys a phone shows, where the kind does not say it: `numeric`.
    #[prop(optional)]
    keyboard: Option<&'static str>,
    /// Whether the form is useless without it.
    #[prop(optional)]
    required: bool,
    /// Whether the page begins here.
    #[prop(optional)]
    first: bool,
) -> impl IntoView {
    let said = Said::about(name, hint.is_some());
    let value = (kind != "password").then(|| said.typed(name).unwrap_or(value));
    let begins = first && !said.any;
    // The browser's own complaint about a URL says less than ours; it gets only the keyboard for it.
    let (kind, keyboard) = if kind == "url" { ("text", Some("url")) } else { (kind, keyboard) };
    view! {
        <div class="grid gap-1">
            <Above name=name label=label hint=hint complaint=said.complaint.clone() optional=!required/>
            <input inputmode=keyboard autocapitalize=keyboard.map(|_| "none") class=CONTROL id=name name=format!("form[{name}]") type=kind value=value autocomplete=autocomplete
                required=required autofocus=begins spellcheck="false"
                aria-invalid=said.invalid() aria-describedby=said.described_by/>
        </div>
    }
}

/// A field for several lines.
#[component]
pub fn Lines(
    /// Name of the field in the form.
    name: &'static str,
    /// What it is, above the field.
    label: &'static str,
    /// What helps to fill it in.
    #[prop(optional, into)]
    hint: Option<String>,
    /// What stands in it unless something was typed before.
    #[prop(optional, into)]
    value: String,
    /// Height in lines.
    #[prop(default = 4)]
    rows: u32,
    /// Whether the form is useless without it.
    #[prop(optional)]
    required: bool,
) -> impl IntoView {
    let said = Said::about(name, hint.is_some());
    let value = said.typed(name).unwrap_or(value);
    view! {
        <div class="grid gap-1">
            <Above name=name label=label hint=hint complaint=said.complaint.clone() optional=!required/>
            <textarea class=format!("{CONTROL} font-mono text-table") id=name name=format!("form[{name}]") rows=rows
                required=required spellcheck="false" autocomplete="off" aria-invalid=said.invalid() aria-describedby=said.described_by>
                {value}
            </textarea>
        </div>
    }
}

/// One box to tick, with its label beside it.
#[component]
pub fn Tick(
    /// Name of the field in the form.
    name: &'static str,
    /// What ticking it means.
    label: &'static str,
    /// What helps to decide.
    #[prop(optional, into)]
    hint: Option<String>,
    /// Whether it is ticked unless something was posted before.
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

/// What the flash in the context says about a field.
pub struct Said {
    /// What is wrong with it.
    pub complaint: Option<String>,
    /// Ids of what describes it, for `aria-describedby`.
    pub described_by: Option<String>,
    any: bool,
    flash: Flash,
}

impl Said {
    /// What is said about the field of this name, which has a hint or none.
    #[must_use]
    pub fn about(name: &str, hint: bool) -> Self {
        let flash = use_context::<Flash>().unwrap_or_default();
        let complaint = flash.error(name).map(str::to_owned);
        let ids = [hint.then(|| format!("{name}-hint")), complaint.is_some().then(|| format!("{name}-error"))];
        let ids = ids.into_iter().flatten().collect::<Vec<_>>().join(" ");
        Self { complaint, described_by: (!ids.is_empty()).then_some(ids), any: flash.refused(), flash }
    }

    fn typed(&self, name: &str) -> Option<String> {
        self.flash.refused().then(|| self.flash.value(name)).flatten().map(str::to_owned)
    }

    /// For `aria-invalid`.
    #[must_use]
    pub fn invalid(&self) -> Option<&'static str> {
        self.complaint.is_some().then_some("true")
    }
}

/// What stands above the control of a field.
#[component]
fn Above(
    name: &'static str,
    label: &'static str,
    hint: Option<String>,
    complaint: Option<String>,
    optional: bool,
) -> impl IntoView {
    view! {
        <label class="font-semibold" for=name>
            {label} {optional.then(|| view! { <span class="font-normal text-ink-3">" (optional)"</span> })}
        </label>
        <Hint name=name hint=hint/>
        <Complaint name=name complaint=complaint/>
    }
}

#[component]
pub(super) fn Hint(name: &'static str, hint: Option<String>) -> impl IntoView {
    hint.map(|words| view! { <p class="text-table text-ink-2" id=format!("{name}-hint")>{words}</p> })
}

/// What is wrong with a field, above its control.
#[component]
pub fn Complaint(
    /// Name of the field.
    name: &'static str,
    /// The words, if anything is wrong.
    complaint: Option<String>,
) -> impl IntoView {
    complaint.map(|words| view! { <p class="font-semibold text-failed" id=format!("{name}-error")>{words}</p> })
}
