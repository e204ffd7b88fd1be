//! What became of the accepted events.

use std::{collections::HashMap, io::Write as _, time::Duration};

use engine::clock::{sleep_ms, stopwatch};
use sqlx::Connection as _;
use tokio::time::Instant;

use super::{
    load::{Accepted, Posted},
    receivers::{Arrival, Receiver},
};

/// What there is to read after a run.
pub(super) struct Run<'a> {
    pub posted: &'a Posted,
    pub receivers: &'a [Receiver],
    pub direct: &'a str,
    /// When each fault was over, and the events of its calls had been accepted.
    pub over: &'a [Instant],
}

/// The counts of one fault.
#[derive(Debug, Default, Clone)]
pub(super) struct Counts {
    pub accepted: usize,
    pub refused: usize,
    pub lost: usize,
    pub repeated: usize,
    pub out_of_order: usize,
    /// Call-start events that ended as superseded or too late, which their pages say.
    pub expired: usize,
    /// From then until the last of its events had arrived.
    pub recovery: Duration,
}

/// The counts of all faults.
pub(super) struct Report {
    phases: Vec<Counts>,
    /// Deliveries that have not ended, each with what is known of it.
    pub stuck: Vec<String>,
    /// Responses that were neither acceptance nor 503 nor a broken connection.
    pub refused_otherwise: Vec<u16>,
}

type Ended = HashMap<(String, String), (String, Option<String>)>;

impl Run<'_> {
    /// Waits until all deliveries have ended, at most this long, and counts.
    pub(super) async fn report(&self, drain: Duration) -> Report {
        let mut database = sqlx::PgConnection::connect(self.direct).await.unwrap();
        let began = stopwatch();
        let mut stuck = open(&mut database).await;
        while !stuck.is_empty() && began.elapsed() < drain {
            sleep_ms(500).await;
            stuck = open(&mut database).await;
        }
        // Time for late repeats to arrive.
        sleep_ms(2_000).await;
        let ended = ended(&mut database).await;
        let mut phases = vec![Counts::default(); self.over.len()];
        let accepted = self.posted.accepted.lock().unwrap().clone();
        accepted.iter().for_each(|event| phases[event.phase].accepted += 1);
        let refused = self.posted.refused.lock().unwrap().clone();
        refused.iter().for_each(|(phase, _)| phases[*phase].refused += 1);
        for receiver in self.receivers {
            let arrivals = receiver.arrivals.lock().unwrap().clone();
            self.count(&accepted, &arrivals, &receiver.url, &ended, &mut phases);
        }
        let refused_otherwise = refused.into_iter().map(|(_, status)| status).filter(|s| !matches!(s, 0 | 503));
        Report { phases, stuck, refused_otherwise: refused_otherwise.collect() }
    }

    fn count(&self, accepted: &[Accepted], arrivals: &[Arrival], url: &str, ended: &Ended, phases: &mut [Counts]) {
        let mut first = HashMap::<&str, (usize, Instant)>::new();
        let mut delivered = HashMap::<&str, usize>::new();
        for (place, arrival) in arrivals.iter().enumerate() {
            first.entry(&arrival.event).or_insert((place, arrival.at));
            if arrival.ok {
                *delivered.entry(&arrival.event).or_default() += 1;
            }
        }
        let mut latest = HashMap::<usize, (usize, usize)>::new();
        for event in accepted {
            let counts = &mut phases[event.phase];
            counts.repeated += delivered.get(event.id.as_str()).map_or(0, |times| times - 1);
            let state = ended.get(&(url.to_owned(), event.id.clone()));
            match (first.get(event.id.as_str()), state) {
                (_, Some((state, reason))) if state == "expired" => {
                    counts.expired += usize::from(matches!(reason.as_deref(), Some("superseded" | "too_late")));
                }
                (Some((_, at)), Some((state, _))) if state == "delivered" => {
                    counts.recovery = counts.recovery.max(at.duration_since(self.over[event.phase]));
                }
                _ => counts.lost += 1,
            }
            // Accepted in order within a call: each must arrive first after those before it.
            if let Some((place, _)) = first.get(event.id.as_str()) {
                let (ordinal, before) = latest.entry(event.call).or_insert((event.ordinal, *place));
                assert!(*ordinal <= event.ordinal, "a call is posted in order");
                counts.out_of_order += usize::from(*place < *before);
                (*ordinal, *before) = (event.ordinal, (*before).max(*place));
            }
        }
    }
}

/// The deliveries that have not ended.
async fn open(database: &mut sqlx::PgConnection) -> Vec<String> {
    let open = "SELECT event_id || ' ' || state || ', attempts ' || attempts || ', due ' || COALESCE(due_ms, 0) || ', leased by ' \
                || COALESCE(lease_owner, 'none') || ', order ' || COALESCE(order_given_up, 'kept') FROM deliveries \
                WHERE state IN ('queued', 'retrying') ORDER BY event_id LIMIT 1000";
    sqlx::query_scalar(open).fetch_all(database).await.unwrap()
}

/// State and reason of each delivery, by its endpoint's URL and its event.
async fn ended(database: &mut sqlx::PgConnection) -> Ended {
    let all =
        "SELECT e.url, d.event_id, d.state, d.end_reason FROM deliveries d JOIN endpoints e ON e.id = d.endpoint_id";
    let rows: Vec<(String, String, String, Option<String>)> = sqlx::query_as(all).fetch_all(database).await.unwrap();
    rows.into_iter().map(|(url, event, state, reason)| ((url, event), (state, reason))).collect()
}

impl Report {
    /// Lost events of all faults.
    pub(super) fn lost(&self) -> usize {
        self.phases.iter().map(|counts| counts.lost).sum()
    }

    /// Events of all faults that arrived before an earlier one of their call.
    pub(super) fn out_of_order(&self) -> usize {
        self.phases.iter().map(|counts| counts.out_of_order).sum()
    }

    /// Prints a table in Markdown.
    pub(super) fn print(&self, labels: &[&str]) {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(
            out,
            "\n| fault | accepted | refused, then accepted | lost | repeated | out of order | expired | recovered after |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- |"
        );
        for (label, counts) in labels.iter().zip(&self.phases) {
            let Counts { accepted, refused, lost, repeated, out_of_order, expired, recovery } = counts;
            let recovery_s = recovery.as_secs_f64();
            let _ = writeln!(
                out,
                "| {label} | {accepted} | {refused} | {lost} | {repeated} | {out_of_order} | {expired} | {recovery_s:.1} s |"
            );
        }
        let _ = writeln!(out, "\nStuck: {}. {}\n", self.stuck.len(), self.stuck.join("; "));
    }
}
