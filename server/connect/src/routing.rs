//! Which account a call belongs to: by the number that was dialled (incoming), or by the number it presents, its extension
//! and its context (outgoing). Pure: the store looks up the keys of [`candidates`], and a [`Table`] does so in memory.

use std::{collections::HashMap, fmt, io::BufRead};

use crate::{
    csv::{BadRow, Rows},
    event::Route,
    number::{self, Country},
};

/// Longest key, in characters: as long as a number in the payload contract.
const KEY_MAX_CHARS: usize = 64;
/// Most entries of a routing table.
pub const TABLE_MAX_ENTRIES: usize = 500_000;
/// Most bad rows that are reported; the others are counted.
pub const REPORTED_MAX_ROWS: usize = 100;
const EXTENSION: &str = "extension:";
const CONTEXT: &str = "context:";
/// What the first cell of a header may be called.
const HEADERS: &[&str] = &["number", "prefix", "key", "did", "ddi", "nummer", "rufnummer"];

/// What an entry of the table matches. Its text (`Display`) is what is stored, and is the same for all spellings.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// `+441632960001`: this number.
    Number(String),
    /// `+441632*`: all numbers that begin so.
    Prefix(String),
    /// `extension:7048`: outgoing calls of this extension.
    Extension(String),
    /// `context:tenant-a`: outgoing calls of this context of the dialplan.
    Context(String),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => f.write_str(number),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
            Self::Extension(extension) => write!(f, "{EXTENSION}{extension}"),
            Self::Context(context) => write!(f, "{CONTEXT}{context}"),
        }
    }
}

impl Key {
    /// Reads a key as people write it.
    ///
    /// # Errors
    /// A sentence that says what a key looks like.
    pub fn parse(text: &str, country: Option<Country>) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.chars().count() > KEY_MAX_CHARS || text.chars().any(char::is_control) {
            return Err("A number has at most 64 printable characters.");
        }
        let named = |prefix: &str| text.strip_prefix(prefix).map(str::trim).filter(|name| !name.is_empty());
        if let Some(extension) = named(EXTENSION) {
            return Ok(Self::Extension(extension.to_owned()));
        }
        if let Some(context) = named(CONTEXT) {
            return Ok(Self::Context(context.to_owned()));
        }
        let (number, is_prefix) = text.strip_suffix('*').map_or((text, false), |number| (number, true));
        if !number.chars().any(|c| c.is_ascii_digit()) || number.contains(char::is_alphabetic) {
            return Err(
                "Enter a number (01632 960001), the beginning of numbers (01632*), extension:7048 or context:name.",
            );
        }
        Ok(if is_prefix {
            Self::Prefix(number::normalise_prefix(number, country))
        } else {
            Self::Number(compact(&number::normalise(number, country)))
        })
    }
}

/// A number without punctuation, so that its spellings are one key.
fn compact(number: &str) -> String {
    number.chars().filter(|c| c.is_ascii_digit() || matches!(c, '+' | '*' | '#')).collect()
}

/// The keys that may match a call, best first: exact, then the longest prefix; for outgoing calls then the extension and the
/// context. What matches none of them belongs to the default account, or to nobody.
#[must_use]
pub fn candidates(route: &Route, country: Option<Country>) -> Vec<Key> {
    let number = route.dialled.as_deref().or(route.presented.as_deref());
    let mut keys = number.map(|number| of_number(number, country)).unwrap_or_default();
    if route.dialled.is_none() {
        keys.extend(route.extension.clone().map(Key::Extension));
        keys.extend(route.context.clone().map(Key::Context));
    }
    keys
}

fn of_number(number: &str, country: Option<Country>) -> Vec<Key> {
    let e164: String = compact(&number::normalise(number, country)).chars().take(KEY_MAX_CHARS).collect();
    if e164.is_empty() {
        return Vec::new();
    }
    let prefixes: Vec<_> = (1..=e164.len()).rev().filter_map(|end| e164.get(..end)).map(str::to_owned).collect();
    let prefixes = prefixes.into_iter().filter(|prefix| prefix != "+").map(Key::Prefix);
    std::iter::once(Key::Number(e164.clone())).chain(prefixes).collect()
}

/// A routing table in memory: key to account.
#[derive(Debug, Clone, Default)]
pub struct Table<A> {
    entries: HashMap<Key, A>,
    /// The account of calls that match no entry.
    pub default: Option<A>,
}

impl<A> Table<A> {
    /// A table with these entries; of entries with the same key, the last counts.
    pub fn new(entries: impl IntoIterator<Item = (Key, A)>, default: Option<A>) -> Self {
        Self { entries: entries.into_iter().collect(), default }
    }

    /// The account of a call, and the key that matched, if it was not the default.
    pub fn find(&self, route: &Route, country: Option<Country>) -> Option<(&A, Option<Key>)> {
        let hit = candidates(route, country).into_iter().find_map(|key| {
            let account = self.entries.get(&key)?;
            Some((account, Some(key)))
        });
        hit.or_else(|| self.default.as_ref().map(|account| (account, None)))
    }
}

/// What a routing file contained.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Import {
    /// Key and account, in the order of the file, without duplicates.
    pub entries: Vec<(Key, String)>,
    /// The first bad rows ([`REPORTED_MAX_ROWS`]).
    pub bad: Vec<BadRow>,
    /// Number of all bad rows.
    pub bad_count: u64,
}

impl Import {
    fn reject(&mut self, row: BadRow) {
        self.bad_count += 1;
        if self.bad.len() < REPORTED_MAX_ROWS {
            self.bad.push(row);
        }
    }
}

/// Reads a routing file: a number or a prefix, and an account, in each row; with a header or without.
pub fn read(file: impl BufRead, country: Option<Country>) -> Import {
    let mut import = Import::default();
    let mut lines: HashMap<Key, (u64, String)> = HashMap::new();
    for (at, row) in Rows::new(file).enumerate() {
        let row = match row {
            Ok(row) => row,
            Err(bad) => {
                import.reject(bad);
                continue;
            }
        };
        let [key, account, ..] = row.cells.as_slice() else {
            import.reject(BadRow::new(
                row.line,
                "A row needs a number and an account, separated by a comma or semicolon.",
            ));
            continue;
        };
        if at == 0 && HEADERS.contains(&key.to_lowercase().as_str()) {
            continue;
        }
        if import.entries.len() >= TABLE_MAX_ENTRIES {
            import.reject(BadRow::new(row.line, format!("A table has at most {TABLE_MAX_ENTRIES} entries.")));
            break;
        }
        match entry(key, account, country) {
            Ok(key) => match lines.get(&key) {
                Some((line, same)) if same == account => {
                    import.reject(BadRow::new(row.line, format!("{key} is in line {line} already.")))
                }
                Some((line, _)) => import.reject(BadRow::new(
                    row.line,
                    format!("{key} has another account in line {line}. Remove one of the two rows."),
                )),
                None => {
                    lines.insert(key.clone(), (row.line, account.clone()));
                    import.entries.push((key, account.clone()));
                }
            },
            Err(reason) => import.reject(BadRow::new(row.line, reason)),
        }
    }
    import
}

fn entry(key: &str, account: &str, country: Option<Country>) -> Result<Key, &'static str> {
    if account.is_empty() {
        return Err("The account is missing.");
    }
    Key::parse(key, country)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gb() -> Option<Country> {
        Some("GB".parse().unwrap())
    }

    fn table(rows: &[(&str, &str)]) -> Table<String> {
        let entries = rows.iter().map(|(key, account)| (Key::parse(key, gb()).unwrap(), (*account).to_owned()));
        Table::new(entries, None)
    }

    fn dialled(number: &str) -> Route {
        Route { dialled: Some(number.to_owned()), ..Route::default() }
    }

    fn account<'a>(table: &'a Table<String>, route: &Route) -> Option<&'a str> {
        table.find(route, gb()).map(|(account, _)| account.as_str())
    }

    #[test]
    fn the_exact_number_wins_then_the_longest_prefix_then_the_default() {
        let mut table =
            table(&[("01632 960001", "exact"), ("0163296*", "long"), ("+441632*", "short"), ("7048", "extension")]);
        for spelling in ["01632960001", "+441632960001", "0044 1632 960001", "441632960001"] {
            assert_eq!(account(&table, &dialled(spelling)), Some("exact"), "{spelling}");
        }
        assert_eq!(account(&table, &dialled("01632960002")), Some("long"));
        assert_eq!(account(&table, &dialled("01632 123456")), Some("short"));
        assert_eq!(account(&table, &dialled("7048")), Some("extension"));
        assert_eq!(account(&table, &dialled("07700900123")), None);
        table.default = Some("default".to_owned());
        assert_eq!(account(&table, &dialled("07700900123")), Some("default"));
        assert_eq!(account(&table, &dialled("")), Some("default"));
    }

    #[test]
    fn an_outgoing_call_is_routed_by_presented_number_then_extension_then_context() {
        let table = table(&[("01632960100", "number"), ("extension:7048", "phone"), ("context:tenant-a", "context")]);
        let mut route = Route {
            presented: Some("+441632960100".to_owned()),
            extension: Some("7048".to_owned()),
            context: Some("tenant-a".to_owned()),
            ..Route::default()
        };
        assert_eq!(account(&table, &route), Some("number"));
        route.presented = Some("01632960199".to_owned());
        assert_eq!(account(&table, &route), Some("phone"));
        route.extension = Some("7049".to_owned());
        assert_eq!(account(&table, &route), Some("context"));
        // The extension that an incoming call reached says nothing about whose number it is.
        route.dialled = Some("01632960199".to_owned());
        assert_eq!(account(&table, &route), None);
    }

    #[test]
    fn a_file_in_latin_1_with_semicolons_a_header_duplicates_and_bad_rows_is_read() {
        let file = b"Number;Account;Remark\r\n01632 960001;acc_1;M\xfcller\r\n+441632960001;acc_1\r\n01632960001;acc_2\r\n\r\n0203*;acc_3\r\nhello;acc_4\r\n01632960005;\r\n7048\r\n";
        let import = read(file.as_slice(), gb());
        let entries: Vec<_> = import.entries.iter().map(|(key, account)| format!("{key} {account}")).collect();
        assert_eq!(entries, ["+441632960001 acc_1", "+44203* acc_3"]);
        let bad: Vec<_> = import
            .bad
            .iter()
            .map(|row| (row.line, row.reason.split(' ').take(5).collect::<Vec<_>>().join(" ")))
            .collect();
        let bad: Vec<_> = bad.iter().map(|(line, reason)| (*line, reason.as_str())).collect();
        assert_eq!(
            bad,
            [
                (3, "+441632960001 is in line 2"),
                (4, "+441632960001 has another account in"),
                (7, "Enter a number (01632 960001),"),
                (8, "The account is missing."),
                (9, "A row needs a number"),
            ]
        );
        assert_eq!(import.bad_count, 5);
    }

    #[test]
    fn a_file_without_header_loses_no_row() {
        let import = read(b"+441632960001,acc_1\n".as_slice(), None);
        assert_eq!(import.entries, [(Key::Number("+441632960001".to_owned()), "acc_1".to_owned())]);
    }

    #[test]
    fn the_text_of_a_key_reads_as_the_same_key() {
        for text in ["+441632960001", "+441632*", "extension:7048", "context:tenant-a", "7048"] {
            let key = Key::parse(text, gb()).unwrap();
            assert_eq!(key.to_string(), text);
            assert_eq!(Key::parse(&key.to_string(), gb()).unwrap(), key);
        }
        assert!(Key::parse("*", gb()).is_err());
    }
}
