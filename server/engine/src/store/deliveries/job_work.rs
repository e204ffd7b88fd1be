//! What a step of a job finds, and what it does to it.

use domain::{
    UnixMs,
    filter::DeliveryFilter,
    id::{AccountId, EndpointId},
    recover::{JobSelection, RecoveryJob},
};

use crate::store::{
    db::{Db, Tx},
    deliveries::{
        bulk_work::{self, Bulk},
        recovery_work::{self, Found, Search},
    },
    error::StoreResult,
};

/// A job's work.
enum Work<'a> {
    Recovery(Search<'a>),
    Bulk(Bulk<'a>),
}

fn work<'a>(account: &'a AccountId, job: &'a RecoveryJob) -> Option<Work<'a>> {
    let began = job.created_at;
    let bulk = |selection| Work::Bulk(Bulk { account, action: job.action, selection, began });
    Some(match (&job.selection, &job.endpoint_id) {
        (JobSelection::Missed(wanted), Some(endpoint)) => Work::Recovery(Search { account, endpoint, wanted, began }),
        (JobSelection::Waiting, Some(endpoint)) => bulk(bulk_work::Selection::Matching(of_endpoint(endpoint))),
        (JobSelection::Missed(_) | JobSelection::Waiting, None) => return None,
        (JobSelection::Matching(query), _) => bulk(bulk_work::Selection::Matching(DeliveryFilter::parse(query))),
        (JobSelection::Listed(ids), _) => bulk(bulk_work::Selection::Listed(ids)),
    })
}

/// The filter of everything that goes to an endpoint.
#[must_use]
pub fn of_endpoint(endpoint: &EndpointId) -> DeliveryFilter {
    DeliveryFilter { endpoint: Some(endpoint.clone()), ..DeliveryFilter::default() }
}

/// The position before all events of a job.
#[must_use]
pub fn first_position(job: &RecoveryJob) -> String {
    job.missed().map_or_else(String::new, recovery_work::first_position)
}

/// The next events of a job after a position, oldest first.
///
/// # Errors
/// When the database cannot be used.
pub async fn find(db: &Db, account: &AccountId, job: &RecoveryJob, after: &str, limit: u32) -> StoreResult<Vec<Found>> {
    match work(account, job) {
        Some(Work::Recovery(search)) => recovery_work::find(db, search, after, limit).await,
        Some(Work::Bulk(bulk)) => bulk_work::find(db, &bulk, after, limit).await,
        None => Ok(Vec::new()),
    }
}

/// Does the job's work to these events. Returns how many still needed it.
///
/// # Errors
/// When the database cannot be used.
pub async fn apply(
    tx: &mut Tx,
    account: &AccountId,
    job: &RecoveryJob,
    found: &[Found],
    now: UnixMs,
) -> StoreResult<usize> {
    match work(account, job) {
        _ if found.is_empty() => Ok(0),
        Some(Work::Recovery(search)) => recovery_work::put_back(tx, search, &job.id, found, now).await,
        Some(Work::Bulk(bulk)) => bulk_work::apply(tx, &bulk, &job.id, found, now).await,
        None => Ok(0),
    }
}
