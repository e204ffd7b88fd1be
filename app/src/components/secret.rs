//! A credential: masked, or in full where the person asked for it.

use leptos::prelude::*;

use super::copy_button::CopyButton;
use crate::flash::Flash;

/// What an auth token is for.
pub const TOKEN_PURPOSE: &str = "Stands in every request's body as auth_token. Compare it with this.";
/// What a signing secret is for.
pub const SECRET_PURPOSE: &str =
    "Signs every request: the header webhook-signature proves that it came from us unchanged.";

/// A credential under its name, with what it is for.
#[component]
pub fn Secret(
    /// What it is called.
    name: &'static str,
    /// What it is for, in one sentence.
    purpose: &'static str,
    /// The credential, masked or in full.
    #[prop(into)]
    value: String,
) -> impl IntoView {
    // Dots are not worth copying.
    let copied = !value.contains('•');
    view! {
        <div class="grid gap-1">
            <dt class="font-semibold">{name}</dt>
            <dd class="grid gap-1">
                <span class="flex items-start justify-between gap-2 rounded-s bg-sunk px-3 py-2">
                    <code class="min-w-0 text-table break-all select-all">{value.clone()}</code>
                    {copied.then(|| view! { <CopyButton text=value what=name.to_lowercase()/> })}
                </span>
                <span class="text-table text-ink-2">{purpose}</span>
            </dd>
        </div>
    }
}

/// The credentials that a form has just made or revealed, this once; nothing at other times.
#[component]
pub fn NewCredentials(
    /// What the form left.
    flash: Flash,
) -> impl IntoView {
    let shown = flash.value("auth_token").zip(flash.value("signing_secret")).filter(|_| !flash.refused());
    shown.map(|(token, secret)| {
        view! {
            <section class="grid max-w-column gap-3 border-l-4 border-lamp bg-surface p-4" aria-labelledby="credentials-now">
                <h2 class="text-large font-bold" id="credentials-now">"Credentials of this endpoint"</h2>
                <p class="text-ink-2">"Copy them into your server now. When you leave this page they are masked; you can reveal them again on the endpoint's page."</p>
                <dl class="grid gap-4">
                    <Secret name="Auth token" purpose=TOKEN_PURPOSE value=token.to_owned()/>
                    <Secret name="Signing secret" purpose=SECRET_PURPOSE value=secret.to_owned()/>
                </dl>
            </section>
        }
    })
}
