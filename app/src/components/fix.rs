//! The button that fixes a failure, where one can.

use domain::{
    actor::Permission,
    cause::Failure,
    endpoint::{Endpoint, EndpointState},
    fix::Fix,
};
use leptos::{prelude::*, server_fn::ServerFn as _};

use super::button::{Button, LinkButton, Weight};
use crate::{
    api::{
        endpoints::{ResumeEndpoint, UseUrl},
        test_events::TestAgain,
    },
    html::{Html, IntoHtml},
    links,
    visit::Frame,
};

/// The fix of a failure, for users who may change the endpoint.
#[component]
pub fn FixButton(
    /// The failure.
    failure: Failure,
    /// The endpoint as it is now.
    endpoint: Endpoint,
    /// The user and the account.
    frame: Frame,
) -> impl IntoView {
    let fix = failure
        .fix(endpoint.url.as_str())
        .filter(|_| frame.may(Permission::WriteEndpoints) && endpoint.state != EndpointState::Deleted)?;
    let active = endpoint.state == EndpointState::Active;
    let (acct, ep) = (frame.acct().to_owned(), endpoint.id.to_string());
    let page = |rest: &str| links::endpoint(&acct, &ep, rest);
    let target = view! {
        <input type="hidden" name="acct" value=acct.clone()/>
        <input type="hidden" name="ep" value=ep.clone()/>
    }
    .into_html();
    let button: Html = match fix {
        Fix::UseUrl(url) => view! {
            <form method="post" action=UseUrl::PATH class="min-w-0">
                {target}
                <input type="hidden" name="version" value=endpoint.version/>
                <input type="hidden" name="url" value=url.clone()/>
                <Button weight=Weight::Primary><span class="min-w-0 text-left wrap-anywhere">{format!("Use {url}")}</span></Button>
            </form>
        }
        .into_html(),
        Fix::EditUrl => view! { <LinkButton weight=Weight::Primary href=page("edit?fix=url#url")>"Edit URL"</LinkButton> }.into_html(),
        Fix::LowerRate => {
            view! { <LinkButton weight=Weight::Primary href=page("edit?fix=rate#rate_per_s")>"Lower the rate"</LinkButton> }.into_html()
        }
        Fix::Subscribe => view! { <LinkButton weight=Weight::Primary href=page("edit#events")>"Edit events"</LinkButton> }.into_html(),
        Fix::Resume if !active => view! {
            <form method="post" action=ResumeEndpoint::PATH>{target}<Button weight=Weight::Primary>"Resume"</Button></form>
        }
        .into_html(),
        Fix::Resume | Fix::SendTest if !active => return None,
        Fix::Resume | Fix::SendTest => view! {
            <form method="post" action=TestAgain::PATH>{target}<Button>"Send test"</Button></form>
        }
        .into_html(),
    };
    Some(button)
}
