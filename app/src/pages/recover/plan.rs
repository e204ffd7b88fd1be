//! What a recovery would do: the exact count and the estimated duration, before it starts.

use domain::{
    Error,
    actor::Permission,
    delivery::Status,
    endpoint::{Endpoint, EndpointState},
    filter::DeliveryFilter,
    recover::{RecoverForm, RecoveryPlan, about},
    time::iso_utc,
};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::{events, form::PlanForm, jobs::JobRows, span};
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
        let base = links::endpoint(&view.acct, endpoint.id.as_str(), "recover");
        let lead = format!("Resends events that {} missed, oldest first. {}.", endpoint.name, view.clock());
        let (none, rows) = (jobs.is_empty(), view! { <JobRows jobs=jobs view=view.clone()/> });
        let jobs = (!none).then(|| view! { <Panel title="Recent jobs" id="jobs">{rows}</Panel> });
        Ok(view! {
            <Heading title=format!("Recover {}", endpoint.name) lead=lead/>
            <Outlook plan=plan endpoint=endpoint view=view.clone()/>
            <Panel title="What to recover" id="what"><PlanForm form=form base=base/></Panel>
            {jobs}
        }
        .into_html())
    })
}

/// The plan in one sentence with its button, or why it cannot start.
#[component]
fn Outlook(plan: Result<RecoveryPlan, Error>, endpoint: Endpoint, view: RenderContext) -> impl IntoView {
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
    Some(view! { <section class="grid max-w-column gap-3" aria-label="Recovery plan">{content}</section> })
}

fn nothing(plan: &RecoveryPlan, view: &RenderContext) -> String {
    format!("Nothing to recover: no {}s from {}.", plan.wanted.which.noun(), span(&plan.wanted, &view.zone))
}

/// `Resend 1,204 failed events from 23 Nov 13:00–14:10, about 4 minutes`
fn sentence(plan: &RecoveryPlan, view: &RenderContext) -> String {
    let (what, when) = (events(plan.count, plan.wanted.which), span(&plan.wanted, &view.zone));
    format!("Resend {what} from {when}, {}", about(plan.estimated_ms()))
}

#[component]
fn Start(plan: RecoveryPlan, endpoint: Endpoint, view: RenderContext) -> impl IntoView {
    let waits = endpoint.state != EndpointState::Active;
    let summary = sentence(&plan, &view);
    let rate = format!(
        "At {} per second, with the same event IDs and a new series of attempts. Call-start events are sent even though they are old.",
        plan.wanted.rate_per_s
    );
    let verb = format!("Resend {} event{}", grouped(plan.count), if plan.count == 1 { "" } else { "s" });
    let filter = DeliveryFilter {
        statuses: vec![Status::Failed, Status::Expired],
        kinds: plan.wanted.kinds.clone(),
        endpoint: Some(endpoint.id.clone()),
        from: Some(plan.wanted.from),
        to: Some(plan.wanted.to),
        test: Some(false),
        ..DeliveryFilter::default()
    };
    let list = view.path("deliveries") + &filter.to_query();
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
            <a href=list>"View failed events first"</a>
        </form>
    }
    .into_html()
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
