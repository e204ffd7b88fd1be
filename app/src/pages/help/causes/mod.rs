//! The catalogue of causes: one page for all, one page for each.

use domain::{
    cause::{Cause, CauseFacts, Failure},
    time::UnixMs,
};
use leptos::prelude::*;

use super::guide::{Guide, Part, Sample, guide_page};
use crate::components::cause::name;
use crate::error::UiError;
use crate::html::IntoHtml;
use crate::links;
use crate::pages::public_page;

pub mod advice;
mod answers;
mod connection;
mod naming;
mod not_sent;
mod server;
mod tls;

use advice::{Advice, Check};

/// Title and members of the groups that the catalogue is read in.
const GROUPS: [(&str, &str, &[Cause]); 5] = [
    ("finding", "Finding your server", &[Cause::DnsNotFound, Cause::DnsTimeout, Cause::BlockedAddress]),
    (
        "connecting",
        "Connecting to it",
        &[
            Cause::ConnectRefused,
            Cause::ConnectTimeout,
            Cause::TlsExpired,
            Cause::TlsName,
            Cause::TlsChain,
            Cause::TlsVersion,
        ],
    ),
    (
        "answers",
        "What it answered",
        &[
            Cause::Redirected,
            Cause::Http401403,
            Cause::Http404,
            Cause::Http405,
            Cause::Http410,
            Cause::Http413,
            Cause::Http429,
            Cause::Http4xx,
            Cause::Http5xx,
            Cause::Http502504,
        ],
    ),
    ("no-answer", "No answer", &[Cause::ResponseTimeout, Cause::Reset, Cause::BadResponse]),
    (
        "not-sent",
        "Not sent, or our fault",
        &[Cause::NotSentNoEndpoint, Cause::NotSentPaused, Cause::NotSentSuspended, Cause::OurFault],
    ),
];

/// `/help/causes`.
#[component]
pub fn CausesPage() -> impl IntoView {
    let lead = "Each failed attempt has one cause. Its code is stable: it stands in links, in REST and in filters.";
    guide_page("/causes", "Causes of failures", lead, || GROUPS.map(group).collect_view().into_html())
}

fn group((id, title, causes): (&'static str, &'static str, &'static [Cause])) -> impl IntoView {
    let row = |cause: &Cause| {
        view! {
            <li class="border-t border-line py-2">
                <a class="font-semibold" href=links::cause(cause.code())>{name(*cause)}</a>
                " "<code class="text-meta">{cause.code()}</code>
                <p class="text-table text-ink-2">{plain(*cause).remedy()}</p>
            </li>
        }
    };
    view! { <Part id=id title=title><ul class="list-none pl-0">{causes.iter().map(row).collect_view()}</ul></Part> }
}

/// The cause without any facts.
fn plain(cause: Cause) -> Failure {
    Failure { cause, facts: CauseFacts::default() }
}

/// `/help/causes/:code`.
#[component]
pub fn CausePage() -> impl IntoView {
    public_page(async |place, _| {
        let cause = Cause::parse(&place.param("code")).ok_or_else(|| UiError::not_found("Cause"))?;
        Ok(view! { <CauseGuide cause=cause/> }.into_html())
    })
}

#[component]
fn CauseGuide(cause: Cause) -> impl IntoView {
    let failure = plain(cause);
    let Advice { meaning, possible, checks, fixes, meanwhile } = advice::of(cause);
    let filtered = format!("cause={}", cause.code());
    view! {
        <Guide here="/causes/" title=name(cause) lead=*meaning>
            <p class="text-table text-ink-2">
                "Code "<code>{cause.code()}</code>". In lists: “"{failure.sentence(UnixMs(0))}"”. Filter deliveries by "
                <code>{filtered}</code>"."
            </p>
            <Part id="first" title="Try this first"><p>{failure.remedy()}</p></Part>
            <Part id="possible" title="Possible causes"><Points points=possible/></Part>
            <Part id="check" title="How to check">{checks.iter().map(check).collect_view()}</Part>
            <Part id="fix" title="How to fix"><Points points=fixes/></Part>
            <Part id="meanwhile" title="What happens meanwhile"><p>{meanwhile.sentence()}</p></Part>
            <p class="mt-10"><a href="/help/causes">"All causes"</a></p>
        </Guide>
    }
}

#[component]
fn Points(points: &'static [&'static str]) -> impl IntoView {
    view! { <ul>{points.iter().map(|point| view! { <li>{*point}</li> }).collect_view()}</ul> }
}

fn check(check: &'static Check) -> impl IntoView {
    let command = (!check.command.is_empty()).then(|| view! { <Sample what="command" text=check.command/> });
    view! { <p>{check.what}</p>{command} }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_stands_in_one_group() {
        for cause in Cause::ALL {
            assert_eq!(GROUPS.iter().filter(|(_, _, causes)| causes.contains(cause)).count(), 1, "{cause:?}");
        }
    }
}
