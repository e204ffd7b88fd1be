//! The progress of a recovery job. The job keeps running when the page is closed.

use domain::{
    actor::Permission,
    delivery::Status,
    filter::DeliveryFilter,
    recover::{JobState, RecoveryJob, about, estimate_ms},
};
use islands::live::Live;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::{events, span};
use crate::html::IntoHtml;
use crate::{
    api::recover::{ControlJob, load_job},
    components::{
        button::{Button, Weight},
        count_text::grouped,
        heading::TabTitle,
        key_value::{Facts, IdText, KeyValue},
        live_region::{LiveRegion, Refresh},
        notices::Notices,
        render_context::RenderContext,
        sidebar::Part,
        time_text::{TimeForm, TimeText},
    },
    links,
    pages::account_page,
    visit::Frame,
};

/// `/a/:acct/jobs/:job`
#[component]
pub fn JobPage() -> impl IntoView {
    account_page(Part::Endpoints, async |route, frame| {
        let job = load_job(route.acct.clone(), route.param("job")).await?;
        let view = RenderContext::from(&frame);
        let back = links::endpoint(&view.acct, job.endpoint_id.as_str(), "");
        let version = format!("{}-{}-{}", job.state.as_str(), job.done, job.failed);
        let (title, from) = (format!("{} · Recover {}", title(&job), job.endpoint_name), job.endpoint_name.clone());
        let (ended, feed) = (job.state.is_final() && job.failed == 0, view.path("deliveries/live"));
        Ok(view! {
            <TabTitle title=title/>
            <div class="flex flex-wrap items-center justify-between gap-2">
                <a class="inline-flex items-center min-h-6 text-table" href=back>"← "{from}</a>
                <Refresh/>
                <Live feed=feed/>
            </div>
            <Notices/>
            <LiveRegion view=view.clone() version=version ended=ended><Progress job=job view=view frame=frame/></LiveRegion>
        }
        .into_html())
    })
}

/// The progress of the job in a few words.
pub(super) fn title(job: &RecoveryJob) -> String {
    let (done, total) = (grouped(job.done), grouped(job.total));
    let events = if job.total == 1 { "event" } else { "events" };
    match job.state {
        JobState::Queued if job.total == 1 => "About to resend 1 event".to_owned(),
        JobState::Queued => format!("About to resend {total} events"),
        JobState::Running => format!("{done} of {total} {events} resent"),
        JobState::Paused => format!("Paused at {done} of {total} {events}"),
        JobState::Done if job.done < job.total => format!("Done: {done} of {total} {events} resent"),
        JobState::Done if job.total == 1 => "Done: 1 event resent".to_owned(),
        JobState::Done => format!("Done: all {total} events resent"),
        JobState::Cancelled => format!("Cancelled after {done} of {total} {events}"),
    }
}

/// What happens next, or what the result was.
fn next_step(job: &RecoveryJob) -> String {
    let left = estimate_ms(job.left(), job.wanted.rate_per_s);
    let rate = job.wanted.rate_per_s;
    match job.state {
        JobState::Queued | JobState::Running => {
            format!("{} left, {} at {rate} per second.", grouped(job.left()), about(left))
        }
        JobState::Paused => format!("{} left. Nothing is resent until you resume the job.", grouped(job.left())),
        JobState::Done if job.done < job.total => "The remaining events no longer needed to be resent.".to_owned(),
        JobState::Done => "See Deliveries for the results.".to_owned(),
        JobState::Cancelled => "Events already resent are still delivered, unless the endpoint was deleted.".to_owned(),
    }
}

#[component]
fn Progress(job: RecoveryJob, view: RenderContext, frame: Frame) -> impl IntoView {
    let (title, next) = (title(&job), next_step(&job));
    let may = frame.may(Permission::WriteDeliveries) && !job.state.is_final();
    view! {
        <div class="grid max-w-column gap-5">
            <header class="grid gap-1">
                <h1 class="text-verdict font-bold leading-row">{title}</h1>
                <p class="text-ink-2">{next}</p>
            </header>
            <progress class="job-progress h-4 w-full" aria-label="Events resent" max=job.total value=job.done.min(job.total)></progress>
            {failed(&job, &view)}
            {(job.done > 0).then(|| view! { <p><a href=list(&job, &view)>"View deliveries"</a></p> })}
            {may.then(|| view! { <Controls job=job.clone() acct=view.acct.clone()/> })}
            <JobFacts job=job view=view/>
        </div>
    }
    .into_html()
}

/// The delivery list, filtered by endpoint and time range.
fn list(job: &RecoveryJob, view: &RenderContext) -> String {
    view.path("deliveries") + &within(job).to_query()
}

fn within(job: &RecoveryJob) -> DeliveryFilter {
    DeliveryFilter {
        kinds: job.wanted.kinds.clone(),
        endpoint: Some(job.endpoint_id.clone()),
        from: Some(job.wanted.from),
        to: Some(job.wanted.to),
        test: Some(false),
        ..DeliveryFilter::default()
    }
}

/// Events that failed again, with a link to them.
fn failed(job: &RecoveryJob, view: &RenderContext) -> Option<impl IntoView + use<>> {
    let filter = DeliveryFilter { statuses: vec![Status::Failed, Status::Expired], ..within(job) };
    let href = view.path("deliveries") + &filter.to_query();
    let text = if job.failed == 1 {
        "1 event failed again.".to_owned()
    } else {
        format!("{} events failed again.", grouped(job.failed))
    };
    (job.failed > 0).then(|| view! { <p class="text-failed"><span aria-hidden="true">"▲ "</span>{text}" "<a href=href>"View failures"</a></p> })
}

/// Buttons to pause or resume, and to cancel.
#[component]
fn Controls(job: RecoveryJob, acct: String) -> impl IntoView {
    let (turn, verb) = if job.state == JobState::Paused { ("resume", "Resume") } else { ("pause", "Pause") };
    view! {
        <form method="post" action=ControlJob::PATH class="flex flex-wrap gap-2">
            <input type="hidden" name="acct" value=acct/>
            <input type="hidden" name="job" value=job.id.to_string()/>
            <Button name="turn" value=turn>{verb}</Button>
            <Button weight=Weight::Danger name="turn" value="cancel">"Cancel job"</Button>
        </form>
    }
}

#[component]
fn JobFacts(job: RecoveryJob, view: RenderContext) -> impl IntoView {
    let kinds = job.wanted.kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
    let who = job.who.clone().map(|who| format!("by {who}"));
    let started = view! { <TimeText at=job.created_at form=TimeForm::Full view=view.clone()/> };
    let finished = job.finished_at.map(|at| {
        let at = view! { <TimeText at=at form=TimeForm::Full view=view.clone()/> };
        view! { <KeyValue name="Finished">{at}</KeyValue> }
    });
    let what = format!("{} from {}", events(job.total, job.wanted.which), span(&job.wanted, &view.zone));
    let [done, left, failed] = [job.done, job.left(), job.failed].map(grouped);
    let (rate, id) = (job.wanted.rate_per_s, job.id.to_string());
    view! {
        <Facts>
            <KeyValue name="Selection">{what}</KeyValue>
            <KeyValue name="Events">{kinds}</KeyValue>
            <KeyValue name="Resent">{done}</KeyValue>
            <KeyValue name="Left">{left}</KeyValue>
            <KeyValue name="Failed again">{failed}</KeyValue>
            <KeyValue name="Rate">"Up to "{rate}" per second"</KeyValue>
            <KeyValue name="Started">{started} {who}</KeyValue>
            {finished}
            <KeyValue name="Job ID"><IdText id=id what="job ID"/></KeyValue>
        </Facts>
    }
    .into_html()
}
