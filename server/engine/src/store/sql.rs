//! SQL that is written once and reads right on both databases.
//!
//! Two things differ between SQLite and Postgres that bulk statements cannot do without: rows out of bound parameters, and
//! skipping rows that another node has locked. They stand in the text as marks:
//!
//! * `{rows r: id text, due_ms bigint}` – rows that are bound, as a table named `r`; one such mark in a statement
//! * `{list $1}` – the JSON array of strings bound to `$1`, as a list for `IN`
//! * `{skip_locked}` – `FOR UPDATE SKIP LOCKED`, or nothing where there is one writer anyway
//! * `{serialise}` – `FOR UPDATE`, or nothing
//!
//! Rows are bound before all else, though the text counts its other parameters from `$1`. Postgres gets an array for each
//! column. SQLite gets `VALUES` with a parameter for each cell, so a text belongs to a number of rows: there is one for each power
//! of two, and empty rows fill up what is missing (decision 0012). However many rows there are, a statement takes
//! [`ROWS_MAX`] of them: SQLite takes no more than 32,766 parameters.

use std::sync::OnceLock;

use serde::Serialize;
use sqlx::{
    FromRow, Postgres, Sqlite,
    postgres::{PgArguments, PgRow},
    query::{Query, QueryAs, QueryScalar},
    sqlite::{SqliteArguments, SqliteRow},
};

use crate::store::{
    columns::{Cell, Column, Named, cells, columns},
    db::{Dialect, Tx, within},
    error::{StoreError, StoreResult},
};

/// Most rows of one statement: as many as a group commit has events. With them a statement may have 63 columns.
pub const ROWS_MAX: usize = 512;
/// Powers of two for which there is a text.
const SIZES: usize = ROWS_MAX.ilog2() as usize + 1;

/// A statement with marks.
pub struct Sql {
    text: &'static str,
    sqlite: [OnceLock<String>; SIZES],
    postgres: OnceLock<String>,
    named: OnceLock<Vec<Named>>,
}

/// Rows for the mark of a statement.
#[derive(Debug, Clone)]
pub enum Rows {
    /// As SQLite takes them: row after row.
    Cells(Vec<Cell>),
    /// As Postgres takes them.
    Columns(Vec<Column>),
}

impl Sql {
    /// A statement from its portable text.
    pub const fn new(text: &'static str) -> Self {
        Self { text, sqlite: [const { OnceLock::new() }; SIZES], postgres: OnceLock::new(), named: OnceLock::new() }
    }

    /// The statement for one database, where it has no mark for rows; made once.
    pub fn on(&'static self, dialect: Dialect) -> &'static str {
        let slot = match dialect {
            Dialect::Sqlite => &self.sqlite[0],
            Dialect::Postgres => &self.postgres,
        };
        slot.get_or_init(|| expand(self.text, dialect, 1))
    }

    /// The statement with rows as it takes them, once for each [`ROWS_MAX`] of them; rows are bound before all else.
    ///
    /// # Errors
    /// An item is one when its rows are no texts and numbers with the columns of the mark.
    pub fn parts<'a, T: Serialize>(
        &'static self,
        dialect: Dialect,
        rows: &'a [T],
    ) -> impl Iterator<Item = StoreResult<(&'static str, Rows)>> + use<'a, T> {
        rows.chunks(ROWS_MAX).map(move |rows| self.with(dialect, rows))
    }

    /// Writes rows with a statement that has no other parameters. Returns how many rows it has touched.
    ///
    /// # Errors
    /// As the database says, and as [`Sql::parts`].
    pub async fn write<T: Serialize>(&'static self, tx: &mut Tx, rows: &[T]) -> StoreResult<u64> {
        let mut touched = 0;
        for part in self.parts(tx.dialect(), rows) {
            let (sql, rows) = part?;
            touched += within!(&mut *tx, c: Of => sqlx::query::<Of>(sql).rows(rows).execute(c).await?.rows_affected());
        }
        Ok(touched)
    }

    /// Reads what belongs to rows, with a statement that has no other parameters.
    ///
    /// # Errors
    /// As the database says, and as [`Sql::parts`].
    pub async fn read<T: Serialize, O>(&'static self, tx: &mut Tx, rows: &[T]) -> StoreResult<Vec<O>>
    where
        O: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let mut found = Vec::new();
        for part in self.parts(tx.dialect(), rows) {
            let (sql, rows) = part?;
            found.extend(within!(&mut *tx, c: Of => sqlx::query_as::<Of, O>(sql).rows(rows).fetch_all(c).await?));
        }
        Ok(found)
    }

    fn with<T: Serialize>(&'static self, dialect: Dialect, rows: &[T]) -> StoreResult<(&'static str, Rows)> {
        let wrong = |error: serde_json::Error| StoreError::Database(sqlx::Error::Encode(error.into()));
        let named = self.named.get_or_init(|| named(self.text));
        let columns = columns(named, rows).map_err(wrong)?;
        if dialect == Dialect::Postgres {
            return Ok((self.on(dialect), Rows::Columns(columns)));
        }
        let size = rows.len().max(1).next_power_of_two();
        let text = self.sqlite[size.ilog2() as usize].get_or_init(|| expand(self.text, dialect, size));
        Ok((text, Rows::Cells(cells(columns, size).map_err(wrong)?)))
    }
}

/// A list of ids as the JSON that `{list $n}` reads.
pub(crate) fn json_list<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    serde_json::Value::from_iter(ids).to_string()
}

/// Binds rows to a query of either database.
pub trait BindRows: Sized {
    /// Binds them.
    #[must_use]
    fn rows(self, rows: Rows) -> Self;
}

/// The three kinds of queries, each for both databases.
macro_rules! bind_rows {
    ($($kind:ident [$($of:ident)?])+) => {
        $(impl<'q, $($of)?> BindRows for $kind<'q, Postgres, $($of,)? PgArguments> {
            fn rows(self, rows: Rows) -> Self {
                // Cells are never made for this database.
                let Rows::Columns(columns) = rows else { return self };
                columns.into_iter().fold(self, |query, column| match column {
                    Column::Texts(texts) => query.bind(texts),
                    Column::Numbers(numbers) => query.bind(numbers),
                })
            }
        }
        impl<'q, $($of)?> BindRows for $kind<'q, Sqlite, $($of,)? SqliteArguments> {
            fn rows(self, rows: Rows) -> Self {
                let Rows::Cells(cells) = rows else { return self };
                cells.into_iter().fold(self, |query, cell| match cell {
                    Cell::Text(text) => query.bind(text),
                    Cell::Number(number) => query.bind(number),
                    Cell::Nothing => query.bind(None::<i64>),
                })
            }
        })+
    };
}
bind_rows! { Query [] QueryAs [O] QueryScalar [O] }

/// The columns that the mark of a statement declares.
fn named(text: &'static str) -> Vec<Named> {
    let mark = text.split_once("{rows ").and_then(|(_, rest)| rest.split_once('}')).map_or("", |(mark, _)| mark);
    declared(mark).1.into_iter().map(|(name, kind)| Named { name, is_text: kind == "text" }).collect()
}

/// The name of a mark's table, and its columns with their types.
fn declared(mark: &str) -> (&str, Vec<(&str, &str)>) {
    let (name, columns) = mark.split_once(':').unwrap_or((mark, ""));
    let columns = columns.split(',').filter_map(|column| column.trim().split_once(' '));
    (name.trim(), columns.map(|(column, kind)| (column, kind.trim())).collect())
}

/// The portable text with its marks replaced, for so many rows.
fn expand(text: &str, dialect: Dialect, rows: usize) -> String {
    let mark = text.split_once("{rows ").and_then(|(_, rest)| rest.split_once('}')).map_or("", |(mark, _)| mark);
    let columns = declared(mark).1.len();
    let bound_before = if dialect == Dialect::Sqlite { rows * columns } else { columns };
    let mut parts = text.split('{');
    let mut out = counted_on(parts.next().unwrap_or_default(), bound_before);
    for part in parts {
        let (mark, rest) = part.split_once('}').unwrap_or((part, ""));
        match mark.strip_prefix("rows ") {
            Some(mark) => out.push_str(&as_table(mark, dialect, rows)),
            None => out.push_str(&counted_on(&marked(mark, dialect), bound_before)),
        }
        out.push_str(&counted_on(rest, bound_before));
    }
    out
}

/// A text whose parameters are counted from behind those of the rows.
fn counted_on(text: &str, bound_before: usize) -> String {
    let mut parts = text.split('$');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let number: usize = part[..digits].parse().unwrap_or_default();
        out.push_str(&format!("${}{}", number + bound_before, &part[digits..]));
    }
    out
}

fn marked(mark: &str, dialect: Dialect) -> String {
    if let Some(param) = mark.strip_prefix("list ") {
        return match dialect {
            Dialect::Sqlite => format!("(SELECT value FROM json_each({param}))"),
            Dialect::Postgres => format!("(SELECT value FROM json_array_elements_text({param}::json) AS t (value))"),
        };
    }
    match (mark, dialect) {
        ("skip_locked", Dialect::Postgres) => "FOR UPDATE SKIP LOCKED".to_owned(),
        ("serialise", Dialect::Postgres) => "FOR UPDATE".to_owned(),
        _ => String::new(),
    }
}

fn as_table(mark: &str, dialect: Dialect, rows: usize) -> String {
    let (name, columns) = declared(mark);
    if dialect == Dialect::Postgres {
        let arrays = columns.iter().enumerate().map(|(at, (_, kind))| format!("${}::{kind}[]", at + 1));
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        return format!("UNNEST({}) AS {name} ({})", arrays.collect::<Vec<_>>().join(", "), names.join(", "));
    }
    let picked = columns.iter().enumerate().map(|(at, (column, _))| format!("column{} AS {column}", at + 1));
    let row = format!("({})", vec!["?"; columns.len()].join(","));
    let picked = picked.collect::<Vec<_>>().join(", ");
    // The first column of a row is never null: what has none only fills up.
    format!("(SELECT {picked} FROM (VALUES {}) WHERE column1 IS NOT NULL) AS {name}", vec![row; rows].join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "SELECT r.id, $2 FROM {rows r: id text, due_ms bigint} WHERE r.id IN {list $1} AND $2 > 0 {skip_locked}";

    #[test]
    fn one_text_reads_right_on_both() {
        assert_eq!(
            expand(TEXT, Dialect::Sqlite, 2),
            "SELECT r.id, $6 FROM (SELECT column1 AS id, column2 AS due_ms FROM (VALUES (?,?),(?,?)) \
             WHERE column1 IS NOT NULL) AS r WHERE r.id IN (SELECT value FROM json_each($5)) AND $6 > 0 "
        );
        assert_eq!(
            expand(TEXT, Dialect::Postgres, 2),
            "SELECT r.id, $4 FROM UNNEST($1::text[], $2::bigint[]) AS r (id, due_ms) WHERE r.id IN \
             (SELECT value FROM json_array_elements_text($3::json) AS t (value)) AND $4 > 0 FOR UPDATE SKIP LOCKED"
        );
    }

    #[derive(Serialize)]
    struct Row {
        id: &'static str,
        due_ms: Option<i64>,
    }

    #[test]
    fn a_text_serves_all_counts_up_to_its_own_and_many_rows_take_several() {
        static SQL: Sql = Sql::new(TEXT);
        let sizes = |count: usize| -> Vec<usize> {
            let rows: Vec<Row> = (0..count).map(|_| Row { id: "a", due_ms: None }).collect();
            let parts = SQL.parts(Dialect::Sqlite, &rows).map(|part| {
                let (text, Rows::Cells(cells)) = part.unwrap() else { panic!("for SQLite") };
                assert_eq!(text.matches('?').count(), cells.len());
                text.matches("(?,?)").count()
            });
            parts.collect()
        };
        assert_eq!([1, 2, 3, 5, 512].map(sizes), [1, 2, 4, 8, 512].map(|size| vec![size]));
        assert_eq!(sizes(0), [0; 0]);
        assert_eq!(sizes(1_030), [512, 512, 8]);
    }

    #[tokio::test]
    async fn filled_up_rows_are_not_seen() {
        static SQL: Sql =
            Sql::new("SELECT r.id || COALESCE(r.due_ms, $1) FROM {rows r: id text, due_ms bigint} ORDER BY 1");
        let pool = sqlx::SqlitePool::connect("sqlite::memory:").await.unwrap();
        let rows = [("a", Some(7)), ("b", None), ("c", Some(0))].map(|(id, due_ms)| Row { id, due_ms });
        let (text, bound) = SQL.parts(Dialect::Sqlite, &rows).next().unwrap().unwrap();
        let found: Vec<String> = sqlx::query_scalar(text).rows(bound).bind(9).fetch_all(&pool).await.unwrap();
        assert_eq!(found, ["a7", "b9", "c0"]);
    }
}
