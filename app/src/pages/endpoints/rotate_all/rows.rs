//! The list of endpoints with the rotation status of both credentials.

use domain::UnixMs;
use domain::delivery::{DeliveryDetail, Status};
use domain::endpoint::EndpointState;
use domain::rotation::{SecretRotation, TokenPhase, TokenRotation};
use leptos::prelude::*;

use crate::api::rotation::RotationStatus;
use crate::components::render_context::RenderContext;
use crate::components::status_badge::StatusBadge;
use crate::links;

/// All endpoints, by name.
#[component]
pub fn StatusRows(statuses: Vec<RotationStatus>, view: RenderContext) -> impl IntoView {
    let rows = statuses.into_iter().map(|status| view! { <Row status=status view=view.clone()/> }).collect_view();
    let clock = view.clock();
    view! {
        <section class="grid gap-3" aria-labelledby="statuses">
            <div class="flex flex-wrap items-baseline justify-between gap-3">
                <h2 class="text-large font-bold" id="statuses">"Status by endpoint"</h2>
                <p class="text-table text-ink-2">{clock} ". Reload to update."</p>
            </div>
            <ul class="border-b border-line">{rows}</ul>
        </section>
    }
}

#[component]
fn Row(status: RotationStatus, view: RenderContext) -> impl IntoView {
    let endpoint = status.view.endpoint;
    let page = links::endpoint(&view.acct, endpoint.id.as_str(), "secret");
    let inactive = (endpoint.state != EndpointState::Active).then_some("Not active, so tests can't be sent.");
    let token = status.view.token;
    let (token_text, token_verified) =
        (token_text(token.as_ref(), &view), token.as_ref().and_then(|one| one.proved_at));
    let secret = status.view.secret;
    let (secret_text, secret_verified) =
        (secret_text(secret.as_ref(), &view), secret.as_ref().and_then(|one| one.proved_at));
    view! {
        <li class="grid gap-x-4 gap-y-2 border-t border-line px-3 py-2.5 md:grid-cols-3">
            <p class="min-w-0">
                <a class="font-semibold wrap-anywhere" href=page>{endpoint.name}</a>
                {inactive.map(|text| view! { <span class="block text-table text-ink-2">{text}</span> })}
            </p>
            <Cell name="Auth token" text=token_text running=token.is_some() verified=token_verified test=status.token_test view=view.clone()/>
            <Cell name="Signing secret" text=secret_text running=secret.is_some() verified=secret_verified test=status.secret_test view=view/>
        </li>
    }
}

fn token_text(rotation: Option<&TokenRotation>, view: &RenderContext) -> String {
    match rotation.map(|rotation| (rotation.since, rotation.phase)) {
        None => "no rotation in progress".to_owned(),
        Some((since, TokenPhase::Prepared { switch_at: None })) => format!("prepared {}", view.zone.short(since)),
        Some((_, TokenPhase::Prepared { switch_at: Some(at) })) => format!("switches {}", view.zone.short(at)),
        Some((_, TokenPhase::Switched { at, undo_until })) => {
            format!("switched {}; the previous one is deleted {}", view.zone.short(at), view.zone.short(undo_until))
        }
    }
}

fn secret_text(rotation: Option<&SecretRotation>, view: &RenderContext) -> String {
    rotation.map_or_else(
        || "one active secret".to_owned(),
        |rotation| format!("two active secrets until {}", view.zone.short(rotation.overlap_until)),
    )
}

/// One credential: its rotation status and the latest test.
#[component]
fn Cell(
    name: &'static str,
    text: String,
    running: bool,
    verified: Option<UnixMs>,
    test: Option<DeliveryDetail>,
    view: RenderContext,
) -> impl IntoView {
    let verification = match (verified, &test) {
        (Some(at), _) => Some((format!("verified {}", view.zone.short(at)), "font-semibold text-delivered")),
        (None, None) if running => Some(("not verified: no test yet".to_owned(), "text-ink-2")),
        (None, Some(_)) => Some(("not verified".to_owned(), "text-ink-2")),
        (None, None) => None,
    };
    let tested = test.map(|detail| {
        let href = links::delivery(&view.acct, detail.row.id.as_str());
        let label =
            format!("Test of the next credential of {}: {}", detail.row.endpoint_name, detail.row.status.label());
        let pending = matches!(detail.row.status, Status::Queued | Status::Sending);
        let sentence = if pending { "Sending…".to_owned() } else { detail.row.sentence(view.now) };
        view! {
            <span class="flex flex-wrap items-center gap-x-2">
                <a href=href aria-label=label><StatusBadge status=detail.row.status/></a>
                <span class="text-ink-2">{sentence}</span>
            </span>
        }
    });
    view! {
        <div class="grid min-w-0 content-start gap-0.5 text-table">
            <p><span class="text-ink-2">{name} ": "</span> {text}</p>
            {verification.map(|(text, class)| view! { <p class=class>{text}</p> })}
            {tested}
        </div>
    }
}
