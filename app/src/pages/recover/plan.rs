//! What a recovery would do: the exact count and how long it takes, before anything happens.

use domain::{
    Error,
    actor::Permission,
    delivery::Status,
    endpoint::{Endpoint, EndpointState},
    filter::DeliveryFilter,
    recover::{Plan, RecoverForm, about},
    time::iso_utc,
};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::{events, form::PlanForm, from_query, jobs::JobRows, span};
use crate::html::IntoHtml;
use crate::{
    api::recover::{Prospect, StartRecovery, load_prospect},
    components::{
        button::{Button, LinkButton, Weight},
        count_text::grouped,
        heading::Heading,
        panel::Panel,
        rail::Part,
        viewpoint::Viewpoint,
    },
    flash::Flash,
    links,
    pages::account_page,
};

/// `/a/:acct/endpoints/:ep/recover`
#[component]
pub fn RecoverPage() -> impl IntoView {
    account_page(Part::Endpoints, async |place, frame| {
        frame.need(Permission::WriteDeliveries)?;
        let form = from_query(&place.query);
        let Prospect { summary, form, plan, jobs } = load_prospect(place.acct.clone(), place.param("ep"), form).await?;
        let endpoint = summary.endpoint;
        let view = Viewpoint::from(&frame);
        // A plan is asked for by GET, but what is wrong with it is said as by every other form.
        if let (Err(error), false) = (&plan, frame.visit.flash.refused()) {
            provide_context(Flash::refusing(error));
        }
        let base = links::endpoint(&view.acct, endpoint.id.as_str(), "recover");
        let lead = format!("Sends events again that {} has missed, oldest first. {}.", endpoint.name, view.clock());
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

/// The plan in one sentence with its button, or why there is none.
#[component]
fn Outlook(plan: Result<Plan, Error>, endpoint: Endpoint, view: Viewpoint) -> impl IntoView {
    let content = match plan {
        Err(_) => return None,
        Ok(plan) => match (plan.running.clone(), plan.count) {
            (Some(job), _) => {
                let href = links::job(&view.acct, job.as_str());
                view! {
                    <p>"A job recovers events of this endpoint already. Another can start when it has ended."</p>
                    <p><LinkButton weight=Weight::Primary href=href>"See the job"</LinkButton></p>
                }
                .into_html()
            }
            (None, 0) => view! { <p class="text-large">{nothing(&plan, &view)}</p> }.into_html(),
            (None, _) => view! { <Start plan=plan endpoint=endpoint view=view/> }.into_html(),
        },
    };
    Some(view! { <section class="grid max-w-column gap-3" aria-label="What would happen">{content}</section> })
}

fn nothing(plan: &Plan, view: &Viewpoint) -> String {
    format!("Nothing to recover: there is no {} of {}.", plan.wanted.which.noun(), span(&plan.wanted, &view.zone))
}

/// `Resend 1,204 failed events from 23 Nov 13:00–14:10, about 4 minutes`
fn sentence(plan: &Plan, view: &Viewpoint) -> String {
    let (what, when) = (events(plan.count, plan.wanted.which), span(&plan.wanted, &view.zone));
    format!("Resend {what} from {when}, {}", about(plan.estimated_ms()))
}

#[component]
fn Start(plan: Plan, endpoint: Endpoint, view: Viewpoint) -> impl IntoView {
    let waits = endpoint.state != EndpointState::Active;
    let said = sentence(&plan, &view);
    let rate = format!(
        "At {} per second, with the same event ids and new tries. Beginnings of calls count as fresh again.",
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
        <h2 class="text-large font-bold">{said}</h2>
        <p class="text-ink-2">{rate}</p>
        {waits.then(|| view! {
            <p class="border-l-4 border-held-fill bg-held-soft px-3 py-2">"The endpoint is paused: what is resent waits until it is resumed."</p>
        })}
        <form method="post" action=StartRecovery::PATH class="flex flex-wrap items-center gap-3">
            <input type="hidden" name="acct" value=view.acct.clone()/>
            <input type="hidden" name="ep" value=endpoint.id.to_string()/>
            <Frozen form=frozen(&plan)/>
            <Button weight=Weight::Primary>{verb}</Button>
            <a href=list>"Look at the failed ones first"</a>
        </form>
    }
    .into_html()
}

/// The plan as a form again, its moments fixed, so that what was counted is what is started.
fn frozen(plan: &Plan) -> RecoverForm {
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
