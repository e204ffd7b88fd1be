//! The credentials of an endpoint: each as a time line, with the step that comes next.

mod proof;
mod secret;
mod switch_fields;
mod time_line;
mod token;

use domain::actor::Permission;
use domain::endpoint::EndpointState;
use domain::rotation::{RotationView, TokenPhase};
use domain::time::DAY_MS;
use leptos::prelude::*;

pub(super) use self::secret::OverlapChoice;
use self::secret::SecretPanel;
pub(super) use self::switch_fields::{Doubt, SwitchFields};
use self::token::TokenPanel;
use crate::api::rotation::load_standing;
use crate::components::heading::Heading;
use crate::components::rail::Part;
use crate::components::secret::{SECRET_PURPOSE, Secret, TOKEN_PURPOSE};
use crate::components::viewpoint::Viewpoint;
use crate::flash::Flash;
use crate::html::IntoHtml;
use crate::links;
use crate::pages::account_page;

/// Whose page it is and what may be done there.
#[derive(Debug, Clone)]
struct Desk {
    view: Viewpoint,
    ep: String,
    may: bool,
    receives: bool,
}

/// `/a/:acct/endpoints/:ep/secret`
#[component]
pub fn CredentialsPage() -> impl IntoView {
    account_page(Part::Endpoints, async |place, frame| {
        let standing = load_standing(place.acct.clone(), place.param("ep")).await?;
        let rotation = standing.view;
        let endpoint = rotation.endpoint.clone();
        let desk = Desk {
            view: Viewpoint::from(&frame),
            ep: endpoint.id.to_string(),
            may: frame.may(Permission::RotateCredentials) && endpoint.state != EndpointState::Deleted,
            receives: endpoint.state == EndpointState::Active,
        };
        let back = links::endpoint(&place.acct, &desk.ep, "");
        let says = refusal(&desk, endpoint.state);
        let everywhere = desk.may.then(|| links::account(&place.acct, "rotate"));
        Ok(view! {
            <a class="inline-flex w-fit items-center min-h-6 text-table" href=back>"← "{endpoint.name.clone()}</a>
            <Heading title=format!("Credentials of {}", endpoint.name)/>
            <p class="max-w-column">{says}
                {everywhere.map(|page| view! { " " <a href=page>"Rotate everywhere"</a> " does it for all endpoints at once." })}
            </p>
            <JustMade flash=frame.visit.flash.clone()/>
            <div class="grid items-start gap-6 xl:grid-cols-2">
                <TokenPanel masked=rotation.auth_token_masked rotation=rotation.token test=standing.token_test desk=desk.clone()/>
                <SecretPanel masked=rotation.signing_secret_masked rotation=rotation.secret test=standing.secret_test desk=desk/>
            </div>
        }
        .into_html())
    })
}

/// Why there is nothing to press, or what the page is for.
const fn refusal(desk: &Desk, state: EndpointState) -> &'static str {
    match (state, desk.may) {
        (EndpointState::Deleted, _) => "It was deleted, so nothing is sent to it any more.",
        (_, false) => "Admins of the account rotate credentials; an account setting lets developers do it too.",
        (EndpointState::Active, true) => "Rotate them without losing an event: your server knows the new one first.",
        (_, true) => "It does not receive just now, so tests cannot be sent. Resume it to prove a credential.",
    }
}

/// A credential that a form on this page has just made, this once.
#[component]
fn JustMade(flash: Flash) -> impl IntoView {
    let value = |name| flash.value(name).filter(|_| !flash.refused()).map(str::to_owned);
    let token = value("next_auth_token").map(|value| ("Next auth token", TOKEN_PURPOSE, value));
    let made = token.or_else(|| value("new_signing_secret").map(|value| ("New signing secret", SECRET_PURPOSE, value)));
    made.map(|(name, purpose, value)| {
        view! {
            <section class="grid max-w-column gap-3 border-l-4 border-lamp bg-surface p-4" aria-labelledby="just-made">
                <h2 class="text-large font-bold" id="just-made">"Copy it into your server now"</h2>
                <p class="text-ink-2">"When you leave this page it is masked; you can reveal it again on the endpoint's page."</p>
                <dl><Secret name=name purpose=purpose value=value/></dl>
            </section>
        }
    })
}

/// Says on the endpoint's page that a rotation runs, and when the old credential stops.
#[component]
pub fn RotationBanner(
    /// How the credentials stand.
    rotation: RotationView,
    /// Whether whoever looks may go on with it.
    may: bool,
    /// Whose clock.
    view: Viewpoint,
) -> impl IntoView {
    let said = banner(&rotation, &view);
    let page = links::endpoint(&view.acct, rotation.endpoint.id.as_str(), "secret");
    (!said.is_empty()).then(|| {
        let lines = said.into_iter().map(|words| view! { <p>{words}</p> }).collect_view();
        view! {
            <section class="grid max-w-column gap-1 border-l-4 border-held-fill bg-held-soft px-4 py-3" aria-label="Rotation">
                {lines}
                {may.then(|| view! { <p><a href=page>"Go on with the rotation"</a></p> })}
            </section>
        }
    })
}

fn banner(rotation: &RotationView, view: &Viewpoint) -> Vec<String> {
    let token = rotation.token.as_ref().map(|token| match token.phase {
        TokenPhase::Prepared { switch_at: None } => "The next auth token is prepared.".to_owned(),
        TokenPhase::Prepared { switch_at: Some(at) } => {
            format!("The next auth token is sent from {} on.", view.zone.short(at))
        }
        TokenPhase::Switched { undo_until, .. } => {
            format!("The auth token was switched. The earlier one can come back until {}.", view.zone.short(undo_until))
        }
    });
    let secret = rotation.secret.as_ref().map(|secret| {
        let soon = secret.overlap_until.since_ms(view.now) <= DAY_MS && secret.proved_at.is_none();
        let until = view.zone.short(secret.overlap_until);
        let warning = if soon { " No test has proved that your server knows the new one." } else { "" };
        format!("The old signing secret signs until {until}.{warning}")
    });
    token.into_iter().chain(secret).collect()
}
