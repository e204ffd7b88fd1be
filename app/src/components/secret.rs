//! A credential: masked, or in full after *Reveal*.

use leptos::prelude::*;

use super::copy_button::CopyButton;
use crate::flash::Flash;

/// What an auth token is for.
pub const TOKEN_PURPOSE: &str = "Sent as auth_token in every request body. Check that it matches.";
/// What a signing secret is for.
pub const SECRET_PURPOSE: &str =
    "Signs every request. Verify the webhook-signature header to confirm that a request came from us unchanged.";

/// A credential with its name and purpose.
#[component]
pub fn Secret(
    /// Its name.
    name: &'static str,
    /// Its purpose, in one sentence.
    purpose: &'static str,
    /// The credential, masked or in full.
    #[prop(into)]
    value: String,
) -> impl IntoView {
    // A masked value is not worth copying.
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

/// Newly created or revealed credentials, shown once; nothing otherwise.
#[component]
pub fn NewCredentials(
    /// The flash of the form.
    flash: Flash,
) -> impl IntoView {
    let shown = flash.value("auth_token").zip(flash.value("signing_secret")).filter(|_| !flash.refused());
    shown.map(|(token, secret)| {
        view! {
            <section class="grid max-w-column gap-3 border-l-4 border-highlight bg-surface p-4" aria-labelledby="credentials-now">
                <h2 class="text-large font-bold" id="credentials-now">"Endpoint credentials"</h2>
                <p class="text-ink-2">"Copy these to your server now. They are masked once you leave this page. You can reveal them again on the endpoint's page."</p>
                <dl class="grid gap-4">
                    <Secret name="Auth token" purpose=TOKEN_PURPOSE value=token.to_owned()/>
                    <Secret name="Signing secret" purpose=SECRET_PURPOSE value=secret.to_owned()/>
                </dl>
            </section>
        }
    })
}

/// The link of an invitation that could not be emailed, shown once; nothing otherwise.
#[component]
pub fn NewInvitationLink(
    /// The flash of the form.
    flash: Flash,
) -> impl IntoView {
    let link = flash.value("link").filter(|_| !flash.refused()).map(str::to_owned);
    link.map(|link| {
        view! {
            <dl class="grid max-w-column gap-3 border-l-4 border-highlight bg-surface p-4">
                <Secret name="Invitation link" purpose="Whoever has this link can accept the invitation. It works once." value=link/>
            </dl>
        }
    })
}
