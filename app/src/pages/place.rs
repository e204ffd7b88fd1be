//! What all pages share: they load first, then lay out; what fails becomes words inside the same frame.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map};

use crate::api;
use crate::components::error_words::ErrorWords;
use crate::components::layout::{AccountLayout, Desk, PublicLayout, StaffLayout};
use crate::components::rail::Part;
use crate::error::UiError;
use crate::html::{Html, IntoHtml};
use crate::links;
use crate::visit::{Frame, Visit};
use crate::zone::in_utc;

/// Where a page is: what its address says.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The account in the path; empty on public pages.
    pub acct: String,
    /// The query, without its question mark, its times in UTC.
    pub query: String,
    params: Vec<(String, String)>,
}

impl Place {
    /// The address of the page being rendered.
    #[must_use]
    pub fn here() -> Self {
        let params = use_params_map().get_untracked();
        let params: Vec<_> = params.into_iter().map(|(name, value)| (name.into_owned(), value)).collect();
        let query = use_location().search.get_untracked();
        let query = in_utc(query.strip_prefix('?').unwrap_or(&query));
        let mut place = Self { acct: String::new(), query, params };
        place.acct = place.param("acct");
        place
    }

    /// A part of the path, such as `ep`; empty when the route has none of that name.
    #[must_use]
    pub fn param(&self, name: &str) -> String {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// A value of the query; empty when it is not there.
    #[must_use]
    pub fn asked(&self, name: &str) -> String {
        domain::query::pairs(&self.query).find(|(key, _)| key == name).map(|(_, value)| value).unwrap_or_default()
    }
}

/// A page on its way. All pages have this one type, so that what Leptos does with a page is compiled once.
pub type Page = Suspend<Html>;

/// A page of an account. `load` fetches what it shows and lays it out; the frame, the visit, the zone and the flash
/// are in the context by then.
pub fn account_page<Loaded>(part: Part, load: impl FnOnce(Place, Frame) -> Loaded + Send + 'static) -> Page
where
    Loaded: Future<Output = Result<Html, UiError>> + Send + 'static,
{
    let place = Place::here();
    Suspend::new(async move {
        let frame = match api::visit::load_frame(place.acct.clone()).await {
            Ok(frame) => frame,
            Err(error) => return shut_out(&place, error).await,
        };
        provide(&frame.visit);
        provide_context(frame.clone());
        let content = match load(place, frame.clone()).await {
            Ok(content) => content,
            Err(error) => refused(error).await,
        };
        view! { <AccountLayout frame=frame here=part>{content}</AccountLayout> }.into_html()
    })
}

/// A page that anybody may see.
pub fn public_page<Loaded>(load: impl FnOnce(Place, Visit) -> Loaded + Send + 'static) -> Page
where
    Loaded: Future<Output = Result<Html, UiError>> + Send + 'static,
{
    let place = Place::here();
    Suspend::new(async move {
        let visit = match api::visit::load_visit().await {
            Ok(visit) => visit,
            Err(error) => return refused_in_public(error).await,
        };
        provide(&visit);
        match load(place, visit).await {
            Ok(content) => view! { <PublicLayout>{content}</PublicLayout> }.into_html(),
            Err(error) => refused_in_public(error).await,
        }
    })
}

/// A page of the provider's support outside of any account.
pub fn support_page<Loaded>(load: impl FnOnce(Place, Visit) -> Loaded + Send + 'static) -> Page
where
    Loaded: Future<Output = Result<Html, UiError>> + Send + 'static,
{
    staff_page(Desk::Support, api::support::load_agent, load)
}

/// A page of the operators.
pub fn ops_page<Loaded>(load: impl FnOnce(Place, Visit) -> Loaded + Send + 'static) -> Page
where
    Loaded: Future<Output = Result<Html, UiError>> + Send + 'static,
{
    staff_page(Desk::Operator, api::ops::load_operator, load)
}

fn staff_page<Loaded, Known>(
    desk: Desk,
    who: impl FnOnce() -> Known + Send + 'static,
    load: impl FnOnce(Place, Visit) -> Loaded + Send + 'static,
) -> Page
where
    Known: Future<Output = Result<String, UiError>> + Send + 'static,
    Loaded: Future<Output = Result<Html, UiError>> + Send + 'static,
{
    let place = Place::here();
    Suspend::new(async move {
        let (agent, visit) = match (who().await, api::visit::load_visit().await) {
            (Ok(agent), Ok(visit)) => (agent, visit),
            (Err(error), _) | (_, Err(error)) => return refused_in_public(error).await,
        };
        provide(&visit);
        let content = match load(place, visit.clone()).await {
            Ok(content) => content,
            Err(error) => refused(error).await,
        };
        view! { <StaffLayout desk=desk agent=agent visit=visit>{content}</StaffLayout> }.into_html()
    })
}

/// An account's page that is shown to nobody here. Support whose session is over may start another.
async fn shut_out(place: &Place, error: UiError) -> Html {
    let again = matches!(error, UiError::Domain(domain::Error::Forbidden(_)))
        .then(|| view! { <p><a href=links::support_start(&place.acct, "")>"Start a support session"</a></p> });
    let content = refused(error).await;
    view! { <PublicLayout>{content} {again}</PublicLayout> }.into_html()
}

fn provide(visit: &Visit) {
    provide_context(visit.flash.clone());
    provide_context(visit.zone());
    provide_context(visit.clone());
}

async fn refused_in_public(error: UiError) -> Html {
    let content = refused(error).await;
    view! { <PublicLayout>{content}</PublicLayout> }.into_html()
}

async fn refused(error: UiError) -> Html {
    match api::visit::refuse(error).await {
        Ok(refusal) => view! { <ErrorWords refusal=refusal/> }.into_html(),
        Err(_) => ().into_html(),
    }
}
