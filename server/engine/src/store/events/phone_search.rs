//! Searches by phone number: in the index up to its watermark, and by scanning the rows after it.

use domain::id::{AccountId, DeliveryId};
use serde::Serialize;

use crate::store::{
    conditions::{Bind, Conditions},
    db::{Db, Pool, on},
    error::StoreResult,
    events::phone_index,
    sql::{BindRows as _, Sql, json_list},
};

const ACCOUNTS: &str = "SELECT id FROM accounts";
/// Probes each account separately, and stops at its first match.
static INDEXED: Sql = Sql::new(
    "SELECT r.account_id FROM {rows r: account_id text, number bigint} WHERE EXISTS ( \
       SELECT 1 FROM called_numbers n CROSS JOIN deliveries d WHERE n.number = r.number AND n.place >= $3 \
       AND d.id = n.place AND d.account_id = r.account_id AND (d.caller IN {list $1} OR d.callee IN {list $1})) \
     OR EXISTS ( \
       SELECT 1 FROM called_numbers n CROSS JOIN events ev WHERE n.number = r.number AND n.place >= $2 AND n.place < 'dlv_' \
       AND ev.account_id = r.account_id AND ev.position = n.place \
       AND (ev.caller IN {list $1} OR ev.callee IN {list $1}))",
);
static NOT_INDEXED: Sql = Sql::new(
    "SELECT d.account_id FROM deliveries d WHERE d.id >= $3 \
     AND d.id > (SELECT place FROM numbers_followed WHERE what = 'deliveries') \
     AND (d.caller IN {list $1} OR d.callee IN {list $1}) \
     UNION SELECT ev.account_id FROM events ev WHERE ev.deliveries = 0 AND ev.position >= $2 \
     AND ev.position > (SELECT place FROM numbers_followed WHERE what = 'unsent') \
     AND (ev.caller IN {list $1} OR ev.callee IN {list $1})",
);

/// The condition that finds the newest deliveries with this number, or of the event with this id, that meet all conditions
/// and `rest`. Each subquery scans in list order and stops when it has enough.
pub(crate) fn found(
    conditions: &mut Conditions,
    account: &AccountId,
    (text, spellings): (&str, &[String]),
    rest: Option<&str>,
    limit: u32,
) -> String {
    let rest = rest.map(|rest| format!(" AND ({rest})")).unwrap_or_default();
    let matches = format!("e.id = d.endpoint_id AND {}{rest}", conditions.sql);
    let event = conditions.bind(Bind::Text(text.to_owned()));
    let mut arms = vec![
        format!(
            "SELECT d.id FROM deliveries dd CROSS JOIN deliveries d CROSS JOIN endpoints e \
             WHERE dd.account_id = $1 AND dd.event_id = {event} AND d.id = dd.id AND {matches}"
        ),
        format!(
            "SELECT d.id FROM deliveries d CROSS JOIN endpoints e \
             WHERE d.id > (SELECT place FROM numbers_followed WHERE what = 'deliveries') AND {matches} \
             ORDER BY d.id DESC LIMIT {limit}"
        ),
    ];
    for hash in phone_index::hashes(account, spellings) {
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

/// The accounts in which one of these numbers called or was called since a position.
///
/// Rows after the watermark are searched first: if the watermark advances in between, a row is found twice rather than
/// never.
pub(crate) async fn accounts(db: &Db, spellings: &[String], since: &str) -> StoreResult<Vec<String>> {
    #[derive(Serialize)]
    struct Probe<'a> {
        account_id: &'a str,
        number: i64,
    }
    let list = json_list(spellings.iter().map(String::as_str));
    let since_id = format!("{}{since}", DeliveryId::PREFIX);
    let not_indexed = NOT_INDEXED.on(db.dialect);
    let mut found: Vec<String> = on!(&db.readers, c => sqlx::query_scalar(not_indexed)
        .bind(&list).bind(since).bind(&since_id).fetch_all(c).await?);
    let ids: Vec<String> = on!(&db.readers, c => sqlx::query_scalar(ACCOUNTS).fetch_all(c).await?);
    let ids: Vec<AccountId> = ids.iter().filter_map(|id| AccountId::parse(id).ok()).collect();
    let probes: Vec<Probe<'_>> = ids
        .iter()
        .flat_map(|id| {
            phone_index::hashes(id, spellings).into_iter().map(|number| Probe { account_id: id.as_str(), number })
        })
        .collect();
    for part in INDEXED.parts(db.dialect, &probes) {
        let (sql, rows) = part?;
        let indexed: Vec<String> = match &db.readers {
            Pool::Sqlite(c) => {
                sqlx::query_scalar(sql).rows(rows).bind(&list).bind(since).bind(&since_id).fetch_all(c).await?
            }
            Pool::Postgres(c) => {
                sqlx::query_scalar(sql).rows(rows).bind(&list).bind(since).bind(&since_id).fetch_all(c).await?
            }
        };
        found.extend(indexed);
    }
    Ok(found)
}
