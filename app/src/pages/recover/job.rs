//! The progress and the results of a job. It keeps running when the page is closed.

use domain::{
    actor::Permission,
    filter::DeliveryFilter,
    recover::{JobAction, JobSelection, JobState, RecoveryJob, about, estimate_ms},
};
use islands::live::Live;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::{events, results::Results, span};
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
    pages::{
        account_page,
        deliveries::facets::{Names, sentence},
    },
    visit::Frame,
};

/// `/a/:acct/jobs/:job`
#[component]
pub fn JobPage() -> impl IntoView {
    account_page(Part::Endpoints, async |route, frame| {
        let job = load_job(route.acct.clone(), route.param("job")).await?;
        let view = RenderContext::from(&frame);
        let (back, from) = match &job.endpoint_id {
            Some(endpoint) => (links::endpoint(&view.acct, endpoint.as_str(), ""), job.endpoint_name.clone()),
            None => (view.path("deliveries"), "Deliveries".to_owned()),
        };
        let version = format!("{}-{}-{}-{:?}", job.state.as_str(), job.held, job.done, job.results);
        let title = format!("{} · {from}", title(&job));
        let (ended, feed) = (job.is_settled(), view.path("deliveries/live"));
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
pub(in crate::pages) fn title(job: &RecoveryJob) -> String {
    let (done, total) = (grouped(job.done), grouped(job.total));
    let events = if job.total == 1 { "event" } else { "events" };
    let (verb, past) = match job.action {
        JobAction::Retry => ("retry", "retried"),
        JobAction::Recover | JobAction::Resend => ("resend", "resent"),
    };
    match job.state {
        JobState::Queued | JobState::Running if job.held => format!("Waiting at {done} of {total} {events}"),
        JobState::Queued => format!("About to {verb} {total} {events}"),
        JobState::Running => format!("{done} of {total} {events} {past}"),
        JobState::Paused => format!("Paused at {done} of {total} {events}"),
        JobState::Done if job.results.delivered == job.total && job.total == 1 => "Done: 1 event delivered".to_owned(),
        JobState::Done if job.results.delivered == job.total => format!("Done: all {total} events delivered"),
        JobState::Done if job.is_settled() => {
            format!("Done: {} of {total} {events} delivered", grouped(job.results.delivered))
        }
        JobState::Done => {
            format!("{done} of {total} {events} {past}, {} delivered so far", grouped(job.results.delivered))
        }
        JobState::Cancelled => format!("Cancelled after {done} of {total} {events}"),
    }
}

/// What happens next, or what the result was.
fn next_step(job: &RecoveryJob) -> String {
    let left = estimate_ms(job.left(), job.rate_per_s);
    let rate = job.rate_per_s;
    match job.state {
        JobState::Queued | JobState::Running if job.held => {
            "The endpoint is paused or disabled, so nothing is sent. The job continues when you resume it.".to_owned()
        }
        JobState::Queued | JobState::Running => {
            format!("{} left, {} at {rate} per second.", grouped(job.left()), about(left))
        }
        JobState::Paused => format!("{} left. Nothing more is sent until you resume the job.", grouped(job.left())),
        JobState::Done if job.done < job.total => "The other events no longer needed it.".to_owned(),
        JobState::Done if job.results.retrying > 0 => {
            "Events that failed again are retried on their usual schedule.".to_owned()
        }
        JobState::Done if job.results.waiting > 0 => "The last events are being sent.".to_owned(),
        JobState::Done => "Every event has its final result.".to_owned(),
        JobState::Cancelled => "Events already queued are still sent, unless the endpoint was deleted.".to_owned(),
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
            <progress class="job-progress h-4 w-full" aria-label="Events sent" max=job.total value=job.done.min(job.total)></progress>
            {(job.done > 0).then(|| view! { <Results job=job.clone() view=view.clone()/> })}
            {may.then(|| view! { <Controls job=job.clone() acct=view.acct.clone()/> })}
            <JobFacts job=job view=view/>
        </div>
    }
    .into_html()
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
    let who = job.who.clone().map(|who| format!("by {who}"));
    let started = view! { <TimeText at=job.created_at form=TimeForm::Full view=view.clone()/> };
    let finished = job.finished_at.map(|at| {
        let at = view! { <TimeText at=at form=TimeForm::Full view=view.clone()/> };
        view! { <KeyValue name="Finished">{at}</KeyValue> }
    });
    let what = what(&job, &view);
    let (rate, id) = (job.rate_per_s, job.id.to_string());
    view! {
        <Facts>
            <KeyValue name="Selection">{what}</KeyValue>
            <KeyValue name="Rate">"Up to "{rate}" per second"</KeyValue>
            <KeyValue name="Started">{started} {who}</KeyValue>
            {finished}
            <KeyValue name="Job ID"><IdText id=id what="job ID"/></KeyValue>
        </Facts>
    }
    .into_html()
}

/// What the job works on, in words.
fn what(job: &RecoveryJob, view: &RenderContext) -> String {
    let deliveries = if job.total == 1 { "delivery" } else { "deliveries" };
    let total = grouped(job.total);
    match &job.selection {
        JobSelection::Missed(wanted) => {
            let kinds = wanted.kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
            format!("{} from {}: {kinds}", events(job.total, wanted.which), span(wanted, &view.zone))
        }
        JobSelection::Waiting => format!("Everything that waited for {}: {total} {deliveries}", job.endpoint_name),
        JobSelection::Matching(query) => {
            let filter = DeliveryFilter::parse(query);
            let words = sentence(&filter, &Names { endpoints: Vec::new(), zone: view.zone.clone() });
            if words.is_empty() {
                format!("{total} {deliveries}")
            } else {
                format!("{total} {deliveries} with {words}")
            }
        }
        JobSelection::Listed(_) => format!("{total} selected {deliveries}"),
    }
}

#[cfg(test)]
mod tests {
    use domain::{UnixMs, id::JobId, recover::JobResults};

    use super::*;

    fn job(action: JobAction, state: JobState, results: JobResults) -> RecoveryJob {
        RecoveryJob {
            id: JobId::new(UnixMs(0), 1),
            action,
            endpoint_id: None,
            endpoint_name: String::new(),
            selection: JobSelection::Waiting,
            rate_per_s: 50,
            state,
            held: false,
            total: 86,
            done: 86,
            results,
            who: None,
            created_at: UnixMs(0),
            finished_at: None,
        }
    }

    #[test]
    fn a_finished_job_says_what_became_of_its_events() {
        let all = JobResults { delivered: 86, ..JobResults::default() };
        assert_eq!(title(&job(JobAction::Retry, JobState::Done, all)), "Done: all 86 events delivered");
        let some = JobResults { delivered: 84, failed: 2, ..JobResults::default() };
        assert_eq!(title(&job(JobAction::Recover, JobState::Done, some)), "Done: 84 of 86 events delivered");
        let open = JobResults { delivered: 80, retrying: 6, ..JobResults::default() };
        let open = job(JobAction::Retry, JobState::Done, open);
        assert_eq!(title(&open), "86 of 86 events retried, 80 delivered so far");
        assert_eq!(next_step(&open), "Events that failed again are retried on their usual schedule.");
    }

    #[test]
    fn a_job_of_a_paused_endpoint_says_why_it_waits() {
        let waits =
            RecoveryJob { held: true, done: 12, ..job(JobAction::Retry, JobState::Running, JobResults::default()) };
        assert_eq!(title(&waits), "Waiting at 12 of 86 events");
        assert!(next_step(&waits).contains("when you resume it"));
    }
}
