//! The credentials of an endpoint: each with a timeline and the next step of its rotation.

mod proof;
mod secret;
mod switch_fields;
mod timeline;
mod token;

use domain::actor::Permission;
use domain::endpoint::EndpointState;
use domain::rotation::{RotationView, TokenPhase};
use domain::time::DAY_MS;
use leptos::prelude::*;

use self::secret::SecretPanel;
pub(super) use self::secret::{OverlapChoice, TEST_HINT};
pub(super) use self::switch_fields::{SwitchFields, UnverifiedWarning};
use self::token::TokenPanel;
use crate::api::rotation::load_rotation_status;
use crate::components::heading::Heading;
use crate::components::render_context::RenderContext;
use crate::components::secret::{SECRET_PURPOSE, Secret, TOKEN_PURPOSE};
use crate::components::sidebar::Part;
use crate::flash::Flash;
use crate::html::IntoHtml;
use crate::links;
use crate::pages::account_page;

/// The endpoint, and what the user may do.
#[derive(Debug, Clone)]
struct RotationContext {
    view: RenderContext,
    ep: String,
    may_rotate: bool,
    receives: bool,
}

/// `/a/:acct/endpoints/:ep/secret`
#[component]
pub fn CredentialsPage() -> impl IntoView {
    account_page(Part::Endpoints, async |route, frame| {
        let status = load_rotation_status(route.acct.clone(), route.param("ep")).await?;
        let rotation = status.view;
        let endpoint = rotation.endpoint.clone();
        let context = RotationContext {
            view: RenderContext::from(&frame),
            ep: endpoint.id.to_string(),
            may_rotate: frame.may(Permission::RotateCredentials) && endpoint.state != EndpointState::Deleted,
            receives: endpoint.state == EndpointState::Active,
        };
        let back = links::endpoint(&route.acct, &context.ep, "");
        let intro = intro(&context, endpoint.state);
        let rotate_all = context.may_rotate.then(|| links::account(&route.acct, "rotate"));
        Ok(view! {
            <a class="inline-flex w-fit items-center min-h-6 text-table" href=back>"← "{endpoint.name.clone()}</a>
            <Heading title=format!("Credentials of {}", endpoint.name)/>
            <p class="max-w-column">{intro}
                {rotate_all.map(|page| view! { " " <a href=page>"Rotate all credentials"</a> " to do this for all endpoints at once." })}
            </p>
            <NewCredential flash=frame.visit.flash.clone()/>
            <div class="grid items-start gap-6 xl:grid-cols-2">
                <TokenPanel masked=rotation.auth_token_masked rotation=rotation.token test=status.token_test context=context.clone()/>
                <SecretPanel masked=rotation.signing_secret_masked rotation=rotation.secret test=status.secret_test context=context/>
            </div>
        }
        .into_html())
    })
}

/// What the page is for, or why rotating is not possible.
const fn intro(context: &RotationContext, state: EndpointState) -> &'static str {
    match (state, context.may_rotate) {
        (EndpointState::Deleted, _) => "This endpoint was deleted, so no more events are sent to it.",
        (_, false) => "Only admins can rotate credentials, unless the account settings allow developers to.",
        (EndpointState::Active, true) => {
            "Rotate credentials without losing an event: install the new one on your server first."
        }
        (_, true) => "This endpoint is not active, so tests can't be sent. Resume it to verify a new credential.",
    }
}

/// A newly created credential, shown once.
#[component]
fn NewCredential(flash: Flash) -> impl IntoView {
    let value = |name| flash.value(name).filter(|_| !flash.refused()).map(str::to_owned);
    let token = value("next_auth_token").map(|value| ("Next auth token", TOKEN_PURPOSE, value));
    let created =
        token.or_else(|| value("new_signing_secret").map(|value| ("New signing secret", SECRET_PURPOSE, value)));
    created.map(|(name, purpose, value)| {
        view! {
            <section class="grid max-w-column gap-3 border-l-4 border-highlight bg-surface p-4" aria-labelledby="new-credential">
                <h2 class="text-large font-bold" id="new-credential">"Copy it to your server now"</h2>
                <p class="text-ink-2">"It is masked once you leave this page. You can reveal it again on the endpoint's page."</p>
                <dl><Secret name=name purpose=purpose value=value/></dl>
            </section>
        }
    })
}

/// Shown on the endpoint's page during a rotation, with the time the old credential stops working.
#[component]
pub fn RotationBanner(
    /// The credentials and their rotations.
    rotation: RotationView,
    /// Whether the user may rotate credentials.
    may: bool,
    /// The reader's clock.
    view: RenderContext,
) -> impl IntoView {
    let texts = banner(&rotation, &view);
    let page = links::endpoint(&view.acct, rotation.endpoint.id.as_str(), "secret");
    (!texts.is_empty()).then(|| {
        let lines = texts.into_iter().map(|text| view! { <p>{text}</p> }).collect_view();
        view! {
            <section class="grid max-w-column gap-1 border-l-4 border-held-fill bg-held-soft px-4 py-3" aria-label="Rotation">
                {lines}
                {may.then(|| view! { <p><a href=page>"Continue rotation"</a></p> })}
            </section>
        }
    })
}

fn banner(rotation: &RotationView, view: &RenderContext) -> Vec<String> {
    let token = rotation.token.as_ref().map(|token| match token.phase {
        TokenPhase::Prepared { switch_at: None } => "The next auth token is prepared.".to_owned(),
        TokenPhase::Prepared { switch_at: Some(at) } => {
            format!("The next auth token is used from {}.", view.zone.short(at))
        }
        TokenPhase::Switched { undo_until, .. } => {
            format!(
                "The auth token was switched. You can switch back to the previous one until {}.",
                view.zone.short(undo_until)
            )
        }
    });
    let secret = rotation.secret.as_ref().map(|secret| {
        let soon = secret.overlap_until.since_ms(view.now) <= DAY_MS && secret.proved_at.is_none();
        let until = view.zone.short(secret.overlap_until);
        let warning = if soon { " No test has succeeded with the new one yet." } else { "" };
        format!("The old signing secret stays active until {until}.{warning}")
    });
    token.into_iter().chain(secret).collect()
}
