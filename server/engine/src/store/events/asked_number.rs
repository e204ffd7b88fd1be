//! A phone number that is searched for, and what of it is not indexed yet.

use std::sync::Arc;

use domain::{
    country::Country,
    id::AccountId,
    phone::{Numbers, asked},
    phone_key::key,
};

use crate::store::{
    db::{Db, on},
    error::StoreResult,
    events::phone_index::{self, Stream},
};

const NOT_INDEXED: &str = "SELECT id, caller, callee FROM deliveries WHERE account_id = $1 AND id < $2 \
                           AND id > (SELECT place FROM numbers_followed WHERE what = 'deliveries') ORDER BY id DESC LIMIT $3";
/// The account is concatenated, so that the index of unsent events is used: the account's own has all of its events.
const UNSENT_NOT_INDEXED: &str = "SELECT position, caller, callee FROM events WHERE '' || account_id = $1 AND position < $2 \
                                  AND deliveries = 0 AND position > (SELECT place FROM numbers_followed WHERE what = 'unsent') \
                                  ORDER BY position DESC LIMIT $3";
/// Rows that are read at a time.
const STEP_ROWS: u32 = 5_000;
/// Most deliveries beyond the index that a search shows: as many as a list counts.
const RECENT_MAX: usize = 10_001;
/// After every id and position.
const END: &str = "~";

/// A number as someone typed it, asked in any account.
#[derive(Clone)]
pub struct TypedNumber {
    /// As typed.
    pub text: String,
    /// Reads national spellings.
    pub numbers: Arc<dyn Numbers>,
}

impl TypedNumber {
    /// What to look for in an account of this country.
    #[must_use]
    pub fn in_country(&self, country: Option<Country>) -> AskedNumber {
        let text = self.text.trim().to_owned();
        AskedNumber { keys: asked(&text, country, &*self.numbers), text }
    }
}

/// A number that is asked for in an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedNumber {
    /// As typed. It may also be an event's id that the platform chose.
    pub text: String,
    /// The keys under which it may be stored.
    pub keys: Vec<String>,
}

impl AskedNumber {
    /// The hashes under which it may be indexed. Account and key have 64 bits of a SHA-256, so that another number has the
    /// same hash once in 10¹² searches of an account with as many numbers as the index holds.
    #[must_use]
    pub fn hashes(&self, account: &AccountId) -> Vec<i64> {
        let mut all: Vec<i64> = self.keys.iter().map(|key| phone_index::hash(account.as_str(), key)).collect();
        // Until they are indexed again, rows of earlier builds have the hash of what was sent, character by character.
        let before = |text: &str| phone_index::hash(account.as_str(), phone_index::without_prefix(text));
        all.push(before(&self.text));
        all.extend(self.keys.iter().map(|key| before(&format!("extension {key}"))));
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether one of a row's numbers is this one.
    #[must_use]
    pub fn is_in(&self, caller: &str, callee: &str) -> bool {
        [caller, callee].into_iter().any(|number| self.keys.contains(&key(number)))
    }

    /// Where an account's rows with this number are that are not indexed yet, newest first. Reads what the phone indexer has
    /// still to do.
    pub async fn recent(&self, db: &Db, account: &AccountId, stream: Stream) -> StoreResult<Vec<String>> {
        let sql = match stream {
            Stream::Deliveries => NOT_INDEXED,
            Stream::Unsent => UNSENT_NOT_INDEXED,
        };
        let (mut found, mut before) = (Vec::new(), END.to_owned());
        while found.len() < RECENT_MAX {
            let rows: Vec<(String, String, String)> = on!(&db.readers, c => sqlx::query_as(sql)
                .bind(account.as_str()).bind(&before).bind(i64::from(STEP_ROWS)).fetch_all(c).await?);
            let Some((last, ..)) = rows.last() else { break };
            before.clone_from(last);
            let is_last = rows.len() < STEP_ROWS as usize;
            found.extend(rows.into_iter().filter(|(_, caller, callee)| self.is_in(caller, callee)).map(|(id, ..)| id));
            if is_last {
                break;
            }
        }
        found.truncate(RECENT_MAX);
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use domain::{UnixMs, phone::InternationalOnly};

    use super::*;

    fn number(text: &str) -> AskedNumber {
        TypedNumber { text: text.into(), numbers: Arc::new(InternationalOnly) }.in_country(None)
    }

    #[test]
    fn spellings_of_a_number_are_looked_up_in_the_same_place() {
        let (one, other) = (AccountId::new(UnixMs(1), 1), AccountId::new(UnixMs(2), 1));
        let stored = phone_index::hash(one.as_str(), &key("+44 1202 901222"));
        for typed in ["+441202901222", "0044 1202-901222", "441202901222", "tel:+44-1202-901222"] {
            assert!(number(typed).hashes(&one).contains(&stored), "{typed}");
            assert!(!number(typed).hashes(&other).contains(&stored), "{typed}");
        }
        assert!(!number("441202901223").hashes(&one).contains(&stored));
    }

    /// As earlier builds stored them.
    #[test]
    fn entries_of_earlier_builds_are_looked_up_too() {
        let account = AccountId::new(UnixMs(1), 1);
        for (sent, typed) in
            [("extension 7048", "7048"), ("+44 1202", "+44 1202"), ("anonymous", "anonymous"), ("00", "00")]
        {
            let stored = phone_index::hash(account.as_str(), phone_index::without_prefix(sent));
            assert!(number(typed).hashes(&account).contains(&stored), "{sent}");
        }
    }
}
