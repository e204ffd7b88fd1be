//! Which calls a list may show, newest first: each filter walks the index that has its calls in order.
//!
//! A candidate is a call at a place. Places are positions of events and ids of deliveries without their prefix, which begin with
//! the time alike. A call may be met at several places; whoever loads it decides which of them is its own ([`Found::place`]).

use domain::{
    call::Outcome,
    id::{AccountId, DeliveryId},
};
use sqlx::AssertSqlSafe;

use crate::store::{
    conditions::{Bind, Conditions, bound},
    db::{Db, on},
    error::StoreResult,
    events::{call_rows::LoadedCall, phone_search::NumberSearch},
    sql::{json_list, list},
};

/// Before every delivery's id, after every position.
const DELIVERIES: &str = DeliveryId::PREFIX;
/// A call is listed where it began. `COUNT` is computed for each row, by the index of the call, on both databases; `NOT EXISTS`
/// could become a join with all events. The position is concatenated, so that no index of positions is used instead.
const FIRST_EVENTS: &str = "SELECT ev.position AS place, ev.call_id FROM events ev WHERE ev.account_id = $1 AND ev.position < $2 \
    AND (SELECT COUNT(*) FROM events b WHERE b.account_id = ev.account_id AND b.call_id = ev.call_id \
    AND '' || b.position < ev.position) = 0";

/// What a list of calls walks.
pub enum Walk {
    /// All calls, by their first event.
    All,
    /// Calls with a number, by the newest delivery or unsent event with it.
    Number(NumberSearch),
    /// Calls with deliveries in these stored states, by the newest of them.
    States(&'static [&'static str]),
}

impl Walk {
    /// What finds the calls of an outcome fastest.
    #[must_use]
    pub const fn by(outcome: Option<Outcome>) -> Self {
        match outcome {
            Some(Outcome::Failed) => Self::States(&["failed", "expired"]),
            Some(Outcome::Waiting) => Self::States(&["queued", "retrying"]),
            _ => Self::All,
        }
    }

    /// The place of a call in this walk; `None` if the walk should not have met it.
    #[must_use]
    pub fn place(&self, call: &LoadedCall) -> Option<String> {
        match self {
            Self::All => call.positions.first().cloned(),
            Self::States(states) => call
                .deliveries
                .iter()
                .filter(|delivery| states.contains(&delivery.state.as_str()))
                .map(|delivery| without_prefix(&delivery.id))
                .max(),
            Self::Number(search) => call
                .events
                .iter()
                .zip(&call.positions)
                .filter(|(event, _)| search.asked.is_in(&event.caller, &event.callee))
                .filter_map(|(event, position)| {
                    let of_event = call.deliveries.iter().filter(|delivery| delivery.event_id == event.id.as_str());
                    let newest = of_event.map(|delivery| without_prefix(&delivery.id)).max();
                    newest.or_else(|| (event.deliveries == 0).then(|| position.clone()))
                })
                .max(),
        }
    }
}

fn without_prefix(id: &str) -> String {
    id.strip_prefix(DeliveryId::PREFIX).unwrap_or(id).to_owned()
}

/// A call at a place.
#[derive(Debug, Clone, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Found {
    /// Where the walk met it.
    pub place: String,
    /// The call.
    pub call_id: String,
}

/// The next candidates before a place, newest first.
pub async fn next(db: &Db, account: &AccountId, walk: &Walk, before: &str, limit: u32) -> StoreResult<Vec<Found>> {
    let mut conditions = Conditions::of(account.as_str(), "ev.account_id");
    let place = conditions.bind(Bind::Text(before.to_owned()));
    let sql = match walk {
        Walk::All => format!("{FIRST_EVENTS} ORDER BY ev.position DESC LIMIT {limit}"),
        Walk::States(states) => newest(states.iter().map(|state| of_state(state, limit)), limit),
        Walk::Number(search) => {
            let mut arms: Vec<String> = Vec::new();
            for hash in search.asked.hashes(account) {
                let number = conditions.bind(Bind::Number(hash));
                arms.push(indexed_deliveries(&number, &place, limit));
                arms.push(indexed_unsent(&number, &place, limit));
            }
            for (recent, arm) in [(&search.recent, Arm::Deliveries), (&search.recent_unsent, Arm::Unsent)] {
                if !recent.is_empty() {
                    let ids = conditions.bind(Bind::Text(json_list(recent.iter().map(String::as_str))));
                    arms.push(arm.among(&list(&ids, db.dialect), limit));
                }
            }
            newest(arms.into_iter(), limit)
        }
    };
    Ok(on!(&db.readers, c => bound!(sqlx::query_as(AssertSqlSafe(sql)), conditions.binds).fetch_all(c).await?))
}

/// What is not indexed yet.
enum Arm {
    Deliveries,
    Unsent,
}

impl Arm {
    fn among(&self, places: &str, limit: u32) -> String {
        let rows = match self {
            Self::Deliveries => format!(
                "SELECT SUBSTR(d.id, 5) AS place, d.call_id FROM deliveries d WHERE d.account_id = $1 AND d.id IN {places} \
                 AND d.id < '{DELIVERIES}' || $2 ORDER BY d.id"
            ),
            Self::Unsent => format!(
                "SELECT ev.position AS place, ev.call_id FROM events ev WHERE ev.account_id = $1 AND ev.position IN {places} \
                 AND ev.position < $2 ORDER BY ev.position"
            ),
        };
        format!("{rows} DESC LIMIT {limit}")
    }
}

fn newest(arms: impl Iterator<Item = String>, limit: u32) -> String {
    let arms = arms.enumerate().map(|(at, arm)| format!("SELECT place, call_id FROM ({arm}) AS arm{at}"));
    format!("{} ORDER BY place DESC LIMIT {limit}", arms.collect::<Vec<_>>().join(" UNION ALL "))
}

/// Spelled out, so that SQLite sees that the partial index has these rows.
fn of_state(state: &str, limit: u32) -> String {
    format!(
        "SELECT SUBSTR(d.id, 5) AS place, d.call_id FROM deliveries d WHERE d.account_id = $1 AND d.state = '{state}' \
         AND d.state <> 'delivered' AND d.id < '{DELIVERIES}' || $2 ORDER BY d.id DESC LIMIT {limit}"
    )
}

fn indexed_deliveries(number: &str, place: &str, limit: u32) -> String {
    format!(
        "SELECT SUBSTR(d.id, 5) AS place, d.call_id FROM called_numbers n CROSS JOIN deliveries d WHERE n.number = {number} \
         AND n.place > '{DELIVERIES}' AND n.place < '{DELIVERIES}' || {place} AND d.id = n.place AND d.account_id = $1 \
         ORDER BY n.place DESC LIMIT {limit}"
    )
}

fn indexed_unsent(number: &str, place: &str, limit: u32) -> String {
    format!(
        "SELECT ev.position AS place, ev.call_id FROM called_numbers n CROSS JOIN events ev WHERE n.number = {number} \
         AND n.place < '{DELIVERIES}' AND n.place < {place} AND ev.account_id = $1 AND ev.position = n.place \
         ORDER BY n.place DESC LIMIT {limit}"
    )
}
