//! What all pages share: loading data, then rendering it in a layout, or an error page in the same layout.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_matched, use_params_map};

use crate::api;
use crate::components::error_page::ErrorPage;
use crate::components::layout::{AccountLayout, PublicLayout, StaffArea, StaffLayout};
use crate::components::sidebar::Part;
use crate::error::UiError;
use crate::html::{Html, IntoHtml};
use crate::links;
use crate::visit::{Frame, Visit};
use crate::zone::in_utc;

/// The route parameters and the query of a page.
#[derive(Debug, Clone, Default)]
pub struct RouteParams {
    /// The account ID in the path; empty on public pages.
    pub acct: String,
    /// The query without its question mark, with times in UTC.
    pub query: String,
    params: Vec<(String, String)>,
}

impl RouteParams {
    /// The parameters of the page being rendered.
    #[must_use]
    pub fn current() -> Self {
        let params = use_params_map().get_untracked();
        let params: Vec<_> = params.into_iter().map(|(name, value)| (name.into_owned(), value)).collect();
        let query = use_location().search.get_untracked();
        let query = in_utc(query.strip_prefix('?').unwrap_or(&query));
        let mut route = Self { acct: String::new(), query, params };
        route.acct = route.param("acct");
        route
    }

    /// A path parameter, such as `ep`; empty if the route does not have it.
    #[must_use]
    pub fn param(&self, name: &str) -> String {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// A query parameter; empty if absent.
    #[must_use]
    pub fn query_param(&self, name: &str) -> String {
        domain::query::pairs(&self.query).find(|(key, _)| key == name).map(|(_, value)| value).unwrap_or_default()
    }
}

/// A page being loaded. All pages have this one type, so that what Leptos does with a page is compiled once.
pub type Page = Suspend<Html>;

/// A page of an account. `load` fetches its data and renders it, with frame, visit, zone and flash in the context.
pub fn account_page<Loaded>(part: Part, load: impl FnOnce(RouteParams, Frame) -> Loaded + Send + 'static) -> Page
where
    Loaded: Future<Output = Result<Html, UiError>> + Send + 'static,
{
    let (route, matched) = (RouteParams::current(), use_matched().get_untracked());
    Suspend::new(async move {
        let frame = match api::visit::load_frame(route.acct.clone(), matched).await {
            Ok(frame) => frame,
            Err(error) => return frame_error(&route, error).await,
        };
        provide(&frame.visit);
        provide_context(frame.clone());
        let content = match load(route, frame.clone()).await {
            Ok(content) => content,
            Err(error) => error_page(error).await,
        };
        view! { <AccountLayout frame=frame here=part>{content}</AccountLayout> }.into_html()
    })
}

/// A public page.
pub fn public_page<Loaded>(load: impl FnOnce(RouteParams, Visit) -> Loaded + Send + 'static) -> Page
where
    Loaded: Future<Output = Result<Html, UiError>> + Send + 'static,
{
    let route = RouteParams::current();
    Suspend::new(async move {
        let visit = match api::visit::load_visit().await {
            Ok(visit) => visit,
            Err(error) => return public_error(error).await,
        };
        provide(&visit);
        match load(route, visit).await {
            Ok(content) => view! { <PublicLayout>{content}</PublicLayout> }.into_html(),
            Err(error) => public_error(error).await,
        }
    })
}

/// A page of the provider's support, outside any account.
pub fn support_page<Loaded>(load: impl FnOnce(RouteParams, Visit) -> Loaded + Send + 'static) -> Page
where
    Loaded: Future<Output = Result<Html, UiError>> + Send + 'static,
{
    staff_page(StaffArea::Support, api::support::load_agent, load)
}

/// A page of the operators.
pub fn ops_page<Loaded>(load: impl FnOnce(RouteParams, Visit) -> Loaded + Send + 'static) -> Page
where
    Loaded: Future<Output = Result<Html, UiError>> + Send + 'static,
{
    staff_page(StaffArea::Operator, api::ops::load_operator, load)
}

fn staff_page<Loaded, Known>(
    area: StaffArea,
    who: impl FnOnce() -> Known + Send + 'static,
    load: impl FnOnce(RouteParams, Visit) -> Loaded + Send + 'static,
) -> Page
where
    Known: Future<Output = Result<String, UiError>> + Send + 'static,
    Loaded: Future<Output = Result<Html, UiError>> + Send + 'static,
{
    let route = RouteParams::current();
    Suspend::new(async move {
        let (agent, visit) = match (who().await, api::visit::load_visit().await) {
            (Ok(agent), Ok(visit)) => (agent, visit),
            (Err(error), _) | (_, Err(error)) => return public_error(error).await,
        };
        provide(&visit);
        let content = match load(route, visit.clone()).await {
            Ok(content) => content,
            Err(error) => error_page(error).await,
        };
        view! { <StaffLayout area=area agent=agent visit=visit>{content}</StaffLayout> }.into_html()
    })
}

/// The page for an account without access. Support agents whose session has ended can start another.
async fn frame_error(route: &RouteParams, error: UiError) -> Html {
    let again = matches!(error, UiError::Domain(domain::Error::Forbidden(_)))
        .then(|| view! { <p><a href=links::support_start(&route.acct, "")>"Start a support session"</a></p> });
    let content = error_page(error).await;
    view! { <PublicLayout>{content} {again}</PublicLayout> }.into_html()
}

fn provide(visit: &Visit) {
    provide_context(visit.flash.clone());
    provide_context(visit.zone());
    provide_context(visit.clone());
}

async fn public_error(error: UiError) -> Html {
    let content = error_page(error).await;
    view! { <PublicLayout>{content}</PublicLayout> }.into_html()
}

async fn error_page(error: UiError) -> Html {
    match api::visit::refuse(error).await {
        Ok(failure) => view! { <ErrorPage failure=failure/> }.into_html(),
        Err(_) => ().into_html(),
    }
}
