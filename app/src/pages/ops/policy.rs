//! One policy: its value, where it comes from, and how to change it, with a preview first.

use domain::account::SignUpPolicy;
use domain::ops::policy::{Policy, PolicyName};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::html::IntoHtml;
use crate::{
    api::ops_policies::{SetPolicy, UnsetPolicy},
    components::{
        button::{Button, LinkButton, Weight},
        field::CONTROL,
        key_value::{Facts, KeyValue},
        panel::Panel,
        render_context::RenderContext,
    },
    links,
};

/// A policy's panel.
#[component]
pub fn PolicyPanel(
    /// The policy.
    policy: Policy,
    /// A value to preview.
    preview: Option<String>,
    /// Time zone.
    view: RenderContext,
) -> impl IntoView {
    let name = policy.name;
    let checked = preview.as_deref().map(|value| name.check(value));
    let complaint = checked.as_ref().and_then(|checked| checked.as_ref().err()).map(ToString::to_string);
    let shown = preview.unwrap_or_else(|| policy.value.clone());
    let confirmation = checked.and_then(Result::ok).map(|value| view! { <ConfirmPolicy name=name value=value/> });
    let meaning = name.meaning(&policy.value).join(" ");
    let reset = policy.set.is_some().then(|| view! { <ResetPolicy policy=policy.clone()/> });
    view! {
        <Panel title=name.title() id=name.as_str()>
            <div class="grid max-w-column gap-4">
                <Facts>
                    <KeyValue name="Current">{meaning}</KeyValue>
                    <KeyValue name="Source">{source(&policy, &view)}</KeyValue>
                </Facts>
                <PreviewForm name=name value=shown complaint=complaint/>
                {confirmation}
                {reset}
            </div>
        </Panel>
    }
}

/// Where the value comes from.
fn source(policy: &Policy, view: &RenderContext) -> String {
    match (&policy.set, policy.name.variable()) {
        (Some((at, by)), _) => format!("Set here by {by}, {}", view.zone.short(*at)),
        (None, Some(variable)) => format!("Environment variable {variable}, or its default"),
        (None, None) => "Not set".to_owned(),
    }
}

/// A GET form: a preview has a URL and changes nothing.
#[component]
fn PreviewForm(name: PolicyName, value: String, complaint: Option<String>) -> impl IntoView {
    let id = format!("{}-value", name.as_str());
    let error = format!("{}-error", name.as_str());
    let invalid = complaint.is_some();
    let described_by = invalid.then(|| error.clone());
    let complaint =
        complaint.map(|words| view! { <p class="font-semibold text-failed" id=error role="alert">{words}</p> });
    let control = if name == PolicyName::SignUp {
        let options = SignUpPolicy::ALL.map(|policy| {
            view! { <option value=policy.as_str() selected=value == policy.as_str()>{policy.title()}</option> }
        });
        view! {
            <select class=format!("{CONTROL} flex-1 basis-52") id=id.clone() name=name.as_str()>
                {options}
            </select>
        }
        .into_html()
    } else {
        view! {
            <input class=format!("{CONTROL} flex-1 basis-52") type="text" id=id.clone() name=name.as_str() value=value autocomplete="off"
                spellcheck="false" aria-invalid=invalid.then_some("true") aria-describedby=described_by/>
        }
        .into_html()
    };
    view! {
        <form method="get" action=format!("{}#{}", links::OPS_POLICIES, name.as_str()) class="grid gap-1">
            <input type="hidden" name="policy" value=name.as_str()/>
            <label class="font-semibold" for=id>{label(name)}</label>
            {complaint}
            <div class="flex flex-wrap gap-2">
                {control}
                <Button>"Preview"<span class="sr-only">{format!(": {}", name.title())}</span></Button>
            </div>
        </form>
    }
}

const fn label(name: PolicyName) -> &'static str {
    match name {
        PolicyName::EgressAllow => "Networks in CIDR notation, separated by commas",
        PolicyName::SignUp => "Who may create an account",
        PolicyName::RetentionMaxDays => "Days",
        PolicyName::Contact => "Email address, phone number or URL, on one line",
    }
}

/// What the value means, and the button that applies it.
#[component]
fn ConfirmPolicy(name: PolicyName, value: String) -> impl IntoView {
    let lines = name.meaning(&value).into_iter().map(|words| view! { <p>{words}</p> }).collect_view();
    view! {
        <section class="grid gap-3 border-l-4 border-highlight bg-sunk px-4 py-3" aria-label="Preview">
            <h3 class="font-bold">"Preview"</h3>
            <div class="grid gap-1 wrap-anywhere" role="status">{lines}</div>
            <form class="flex flex-wrap gap-3" method="post" action=SetPolicy::PATH>
                <input type="hidden" name="policy" value=name.as_str()/>
                <input type="hidden" name="value" value=value/>
                <Button weight=Weight::Primary>"Save policy"</Button>
                <LinkButton href=links::OPS_POLICIES>"Cancel"</LinkButton>
            </form>
        </section>
    }
}

/// Resets the policy to the environment variable.
#[component]
fn ResetPolicy(policy: Policy) -> impl IntoView {
    let name = policy.name;
    let default = name.meaning(&policy.given).join(" ");
    view! {
        <form class="flex flex-wrap items-baseline gap-x-3 gap-y-1" method="post" action=UnsetPolicy::PATH>
            <input type="hidden" name="policy" value=name.as_str()/>
            <Button>"Reset to environment variable"<span class="sr-only">{format!(": {}", name.title())}</span></Button>
            <span class="text-table text-ink-2">{default}</span>
        </form>
    }
}
