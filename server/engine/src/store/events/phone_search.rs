//! Searches by phone number: in the index up to its watermark, and by reading the rows after it.

use std::collections::HashMap;

use domain::{
    country::Country,
    id::{AccountId, DeliveryId},
};
use serde::Serialize;

use crate::store::{
    conditions::{Bind, Conditions},
    db::{Db, Dialect, Pool, on},
    error::StoreResult,
    events::asked_number::{AskedNumber, TypedNumber},
    sql::{BindRows as _, Sql, json_list, list},
};

const ACCOUNTS: &str = "SELECT id, country FROM accounts";
/// Probes each account separately, and stops at its first match.
static INDEXED: Sql = Sql::new(
    "SELECT r.account_id FROM {rows r: account_id text, number bigint} WHERE EXISTS ( \
       SELECT 1 FROM called_numbers n CROSS JOIN deliveries d WHERE n.number = r.number AND n.place >= $2 \
       AND d.id = n.place AND d.account_id = r.account_id) \
     OR EXISTS ( \
       SELECT 1 FROM called_numbers n CROSS JOIN events ev WHERE n.number = r.number AND n.place >= $1 AND n.place < 'dlv_' \
       AND ev.account_id = r.account_id AND ev.position = n.place)",
);
const NOT_INDEXED: &str = "SELECT d.id AS place, d.account_id, d.caller, d.callee FROM deliveries d WHERE d.id >= $2 \
     AND d.id > (SELECT place FROM numbers_followed WHERE what = 'deliveries') AND d.id > $3 \
     UNION ALL SELECT ev.position, ev.account_id, ev.caller, ev.callee FROM events ev WHERE ev.deliveries = 0 \
     AND ev.position >= $1 AND ev.position > $3 \
     AND ev.position > (SELECT place FROM numbers_followed WHERE what = 'unsent') ORDER BY 1 LIMIT $4";
/// Rows that are read at a time.
const STEP_ROWS: u32 = 5_000;

/// A number that is searched for in an account, with what is not indexed yet.
pub struct NumberSearch {
    /// The number.
    pub asked: AskedNumber,
    /// The newest deliveries with it that are not indexed.
    pub recent: Vec<String>,
    /// The positions of the newest events without deliveries, likewise.
    pub recent_unsent: Vec<String>,
}

/// The condition that finds the newest deliveries with this number, or of the event with this id, that meet all conditions
/// and `rest`. Each subquery scans in list order and stops when it has enough.
pub(in crate::store) fn found(
    conditions: &mut Conditions,
    (dialect, account): (Dialect, &AccountId),
    search: &NumberSearch,
    rest: Option<&str>,
    limit: u32,
) -> String {
    let rest = rest.map(|rest| format!(" AND ({rest})")).unwrap_or_default();
    let matches = format!("e.id = d.endpoint_id AND {}{rest}", conditions.sql);
    let event = conditions.bind(Bind::Text(search.asked.text.clone()));
    let mut arms = vec![format!(
        "SELECT d.id FROM deliveries dd CROSS JOIN deliveries d CROSS JOIN endpoints e \
         WHERE dd.account_id = $1 AND dd.event_id = {event} AND d.id = dd.id AND {matches}"
    )];
    if !search.recent.is_empty() {
        let recent = conditions.bind(Bind::Text(json_list(search.recent.iter().map(String::as_str))));
        arms.push(format!(
            "SELECT d.id FROM deliveries d CROSS JOIN endpoints e WHERE d.id IN {} AND {matches} \
             ORDER BY d.id DESC LIMIT {limit}",
            list(&recent, dialect)
        ));
    }
    for hash in search.asked.hashes(account) {
        let number = conditions.bind(Bind::Number(hash));
        arms.push(format!(
            "SELECT d.id FROM called_numbers n CROSS JOIN deliveries d CROSS JOIN endpoints e \
             WHERE n.number = {number} AND n.place > 'dlv_'{} AND d.id = n.place AND {matches} \
             ORDER BY n.place DESC LIMIT {limit}",
            conditions.places
        ));
    }
    let arms = arms.iter().enumerate().map(|(at, arm)| format!("SELECT id FROM ({arm}) AS arm{at}"));
    format!("d.id IN ({})", arms.collect::<Vec<_>>().join(" UNION ALL "))
}

/// The accounts in which this number called or was called since a position.
///
/// Rows after the watermark are searched first: if the watermark advances in between, a row is found twice rather than
/// never.
pub(in crate::store) async fn accounts(db: &Db, typed: &TypedNumber, since: &str) -> StoreResult<Vec<String>> {
    #[derive(Serialize)]
    struct Probe<'a> {
        account_id: &'a str,
        number: i64,
    }
    let since_id = format!("{}{since}", DeliveryId::PREFIX);
    let rows: Vec<(String, Option<String>)> = on!(&db.readers, c => sqlx::query_as(ACCOUNTS).fetch_all(c).await?);
    // The country decides what to look for: once for each, not for each account.
    let mut by_country: HashMap<Option<Country>, AskedNumber> = HashMap::new();
    let mut asked: HashMap<AccountId, AskedNumber> = HashMap::new();
    for (id, country) in rows {
        let Ok(id) = AccountId::parse(&id) else { continue };
        let country = country.as_deref().and_then(Country::parse);
        let number = by_country.entry(country).or_insert_with(|| typed.in_country(country));
        asked.insert(id, number.clone());
    }
    let mut found = not_indexed(db, &asked, (since, &since_id)).await?;
    let probes: Vec<Probe<'_>> = asked
        .iter()
        .flat_map(|(id, number)| number.hashes(id).into_iter().map(|number| Probe { account_id: id.as_str(), number }))
        .collect();
    for part in INDEXED.parts(db.dialect, &probes) {
        let (sql, rows) = part?;
        let indexed: Vec<String> = match &db.readers {
            Pool::Sqlite(c) => sqlx::query_scalar(sql).rows(rows).bind(since).bind(&since_id).fetch_all(c).await?,
            Pool::Postgres(c) => sqlx::query_scalar(sql).rows(rows).bind(since).bind(&since_id).fetch_all(c).await?,
        };
        found.extend(indexed);
    }
    Ok(found)
}

async fn not_indexed(
    db: &Db,
    asked: &HashMap<AccountId, AskedNumber>,
    (since, since_id): (&str, &str),
) -> StoreResult<Vec<String>> {
    let (mut found, mut from) = (Vec::new(), String::new());
    loop {
        let rows: Vec<(String, String, String, String)> = on!(&db.readers, c => sqlx::query_as(NOT_INDEXED)
            .bind(since).bind(since_id).bind(&from).bind(i64::from(STEP_ROWS)).fetch_all(c).await?);
        let Some((last, ..)) = rows.last() else { return Ok(found) };
        from.clone_from(last);
        for (_, account, caller, callee) in rows {
            let id = AccountId::parse(&account).ok();
            if id.and_then(|id| asked.get(&id)).is_some_and(|number| number.is_in(&caller, &callee)) {
                found.push(account);
            }
        }
    }
}
