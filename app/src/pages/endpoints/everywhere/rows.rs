//! Who has proved: each endpoint with where its two credentials stand.

use domain::UnixMs;
use domain::delivery::{DeliveryDetail, Status};
use domain::endpoint::EndpointState;
use domain::rotation::{SecretRotation, TokenPhase, TokenRotation};
use leptos::prelude::*;

use crate::api::rotation::Standing;
use crate::components::status_badge::StatusBadge;
use crate::components::render_context::RenderContext;
use crate::links;

/// All endpoints, by name.
#[component]
pub fn StandingRows(standings: Vec<Standing>, view: RenderContext) -> impl IntoView {
    let rows = standings.into_iter().map(|one| view! { <Row standing=one view=view.clone()/> }).collect_view();
    let clock = view.clock();
    view! {
        <section class="grid gap-3" aria-labelledby="standing">
            <div class="flex flex-wrap items-baseline justify-between gap-3">
                <h2 class="text-large font-bold" id="standing">"Where each endpoint stands"</h2>
                <p class="text-table text-ink-2">{clock} ". Reload for news."</p>
            </div>
            <ul class="border-b border-line">{rows}</ul>
        </section>
    }
}

#[component]
fn Row(standing: Standing, view: RenderContext) -> impl IntoView {
    let endpoint = standing.view.endpoint;
    let page = links::endpoint(&view.acct, endpoint.id.as_str(), "secret");
    let still =
        (endpoint.state != EndpointState::Active).then_some("Does not receive just now, so it cannot be tested.");
    let token = standing.view.token;
    let (token_words, token_proved) =
        (token_words(token.as_ref(), &view), token.as_ref().and_then(|one| one.proved_at));
    let secret = standing.view.secret;
    let (secret_words, secret_proved) =
        (secret_words(secret.as_ref(), &view), secret.as_ref().and_then(|one| one.proved_at));
    view! {
        <li class="grid gap-x-4 gap-y-2 border-t border-line px-3 py-2.5 md:grid-cols-3">
            <p class="min-w-0">
                <a class="font-semibold wrap-anywhere" href=page>{endpoint.name}</a>
                {still.map(|words| view! { <span class="block text-table text-ink-2">{words}</span> })}
            </p>
            <Cell name="Auth token" words=token_words running=token.is_some() proved=token_proved test=standing.token_test view=view.clone()/>
            <Cell name="Signing secret" words=secret_words running=secret.is_some() proved=secret_proved test=standing.secret_test view=view/>
        </li>
    }
}

fn token_words(rotation: Option<&TokenRotation>, view: &RenderContext) -> String {
    match rotation.map(|rotation| (rotation.since, rotation.phase)) {
        None => "no rotation runs".to_owned(),
        Some((since, TokenPhase::Prepared { switch_at: None })) => format!("prepared {}", view.zone.short(since)),
        Some((_, TokenPhase::Prepared { switch_at: Some(at) })) => format!("switches {}", view.zone.short(at)),
        Some((_, TokenPhase::Switched { at, undo_until })) => {
            format!("switched {}, the earlier one goes {}", view.zone.short(at), view.zone.short(undo_until))
        }
    }
}

fn secret_words(rotation: Option<&SecretRotation>, view: &RenderContext) -> String {
    rotation.map_or_else(
        || "one signs".to_owned(),
        |rotation| format!("two sign until {}", view.zone.short(rotation.overlap_until)),
    )
}

/// One credential: where it stands, and its proof or the latest test.
#[component]
fn Cell(
    name: &'static str,
    words: String,
    running: bool,
    proved: Option<UnixMs>,
    test: Option<DeliveryDetail>,
    view: RenderContext,
) -> impl IntoView {
    let said = match (proved, &test) {
        (Some(at), _) => Some((format!("proved {}", view.zone.short(at)), "font-semibold text-delivered")),
        (None, None) if running => Some(("not proved: no test yet".to_owned(), "text-ink-2")),
        (None, Some(_)) => Some(("not proved".to_owned(), "text-ink-2")),
        (None, None) => None,
    };
    let tested = test.map(|detail| {
        let href = links::delivery(&view.acct, detail.row.id.as_str());
        let label = format!("Test with the next one at {}: {}", detail.row.endpoint_name, detail.row.status.word());
        let waits = matches!(detail.row.status, Status::Queued | Status::Sending);
        let sentence = if waits { "on its way".to_owned() } else { detail.row.sentence(view.now) };
        view! {
            <span class="flex flex-wrap items-center gap-x-2">
                <a href=href aria-label=label><StatusBadge status=detail.row.status/></a>
                <span class="text-ink-2">{sentence}</span>
            </span>
        }
    });
    view! {
        <div class="grid min-w-0 content-start gap-0.5 text-table">
            <p><span class="text-ink-2">{name} ": "</span> {words}</p>
            {said.map(|(words, class)| view! { <p class=class>{words}</p> })}
            {tested}
        </div>
    }
}
