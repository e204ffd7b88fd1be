//! Finding by phone number: in the index up to its mark, and by walking what is behind it.

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
/// Each account is asked for by itself, and answers with the first row that it has.
static CALLED: Sql = Sql::new(
    "SELECT r.account_id FROM {rows r: account_id text, number bigint} WHERE EXISTS ( \
       SELECT 1 FROM called_numbers n CROSS JOIN deliveries d WHERE n.number = r.number AND n.place >= $3 \
       AND d.id = n.place AND d.account_id = r.account_id AND (d.caller IN {list $1} OR d.callee IN {list $1})) \
     OR EXISTS ( \
       SELECT 1 FROM called_numbers n CROSS JOIN events ev WHERE n.number = r.number AND n.place >= $2 AND n.place < 'dlv_' \
       AND ev.account_id = r.account_id AND ev.position = n.place \
       AND (ev.caller IN {list $1} OR ev.callee IN {list $1}))",
);
static CALLED_LATELY: Sql = Sql::new(
    "SELECT d.account_id FROM deliveries d WHERE d.id >= $3 \
     AND d.id > (SELECT place FROM numbers_followed WHERE what = 'deliveries') \
     AND (d.caller IN {list $1} OR d.callee IN {list $1}) \
     UNION SELECT ev.account_id FROM events ev WHERE ev.deliveries = 0 AND ev.position >= $2 \
     AND ev.position > (SELECT place FROM numbers_followed WHERE what = 'unsent') \
     AND (ev.caller IN {list $1} OR ev.callee IN {list $1})",
);

/// What finds the newest deliveries with this number, or of the event with this id, that meet all conditions and `rest`.
/// Each way to a delivery is a walk in the order of the list, which ends when it has found enough.
pub(crate) fn found(
    conditions: &mut Conditions,
    account: &AccountId,
    text: &str,
    rest: Option<&str>,
    most: u32,
) -> String {
    let rest = rest.map(|rest| format!(" AND ({rest})")).unwrap_or_default();
    let meets = format!("e.id = d.endpoint_id AND {}{rest}", conditions.sql);
    let event = conditions.bind(Bind::Text(text.to_owned()));
    let mut arms = vec![
        format!(
            "SELECT d.id FROM deliveries dd CROSS JOIN deliveries d CROSS JOIN endpoints e \
             WHERE dd.account_id = $1 AND dd.event_id = {event} AND d.id = dd.id AND {meets}"
        ),
        format!(
            "SELECT d.id FROM deliveries d CROSS JOIN endpoints e \
             WHERE d.id > (SELECT place FROM numbers_followed WHERE what = 'deliveries') AND {meets} \
             ORDER BY d.id DESC LIMIT {most}"
        ),
    ];
    for hash in phone_index::hashes(account, &phone_index::sought(text)) {
        let number = conditions.bind(Bind::Number(hash));
        arms.push(format!(
            "SELECT d.id FROM called_numbers n CROSS JOIN deliveries d CROSS JOIN endpoints e \
             WHERE n.number = {number} AND n.place > 'dlv_'{} AND d.id = n.place AND {meets} \
             ORDER BY n.place DESC LIMIT {most}",
            conditions.places
        ));
    }
    let arms = arms.iter().enumerate().map(|(at, arm)| format!("SELECT id FROM ({arm}) AS way{at}"));
    format!("d.id IN ({})", arms.collect::<Vec<_>>().join(" UNION ALL "))
}

/// The accounts in which one of these numbers called or was called since a position.
///
/// What is behind the mark is asked first: a step between the two questions then makes a row be found twice and not never.
pub(crate) async fn accounts(db: &Db, spellings: &[String], since: &str) -> StoreResult<Vec<String>> {
    #[derive(Serialize)]
    struct Asked<'a> {
        account_id: &'a str,
        number: i64,
    }
    let list = json_list(spellings.iter().map(String::as_str));
    let since_id = format!("{}{since}", DeliveryId::PREFIX);
    let tail = CALLED_LATELY.on(db.dialect);
    let mut found: Vec<String> = on!(&db.readers, c => sqlx::query_scalar(tail)
        .bind(&list).bind(since).bind(&since_id).fetch_all(c).await?);
    let ids: Vec<String> = on!(&db.readers, c => sqlx::query_scalar(ACCOUNTS).fetch_all(c).await?);
    let ids: Vec<AccountId> = ids.iter().filter_map(|id| AccountId::parse(id).ok()).collect();
    let asked: Vec<Asked<'_>> = ids
        .iter()
        .flat_map(|id| {
            phone_index::hashes(id, spellings).into_iter().map(|number| Asked { account_id: id.as_str(), number })
        })
        .collect();
    for part in CALLED.parts(db.dialect, &asked) {
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
