//! What a recovery would do: the exact count and the estimated duration, before it starts.

use domain::{
    Error,
    actor::Permission,
    delivery::Status,
    endpoint::{Endpoint, EndpointState},
    event::EventKind,
    filter::DeliveryFilter,
    recover::{RecoverForm, RecoveryParts, RecoveryPlan, about},
    time::iso_utc,
};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::{form::PlanForm, jobs::JobRows, span};
use crate::html::IntoHtml;
use crate::recover_form;
use crate::{
    api::recover::{RecoveryPreview, StartRecovery, load_recovery_preview},
    components::{
        button::{Button, LinkButton, Weight},
        count_text::grouped,
        heading::Heading,
        panel::Panel,
        render_context::RenderContext,
        sidebar::Part,
    },
    flash::Flash,
    links,
    pages::account_page,
};

/// `/a/:acct/endpoints/:ep/recover`
#[component]
pub fn RecoverPage() -> impl IntoView {
    account_page(Part::Endpoints, async |route, frame| {
        frame.need(Permission::WriteDeliveries)?;
        let form = recover_form::from_query(&route.query);
        let RecoveryPreview { summary, form, plan, jobs } =
            load_recovery_preview(route.acct.clone(), route.param("ep"), form).await?;
        let endpoint = summary.endpoint;
        let view = RenderContext::from(&frame);
        // The form submits by GET, but shows errors like any other form.
        if let (Err(error), false) = (&plan, frame.visit.flash.refused()) {
            provide_context(Flash::refusing(error));
        }
        let rings = match &plan {
            Ok(plan) if plan.parts.rings.count > 0 => plan.parts.rings.words(view.now),
            _ => String::new(),
        };
        let base = links::endpoint(&view.acct, endpoint.id.as_str(), "recover");
        let lead = format!("Resends events that {} missed, oldest first. {}.", endpoint.name, view.clock());
        let (none, rows) = (jobs.is_empty(), view! { <JobRows jobs=jobs view=view.clone()/> });
        let jobs = (!none).then(|| view! { <Panel title="Recent jobs" id="jobs">{rows}</Panel> });
        Ok(view! {
            <Heading title=format!("Recover {}", endpoint.name) lead=lead/>
            <Outlook plan=plan endpoint=endpoint form=form.clone() view=view.clone()/>
            <Panel title="What to recover" id="what"><PlanForm form=form rings=rings base=base/></Panel>
            {jobs}
        }
        .into_html())
    })
}

/// The plan in one sentence with its button, or why it cannot start.
#[component]
fn Outlook(
    plan: Result<RecoveryPlan, Error>,
    endpoint: Endpoint,
    form: RecoverForm,
    view: RenderContext,
) -> impl IntoView {
    let below = plan
        .as_ref()
        .ok()
        .map(|plan| view! { <LeftOut plan=plan.clone() endpoint=endpoint.clone() form=form view=view.clone()/> });
    let content = match plan {
        Err(_) => return None,
        Ok(plan) => match (plan.running.clone(), plan.count) {
            (Some(job), _) => {
                let href = links::job(&view.acct, job.as_str());
                view! {
                    <p>"A recovery job is already running for this endpoint. You can start another when it has finished."</p>
                    <p><LinkButton weight=Weight::Primary href=href>"View job"</LinkButton></p>
                }
                .into_html()
            }
            (None, 0) => view! { <p class="text-large">{nothing(&plan, &view)}</p> }.into_html(),
            (None, _) => view! { <Start plan=plan endpoint=endpoint view=view/> }.into_html(),
        },
    };
    Some(view! { <section class="grid max-w-column gap-3" aria-label="Recovery plan">{content} {below}</section> })
}

fn nothing(plan: &RecoveryPlan, view: &RenderContext) -> String {
    format!("Nothing to recover: no {}s from {}.", plan.wanted.which.noun(), span(&plan.wanted, &view.zone))
}

/// `Resend 1,204 failed events from 23 Nov 13:00–14:10, about 4 minutes`
fn sentence(plan: &RecoveryPlan, view: &RenderContext) -> String {
    let (what, when) = (kinds_of(&plan.parts), span(&plan.wanted, &view.zone));
    format!("Resend {what} from {when}, {}", about(plan.estimated_ms()))
}

#[component]
fn Start(plan: RecoveryPlan, endpoint: Endpoint, view: RenderContext) -> impl IntoView {
    let waits = endpoint.state != EndpointState::Active;
    let summary = sentence(&plan, &view);
    let rate = format!(
        "At {} per second, oldest first, with the same event IDs and a new series of attempts.",
        plan.wanted.rate_per_s
    );
    let verb = format!("Resend {} event{}", grouped(plan.count), if plan.count == 1 { "" } else { "s" });
    view! {
        <h2 class="text-large font-bold">{summary}</h2>
        <p class="text-ink-2">{rate}</p>
        {waits.then(|| view! {
            <p class="border-l-4 border-held-fill bg-held-soft px-3 py-2">"The endpoint is paused. Resent events wait until you resume it."</p>
        })}
        <form method="post" action=StartRecovery::PATH class="flex flex-wrap items-center gap-3">
            <input type="hidden" name="acct" value=view.acct.clone()/>
            <input type="hidden" name="ep" value=endpoint.id.to_string()/>
            <Frozen form=frozen(&plan)/>
            <Button weight=Weight::Primary>{verb}</Button>
        </form>
    }
    .into_html()
}

/// `1,176 failed and 28 expired events`
fn kinds_of(parts: &RecoveryParts) -> String {
    let all = [(parts.failed, "failed"), (parts.expired, "expired"), (parts.never_sent, "unsent")];
    let named: Vec<String> =
        all.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{} {word}", grouped(*n))).collect();
    let events = if parts.resent() == 1 { "event" } else { "events" };
    match named.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last} {events}", rest.join(", ")),
        [one] => format!("{one} {events}"),
        _ => format!("0 {events}"),
    }
}

/// What is not resent and why, so that the numbers add up to those of the list; and the list itself.
#[component]
fn LeftOut(plan: RecoveryPlan, endpoint: Endpoint, form: RecoverForm, view: RenderContext) -> impl IntoView {
    let parts = plan.parts;
    let listed = |statuses: Vec<Status>| {
        let filter = DeliveryFilter {
            statuses,
            kinds: plan.wanted.kinds.clone(),
            endpoint: Some(endpoint.id.clone()),
            from: Some(plan.wanted.from),
            to: Some(plan.wanted.to),
            test: Some(false),
            ..DeliveryFilter::default()
        };
        view.path("deliveries") + &filter.to_query()
    };
    let includes_rings = plan.wanted.kinds.iter().any(|kind| kind.is_ring());
    let rings = (parts.rings.count > 0).then(|| {
        let words = parts.rings.words(view.now);
        if includes_rings {
            view! {
                <p class="border-l-4 border-retrying-fill bg-retrying-soft px-3 py-2 text-retrying">
                    {format!("This includes {words}. Your software may show them as calls that ring now.")}
                </p>
            }
            .into_html()
        } else {
            let with = RecoverForm { events: EventKind::ALL.map(|kind| kind.as_str().to_owned()).to_vec(), ..form };
            let href = links::endpoint(&view.acct, endpoint.id.as_str(), "recover") + &recover_form::to_query(&with);
            view! { <p class="text-ink-2">{format!("{words} are left out. ")}<a href=href>"Include them"</a></p> }
                .into_html()
        }
    });
    let not_resent = not_resent(&parts).map(|words| view! { <p class="text-ink-2">{words}</p> });
    let ended = parts.failed + parts.expired + parts.superseded + parts.no_payload;
    let list = (ended > 0).then(|| {
        let href = listed(vec![Status::Failed, Status::Expired]);
        view! { <p><a href=href>{format!("View all {} in the list", grouped(ended))}</a></p> }
    });
    view! { {rings} {not_resent} {list} }.into_html()
}

fn not_resent(parts: &RecoveryParts) -> Option<String> {
    let superseded =
        (parts.superseded > 0).then(|| format!("{} superseded by the end of their call", grouped(parts.superseded)));
    let no_payload =
        (parts.no_payload > 0).then(|| format!("{} whose payload is past its retention", grouped(parts.no_payload)));
    let words: Vec<String> = superseded.into_iter().chain(no_payload).collect();
    (!words.is_empty()).then(|| format!("Not resent: {}.", words.join(", and ")))
}

/// The plan as a form with fixed times, so that exactly what was counted is resent.
fn frozen(plan: &RecoveryPlan) -> RecoverForm {
    RecoverForm {
        from: iso_utc(plan.wanted.from),
        to: iso_utc(plan.wanted.to),
        events: plan.wanted.kinds.iter().map(|kind| kind.as_str().to_owned()).collect(),
        which: plan.wanted.which.as_str().to_owned(),
        rate_per_s: plan.wanted.rate_per_s.to_string(),
    }
}

#[component]
fn Frozen(form: RecoverForm) -> impl IntoView {
    let events = form.events.into_iter().map(|kind| view! { <input type="hidden" name="form[events][]" value=kind/> });
    view! {
        <input type="hidden" name="form[from]" value=form.from/>
        <input type="hidden" name="form[to]" value=form.to/>
        {events.collect_view()}
        <input type="hidden" name="form[which]" value=form.which/>
        <input type="hidden" name="form[rate_per_s]" value=form.rate_per_s/>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_and_expired_events_are_counted_apart() {
        let parts = RecoveryParts { failed: 1_176, expired: 28, ..RecoveryParts::default() };
        assert_eq!(kinds_of(&parts), "1,176 failed and 28 expired events");
        assert_eq!(kinds_of(&RecoveryParts { failed: 1, ..RecoveryParts::default() }), "1 failed event");
        let all = RecoveryParts { never_sent: 3, ..parts };
        assert_eq!(kinds_of(&all), "1,176 failed, 28 expired and 3 unsent events");
    }

    #[test]
    fn what_is_not_resent_is_explained() {
        assert_eq!(not_resent(&RecoveryParts::default()), None);
        let parts = RecoveryParts { superseded: 12, no_payload: 2, ..RecoveryParts::default() };
        let words = "Not resent: 12 superseded by the end of their call, and 2 whose payload is past its retention.";
        assert_eq!(not_resent(&parts).as_deref(), Some(words));
    }
}
