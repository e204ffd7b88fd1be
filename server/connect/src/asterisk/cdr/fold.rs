//! The rows of one call to one record.

use std::collections::BTreeSet;

use domain::time::{MINUTE_MS, SECOND_MS, UnixMs};

use super::row::{Disposition, Row};
use crate::call::{CallRecord, Cause, DialStatus, RecordEnd, began_s, number};

/// All time zones are a multiple of this from UTC.
const ZONE_STEP_MS: i64 = 15 * MINUTE_MS;
/// A Local channel may lead to another; this many are followed.
const LOCAL_MAX: usize = 8;
/// Cause of congestion (ITU-T Q.850: no circuit available).
const CONGESTION: Cause = 34;

pub(crate) fn fold(mut rows: Vec<Row>) -> Option<CallRecord> {
    rows.sort_by_key(|row| row.sequence);
    let root = rows.iter().find(|row| row.is_root()).or_else(|| rows.first())?;
    let zone_ms = zone_ms(root);
    let ended_at = rows.iter().map(|row| row.end).max()?.plus_ms(-zone_ms);
    let reached = rows.iter().filter(|row| row.is_root()).filter_map(|row| real_peer(&rows, row));
    let peers: BTreeSet<String> = reached.map(str::to_owned).collect();
    Some(CallRecord {
        linked_id: root.linked_id.clone(),
        began_at: root.start.plus_ms(-zone_ms),
        ended_at,
        channel: root.channel.clone(),
        peers: peers.into_iter().collect(),
        caller: root.caller.clone(),
        dialled: root.dialled.clone(),
        context: root.context.clone(),
        end: end(&rows),
    })
}

/// How far the times are from UTC: the ID of the first channel has the second of its start.
fn zone_ms(root: &Row) -> i64 {
    let began = began_s(&root.unique_id).map_or(root.start, |seconds| UnixMs(seconds.saturating_mul(SECOND_MS)));
    let difference_ms = root.start.since_ms(began);
    (difference_ms + ZONE_STEP_MS / 2).div_euclid(ZONE_STEP_MS) * ZONE_STEP_MS
}

fn end(rows: &[Row]) -> RecordEnd {
    let own = || rows.iter().filter(|row| row.is_root());
    let talks: Vec<(&Row, &str)> = own()
        .filter(|row| row.disposition == Disposition::Answered)
        .filter_map(|row| real_peer(rows, row).map(|peer| (row, peer)))
        .collect();
    if let Some((row, peer)) = talks.last() {
        let talk_s = talks.iter().map(|(row, _)| row.talk_s).sum();
        return RecordEnd::Answered { talk_s, peer: (*peer).to_owned(), number: number_called(row, peer) };
    }
    if let Some(row) = rows.iter().find(|row| row.application == "VoiceMail") {
        let mailbox = row.arguments.split([',', '&']).next().unwrap_or_default().to_owned();
        return RecordEnd::Voicemail { mailbox, message_s: row.talk_s };
    }
    let is_refused = rows.iter().all(|row| row.peer.is_empty() && row.disposition == Disposition::NoAnswer);
    if is_refused {
        // Nothing rang, and nothing answered.
        return RecordEnd::Unanswered(DialStatus::Failed, None);
    }
    if gave_up(rows) {
        return RecordEnd::Unanswered(DialStatus::Cancelled, None);
    }
    let (status, cause) = own()
        .map(unanswered)
        .max_by_key(|(_, _, rank)| *rank)
        .map_or((DialStatus::Failed, None), |(status, cause, _)| (status, cause));
    RecordEnd::Unanswered(status, cause)
}

/// The number that a row called, if it called nothing else.
fn number_called(row: &Row, peer: &str) -> Option<String> {
    let dialled =
        row.arguments.split(',').next().filter(|dialled| row.application == "Dial" && !dialled.contains('&'))?;
    let endpoint = peer.rsplit_once('-')?.0.split_once('/')?.1;
    let (_, to) = dialled.split_once('@')?;
    (to == endpoint).then(|| number::dialled(dialled)).filter(|number| !number.is_empty())
}

/// Whether the caller hung up: the application that phones rang in had time left, and the dialplan did not continue after it. An
/// application that talks to the caller, such as a menu, was still running.
fn gave_up(rows: &[Row]) -> bool {
    let own: Vec<&Row> = rows.iter().filter(|row| row.is_root()).collect();
    let Some(last) = own.last() else { return false };
    let began = own.iter().map(|row| row.start).min().unwrap_or(last.start);
    let rang_s = last.end.since_ms(began) / SECOND_MS;
    let limit_at = match last.application.as_str() {
        "Dial" => 1,
        "Queue" => 4,
        // Ended by the dialplan.
        "Hangup" | "Congestion" | "Busy" | "" => return false,
        _ => return last.disposition == Disposition::Answered && last.peer.is_empty(),
    };
    let limit_s = last.arguments.split(',').nth(limit_at).and_then(|limit| limit.trim().parse::<i64>().ok());
    let rang = own.iter().all(|row| row.disposition == Disposition::NoAnswer && !row.peer.is_empty());
    rang && limit_s.is_none_or(|limit_s| rang_s < limit_s)
}

/// A row without talk; the more it says, the higher its rank. A queue or a menu answers without talk.
fn unanswered(row: &Row) -> (DialStatus, Option<Cause>, u8) {
    match row.disposition {
        Disposition::Answered | Disposition::NoAnswer => (DialStatus::NotAnswered, None, 3),
        Disposition::Busy => (DialStatus::Busy, None, 2),
        Disposition::Congestion => (DialStatus::Failed, Some(CONGESTION), 1),
        Disposition::Failed => (DialStatus::Failed, None, 0),
    }
}

/// The channel that a row reached. A Local channel leads to the row of its other half; if the row was answered, that one, too.
fn real_peer<'a>(rows: &'a [Row], row: &'a Row) -> Option<&'a str> {
    let mut here = row;
    for _ in 0..LOCAL_MAX {
        let Some(local) = here.peer.strip_prefix("Local/").and_then(|name| name.strip_suffix(";1")) else { break };
        let half = format!("Local/{local};2");
        let mut halves = rows.iter().filter(|row| row.channel == half);
        here = halves.find(|half| half.disposition == row.disposition)?;
    }
    Some(here.peer.as_str()).filter(|peer| !peer.is_empty() && !peer.starts_with("Local/"))
}
