//! The catalogue of causes: a list of all of them, and a page for each.

use domain::{
    cause::{Cause, CauseFacts, Failure},
    time::UnixMs,
};
use leptos::prelude::*;

use super::page::{Blocks, Guide, Page, find};
use crate::components::cause::name;
use crate::error::UiError;
use crate::html::{Html, IntoHtml};
use crate::links;
use crate::pages::public_page;

/// Id, title and causes of each group in the catalogue.
const GROUPS: [(&str, &str, &[Cause]); 6] = [
    ("finding", "Finding your server", &[Cause::DnsNotFound, Cause::DnsTimeout, Cause::BlockedAddress]),
    ("connecting", "Connecting to your server", &[Cause::ConnectRefused, Cause::ConnectTimeout, Cause::ConnectFailed]),
    (
        "tls",
        "Securing the connection",
        &[
            Cause::TlsExpired,
            Cause::TlsNotYetValid,
            Cause::TlsName,
            Cause::TlsSelfSigned,
            Cause::TlsChain,
            Cause::TlsWeakKey,
            Cause::TlsClientCertificate,
            Cause::TlsUnknownName,
            Cause::TlsVersion,
            Cause::TlsCipher,
            Cause::TlsPlainHttp,
            Cause::TlsNotSpoken,
            Cause::TlsClosed,
            Cause::TlsTimeout,
            Cause::TlsFailed,
        ],
    ),
    (
        "answers",
        "Your server's response",
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
            Cause::Http520527,
        ],
    ),
    ("no-answer", "No valid response", &[Cause::ResponseTimeout, Cause::Reset, Cause::BadResponse]),
    (
        "not-sent",
        "Not sent, or a problem on our side",
        &[Cause::NotSentNoEndpoint, Cause::NotSentPaused, Cause::NotSentSuspended, Cause::OurFault],
    ),
];

/// `/help/causes`.
#[component]
pub fn CausesPage() -> impl IntoView {
    public_page(async |_, _| {
        let Page { path, title, lead, blocks } = find("/causes")?;
        let groups = GROUPS.map(group).collect_view();
        Ok(view! { <Guide path=*path title=*title lead=*lead><Blocks blocks=*blocks/>{groups}</Guide> }.into_html())
    })
}

fn group((id, title, causes): (&'static str, &'static str, &'static [Cause])) -> impl IntoView {
    let row = |cause: &Cause| {
        view! {
            <li class="border-t border-line py-2">
                <a class="font-semibold" href=links::cause(cause.code())>{name(*cause)}</a>
                " "<code class="text-meta">{cause.code()}</code>
                <p class="text-table text-ink-2">{without_facts(*cause).remedy()}</p>
            </li>
        }
    };
    view! {
        <h2 id=id><a href=format!("#{id}")>{title}</a></h2>
        <ul class="list-none pl-0">{causes.iter().map(row).collect_view()}</ul>
    }
}

fn without_facts(cause: Cause) -> Failure {
    Failure { cause, facts: CauseFacts::default() }
}

/// `/help/causes/:code`.
#[component]
pub fn CausePage() -> impl IntoView {
    public_page(async |place, _| {
        let cause = Cause::parse(&place.param("code")).ok_or_else(|| UiError::not_found("Cause"))?;
        let Page { lead, blocks, .. } = find(&format!("/causes/{}", cause.code()))?;
        Ok(view! { <CauseGuide cause=cause lead=*lead><Blocks blocks=*blocks/></CauseGuide> }.into_html())
    })
}

#[component]
fn CauseGuide(cause: Cause, lead: &'static str, children: Html) -> impl IntoView {
    let failure = without_facts(cause);
    let filter = format!("cause={}", cause.code());
    view! {
        <Guide path="/causes/" title=name(cause) lead=lead>
            <p class="text-table text-ink-2">
                "Code: "<code>{cause.code()}</code>". Shown in lists as “"{failure.sentence(UnixMs(0))}"”. To filter deliveries, use "
                <code>{filter}</code>"."
            </p>
            <h2 id="first"><a href="#first">"Try this first"</a></h2>
            <p>{failure.remedy()}</p>
            {children}
            <p class="mt-10"><a href=format!("{}/causes", links::HELP)>"All causes"</a></p>
        </Guide>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_in_exactly_one_group_and_has_a_page() {
        for cause in Cause::ALL {
            assert_eq!(GROUPS.iter().filter(|(_, _, causes)| causes.contains(cause)).count(), 1, "{cause:?}");
            assert!(find(&format!("/causes/{}", cause.code())).is_ok(), "{cause:?}");
        }
    }

    #[test]
    fn no_two_causes_share_an_introduction() {
        let leads = Cause::ALL.iter().map(|cause| find(&format!("/causes/{}", cause.code())).map(|page| page.lead));
        let leads: std::collections::BTreeSet<_> = leads.flatten().collect();
        assert_eq!(leads.len(), Cause::ALL.len());
    }
}
