//! How far a recovery is. It goes on when nobody looks, so the page may be closed and opened again.

use domain::{
    actor::Permission,
    delivery::Status,
    filter::DeliveryFilter,
    recover::{Job, JobState, about, estimate_ms},
};
use islands::live::Live;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::{events, span};
use crate::html::IntoHtml;
use crate::{
    api::recover::{TurnJob, load_job},
    components::{
        button::{Button, Weight},
        count_text::grouped,
        heading::TabTitle,
        key_value::{Facts, IdText, KeyValue},
        live_region::{LiveRegion, Refresh},
        notices::Notices,
        rail::Part,
        time_text::{TimeForm, TimeText},
        viewpoint::Viewpoint,
    },
    links,
    pages::account_page,
    visit::Frame,
};

/// `/a/:acct/jobs/:job`
#[component]
pub fn JobPage() -> impl IntoView {
    account_page(Part::Endpoints, async |place, frame| {
        let job = load_job(place.acct.clone(), place.param("job")).await?;
        let view = Viewpoint::from(&frame);
        let back = links::endpoint(&view.acct, job.endpoint_id.as_str(), "");
        let version = format!("{}-{}-{}", job.state.as_str(), job.done, job.failed);
        let (title, from) = (format!("{} · Recover {}", said(&job), job.endpoint_name), job.endpoint_name.clone());
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

/// Where the job stands, in a few words.
pub(super) fn said(job: &Job) -> String {
    let (done, total) = (grouped(job.done), grouped(job.total));
    let events = if job.total == 1 { "event" } else { "events" };
    match job.state {
        JobState::Queued if job.total == 1 => "1 event is about to be resent".to_owned(),
        JobState::Queued => format!("{total} events are about to be resent"),
        JobState::Running => format!("{done} of {total} {events} resent"),
        JobState::Paused => format!("Paused at {done} of {total} {events}"),
        JobState::Done if job.done < job.total => format!("Done: {done} of {total} {events} resent"),
        JobState::Done if job.total == 1 => "Done: the event is resent".to_owned(),
        JobState::Done => format!("Done: all {total} events resent"),
        JobState::Cancelled => format!("Cancelled after {done} of {total} {events}"),
    }
}

/// What comes next, or what came of it.
fn then(job: &Job) -> String {
    let left = estimate_ms(job.left(), job.wanted.rate_per_s);
    let rate = job.wanted.rate_per_s;
    match job.state {
        JobState::Queued | JobState::Running => {
            format!("{} left, {} at {rate} per second.", grouped(job.left()), about(left))
        }
        JobState::Paused => format!("{} left. Nothing more is resent until you resume it.", grouped(job.left())),
        JobState::Done if job.done < job.total => "The others did not need it any more.".to_owned(),
        JobState::Done => "What your server takes stands in the list of deliveries.".to_owned(),
        JobState::Cancelled => "What was resent already still goes out, unless its endpoint was deleted.".to_owned(),
    }
}

#[component]
fn Progress(job: Job, view: Viewpoint, frame: Frame) -> impl IntoView {
    let (title, next) = (said(&job), then(&job));
    let may = frame.may(Permission::WriteDeliveries) && !job.state.is_final();
    view! {
        <div class="grid max-w-column gap-5">
            <header class="grid gap-1">
                <h1 class="text-verdict font-bold leading-row">{title}</h1>
                <p class="text-ink-2">{next}</p>
            </header>
            <progress class="job-progress h-4 w-full" aria-label="Events resent" max=job.total value=job.done.min(job.total)></progress>
            {failed(&job, &view)}
            {(job.done > 0).then(|| view! { <p><a href=list(&job, &view)>"See them in the list of deliveries"</a></p> })}
            {may.then(|| view! { <Turns job=job.clone() acct=view.acct.clone()/> })}
            <JobFacts job=job view=view/>
        </div>
    }
    .into_html()
}

/// Where its time and endpoint lead in the list of deliveries.
fn list(job: &Job, view: &Viewpoint) -> String {
    view.path("deliveries") + &within(job).to_query()
}

fn within(job: &Job) -> DeliveryFilter {
    DeliveryFilter {
        kinds: job.wanted.kinds.clone(),
        endpoint: Some(job.endpoint_id.clone()),
        from: Some(job.wanted.from),
        to: Some(job.wanted.to),
        test: Some(false),
        ..DeliveryFilter::default()
    }
}

/// What has failed once more, with the way to it.
fn failed(job: &Job, view: &Viewpoint) -> Option<impl IntoView + use<>> {
    let filter = DeliveryFilter { statuses: vec![Status::Failed, Status::Expired], ..within(job) };
    let href = view.path("deliveries") + &filter.to_query();
    let words = if job.failed == 1 {
        "1 has failed again.".to_owned()
    } else {
        format!("{} have failed again.", grouped(job.failed))
    };
    (job.failed > 0).then(|| view! { <p class="text-failed"><span aria-hidden="true">"▲ "</span>{words}" "<a href=href>"See why"</a></p> })
}

/// Pause or resume, and cancel.
#[component]
fn Turns(job: Job, acct: String) -> impl IntoView {
    let (turn, verb) = if job.state == JobState::Paused { ("resume", "Resume") } else { ("pause", "Pause") };
    view! {
        <form method="post" action=TurnJob::PATH class="flex flex-wrap gap-2">
            <input type="hidden" name="acct" value=acct/>
            <input type="hidden" name="job" value=job.id.to_string()/>
            <Button name="turn" value=turn>{verb}</Button>
            <Button weight=Weight::Danger name="turn" value="cancel">"Cancel job"</Button>
        </form>
    }
}

#[component]
fn JobFacts(job: Job, view: Viewpoint) -> impl IntoView {
    let kinds = job.wanted.kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
    let who = job.who.clone().map(|who| format!("by {who}"));
    let began = view! { <TimeText at=job.created_at form=TimeForm::Full view=view.clone()/> };
    let ended = job.finished_at.map(|at| {
        let at = view! { <TimeText at=at form=TimeForm::Full view=view.clone()/> };
        view! { <KeyValue name="Ended">{at}</KeyValue> }
    });
    let what = format!("{} from {}", events(job.total, job.wanted.which), span(&job.wanted, &view.zone));
    let [done, left, failed] = [job.done, job.left(), job.failed].map(grouped);
    let (rate, id) = (job.wanted.rate_per_s, job.id.to_string());
    view! {
        <Facts>
            <KeyValue name="What">{what}</KeyValue>
            <KeyValue name="Events">{kinds}</KeyValue>
            <KeyValue name="Resent">{done}</KeyValue>
            <KeyValue name="Left">{left}</KeyValue>
            <KeyValue name="Failed again">{failed}</KeyValue>
            <KeyValue name="Rate">"at most "{rate}" per second"</KeyValue>
            <KeyValue name="Began">{began} {who}</KeyValue>
            {ended}
            <KeyValue name="Job ID"><IdText id=id what="job id"/></KeyValue>
        </Facts>
    }
    .into_html()
}
