//! SQL that is written once and runs on both databases.
//!
//! Two things that bulk statements need differ between SQLite and PostgreSQL: rows from bound parameters, and skipping
//! rows that another node has locked. The text has placeholders for them:
//!
//! * `{rows r: id text, due_ms bigint}` – the bound rows as a table specs `r`; at most one per statement
//! * `{list $1}` – the JSON array of strings bound to `$1`, as a list for `IN`
//! * `{skip_locked}` – `FOR UPDATE SKIP LOCKED` on PostgreSQL; empty on SQLite, which has one writer
//! * `{serialise}` – `FOR UPDATE` on PostgreSQL; empty on SQLite
//!
//! Rows are bound first, although the text numbers its other parameters from `$1`. These must be numbered without a gap.
//! PostgreSQL gets an array per column.
//! SQLite gets `VALUES` with a parameter per cell, so the SQL text depends on the row count: there is one text for each
//! power of two, and empty rows pad the rest (decision 0012). A statement has at most [`ROWS_MAX`] rows, because SQLite
//! allows no more than 32,766 parameters.

use std::sync::OnceLock;

use serde::{Serialize, de::DeserializeOwned};
use sqlx::{
    FromRow, Postgres, Sqlite,
    postgres::{PgArguments, PgRow},
    query::{Query, QueryAs, QueryScalar},
    sqlite::{SqliteArguments, SqliteRow},
};

pub use crate::store::row_values::Param;
use crate::store::{
    columns::{Cell, Column, Layout, cells, columns},
    db::{Dialect, Tx, within},
    direct,
    error::{StoreResult, encode_error},
    row_values::ColumnSpec,
};

/// Most rows of one statement: as many as a group commit has events. That allows 63 columns.
pub const ROWS_MAX: usize = 512;
/// Number of powers of two that have a text.
const SIZES: usize = ROWS_MAX.ilog2() as usize + 1;

/// A statement with placeholders.
pub struct Sql {
    text: &'static str,
    sqlite: [OnceLock<String>; SIZES],
    postgres: OnceLock<String>,
    layout: OnceLock<Layout>,
}

/// What a statement returns, read from either driver's rows.
pub trait Found: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + DeserializeOwned + Send + Unpin {}
impl<T> Found for T where
    T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + DeserializeOwned + Send + Unpin
{
}

/// Rows to bind to a statement.
#[derive(Debug, Clone)]
pub enum Rows {
    /// For SQLite: cell by cell, in row order.
    Cells(Vec<Cell>),
    /// For PostgreSQL: one array per column.
    Columns(Vec<Column>),
}

impl Sql {
    /// Creates a statement from its portable text.
    pub const fn new(text: &'static str) -> Self {
        Self { text, sqlite: [const { OnceLock::new() }; SIZES], postgres: OnceLock::new(), layout: OnceLock::new() }
    }

    /// The SQL for one database, for statements without rows. Expanded once.
    pub fn on(&'static self, dialect: Dialect) -> &'static str {
        let slot = match dialect {
            Dialect::Sqlite => &self.sqlite[0],
            Dialect::Postgres => &self.postgres,
        };
        slot.get_or_init(|| expand(self.text, dialect, 1))
    }

    /// The SQL with its rows, in parts of at most [`ROWS_MAX`] rows. Bind the rows first.
    ///
    /// # Errors
    /// An item is an error if its rows do not have the declared columns of text and numbers.
    pub fn parts<'a, T: Serialize>(
        &'static self,
        dialect: Dialect,
        rows: &'a [T],
    ) -> impl Iterator<Item = StoreResult<(&'static str, Rows)>> + use<'a, T> {
        rows.chunks(ROWS_MAX).map(move |rows| self.with(dialect, rows))
    }

    /// Executes a statement with rows. Returns the number of rows affected.
    ///
    /// # Errors
    /// Database errors, and as [`Sql::parts`].
    pub async fn write<T: Serialize>(&'static self, tx: &mut Tx, rows: &[T], params: &[Param<'_>]) -> StoreResult<u64> {
        let mut touched = 0;
        if let Tx::Direct(tx) = tx {
            for rows in rows.chunks(ROWS_MAX) {
                touched += tx.execute(self.bound(rows, params))?;
            }
            return Ok(touched);
        }
        for part in self.parts(tx.dialect(), rows) {
            let (sql, rows) = part?;
            touched += within!(&mut *tx, c: Of =>
                sqlx::query::<Of>(sql).rows(rows).params(params).execute(c).await?.rows_affected());
        }
        Ok(touched)
    }

    /// Queries with rows.
    ///
    /// # Errors
    /// Database errors, and as [`Sql::parts`].
    pub async fn read<T: Serialize, O: Found>(
        &'static self,
        tx: &mut Tx,
        rows: &[T],
        params: &[Param<'_>],
    ) -> StoreResult<Vec<O>> {
        let mut found = Vec::new();
        if let Tx::Direct(tx) = tx {
            for rows in rows.chunks(ROWS_MAX) {
                tx.fetch(self.bound(rows, params), &mut found)?;
            }
            return Ok(found);
        }
        for part in self.parts(tx.dialect(), rows) {
            let (sql, rows) = part?;
            found.extend(within!(&mut *tx, c: Of =>
                sqlx::query_as::<Of, O>(sql).rows(rows).params(params).fetch_all(c).await?));
        }
        Ok(found)
    }

    /// Executes a statement without rows. Returns the number of rows affected.
    ///
    /// # Errors
    /// Database errors.
    pub async fn execute(&'static self, tx: &mut Tx, params: &[Param<'_>]) -> StoreResult<u64> {
        if let Tx::Direct(tx) = tx {
            return tx.execute(self.bound::<()>(&[], params));
        }
        let sql = self.on(tx.dialect());
        Ok(within!(tx, c: Of => sqlx::query::<Of>(sql).params(params).execute(c).await?.rows_affected()))
    }

    /// Queries without rows.
    ///
    /// # Errors
    /// Database errors.
    pub async fn fetch<O: Found>(&'static self, tx: &mut Tx, params: &[Param<'_>]) -> StoreResult<Vec<O>> {
        if let Tx::Direct(tx) = tx {
            let mut found = Vec::new();
            tx.fetch(self.bound::<()>(&[], params), &mut found)?;
            return Ok(found);
        }
        let sql = self.on(tx.dialect());
        Ok(within!(tx, c: Of => sqlx::query_as::<Of, O>(sql).params(params).fetch_all(c).await?))
    }

    fn layout(&self) -> &Layout {
        self.layout.get_or_init(|| layout(self.text))
    }

    /// The text for this many rows on SQLite, and the number of rows that it has room for.
    fn sized(&'static self, rows: usize) -> (&'static str, usize) {
        let size = rows.max(1).next_power_of_two();
        (self.sqlite[size.ilog2() as usize].get_or_init(|| expand(self.text, Dialect::Sqlite, size)), size)
    }

    fn bound<'a, T>(&'static self, rows: &'a [T], params: &'a [Param<'a>]) -> direct::Bound<'a, T> {
        let (sql, size) = self.sized(rows.len());
        direct::Bound { sql, layout: self.layout(), rows, size, params }
    }

    fn with<T: Serialize>(&'static self, dialect: Dialect, rows: &[T]) -> StoreResult<(&'static str, Rows)> {
        let specs = &self.layout().specs;
        if dialect == Dialect::Postgres {
            return Ok((self.on(dialect), Rows::Columns(columns(specs, rows).map_err(encode_error)?)));
        }
        let (text, size) = self.sized(rows.len());
        Ok((text, Rows::Cells(cells(specs, rows, size).map_err(encode_error)?)))
    }
}

/// A list of ids as the JSON that `{list $n}` reads.
pub(crate) fn json_list<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    serde_json::Value::from_iter(ids).to_string()
}

/// Binds rows to a query of either database.
pub trait BindRows: Sized {
    /// Binds the rows.
    #[must_use]
    fn rows(self, rows: Rows) -> Self;

    /// Binds other parameters.
    #[must_use]
    fn params(self, params: &[Param<'_>]) -> Self;
}

macro_rules! bind_params {
    () => {
        fn params(self, params: &[Param<'_>]) -> Self {
            params.iter().fold(self, |query, param| match *param {
                Param::Text(text) => query.bind(text.to_owned()),
                Param::Number(number) => query.bind(number),
                Param::Null => query.bind(None::<String>),
                Param::NoNumber => query.bind(None::<i64>),
            })
        }
    };
}
/// Implements it for the three kinds of queries of both databases.
macro_rules! bind_rows {
    ($($kind:ident [$($of:ident)?])+) => {
        $(impl<'q, $($of)?> BindRows for $kind<'q, Postgres, $($of,)? PgArguments> {
            fn rows(self, rows: Rows) -> Self {
                // Cells are never built for this database.
                let Rows::Columns(columns) = rows else { return self };
                columns.into_iter().fold(self, |query, column| match column {
                    Column::Texts(texts) => query.bind(texts),
                    Column::Numbers(numbers) => query.bind(numbers),
                })
            }

            bind_params!();
        }
        impl<'q, $($of)?> BindRows for $kind<'q, Sqlite, $($of,)? SqliteArguments> {
            fn rows(self, rows: Rows) -> Self {
                let Rows::Cells(cells) = rows else { return self };
                cells.into_iter().fold(self, |query, cell| match cell {
                    Cell::Text(text) => query.bind(text),
                    Cell::Number(number) => query.bind(number),
                    Cell::Null => query.bind(None::<i64>),
                })
            }

            bind_params!();
        })+
    };
}
bind_rows! { Query [] QueryAs [O] QueryScalar [O] }

/// The parameters of a portable text.
fn layout(text: &'static str) -> Layout {
    let (head, rest) = text.split_once("{rows ").unwrap_or((text, ""));
    let (placeholder, tail) = rest.split_once('}').unwrap_or(("", rest));
    let specs = declared(placeholder).1.into_iter().map(|(name, kind)| ColumnSpec { name, is_text: kind == "text" });
    let mut params = numbers(head, Vec::new());
    let before = params.len();
    params = numbers(tail, params);
    Layout { specs: specs.collect(), params, before }
}

/// Adds the numbers of the parameters in a part of a text that are not known yet.
fn numbers(text: &str, mut known: Vec<usize>) -> Vec<usize> {
    for part in text.split('$').skip(1) {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let number = part[..digits].parse().unwrap_or_default();
        if !known.contains(&number) {
            known.push(number);
        }
    }
    known
}

/// The table name of a placeholder, and its columns with their types.
fn declared(placeholder: &str) -> (&str, Vec<(&str, &str)>) {
    let (name, columns) = placeholder.split_once(':').unwrap_or((placeholder, ""));
    let columns = columns.split(',').filter_map(|column| column.trim().split_once(' '));
    (name.trim(), columns.map(|(column, kind)| (column, kind.trim())).collect())
}

/// Replaces the placeholders of a portable text, for this many rows.
fn expand(text: &str, dialect: Dialect, rows: usize) -> String {
    let placeholder =
        text.split_once("{rows ").and_then(|(_, rest)| rest.split_once('}')).map_or("", |(placeholder, _)| placeholder);
    let columns = declared(placeholder).1.len();
    let bound_before = if dialect == Dialect::Sqlite { rows * columns } else { columns };
    let mut parts = text.split('{');
    let mut out = renumber(parts.next().unwrap_or_default(), bound_before);
    for part in parts {
        let (placeholder, rest) = part.split_once('}').unwrap_or((part, ""));
        match placeholder.strip_prefix("rows ") {
            Some(placeholder) => out.push_str(&rows_table(placeholder, dialect, rows)),
            None => out.push_str(&renumber(&replacement(placeholder, dialect), bound_before)),
        }
        out.push_str(&renumber(rest, bound_before));
    }
    out
}

/// Renumbers parameters to come after those of the rows.
fn renumber(text: &str, bound_before: usize) -> String {
    let mut parts = text.split('$');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let number: usize = part[..digits].parse().unwrap_or_default();
        out.push_str(&format!("${}{}", number + bound_before, &part[digits..]));
    }
    out
}

fn replacement(placeholder: &str, dialect: Dialect) -> String {
    if let Some(param) = placeholder.strip_prefix("list ") {
        return list(param, dialect);
    }
    match (placeholder, dialect) {
        ("skip_locked", Dialect::Postgres) => "FOR UPDATE SKIP LOCKED".to_owned(),
        ("serialise", Dialect::Postgres) => "FOR UPDATE".to_owned(),
        _ => String::new(),
    }
}

/// The JSON array of strings bound to a parameter, as a list for `IN`.
pub(crate) fn list(param: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::Sqlite => format!("(SELECT value FROM json_each({param}))"),
        Dialect::Postgres => format!("(SELECT value FROM json_array_elements_text({param}::json) AS t (value))"),
    }
}

fn rows_table(placeholder: &str, dialect: Dialect, rows: usize) -> String {
    let (name, columns) = declared(placeholder);
    if dialect == Dialect::Postgres {
        let arrays = columns.iter().enumerate().map(|(at, (_, kind))| format!("${}::{kind}[]", at + 1));
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        return format!("UNNEST({}) AS {name} ({})", arrays.collect::<Vec<_>>().join(", "), names.join(", "));
    }
    let picked = columns.iter().enumerate().map(|(at, (column, _))| format!("column{} AS {column}", at + 1));
    let row = format!("({})", vec!["?"; columns.len()].join(","));
    let picked = picked.collect::<Vec<_>>().join(", ");
    // The first column of a row is never null, except in padding.
    format!("(SELECT {picked} FROM (VALUES {}) WHERE column1 IS NOT NULL) AS {name}", vec![row; rows].join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "SELECT r.id, $2 FROM {rows r: id text, due_ms bigint} WHERE r.id IN {list $1} AND $2 > 0 {skip_locked}";

    #[test]
    fn one_text_expands_for_both_databases() {
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
    fn a_text_serves_row_counts_up_to_its_size_and_more_rows_take_several_statements() {
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
    async fn padding_rows_are_not_read() {
        static SQL: Sql =
            Sql::new("SELECT r.id || COALESCE(r.due_ms, $1) FROM {rows r: id text, due_ms bigint} ORDER BY 1");
        let pool = sqlx::SqlitePool::connect("sqlite::memory:").await.unwrap();
        let rows = [("a", Some(7)), ("b", None), ("c", Some(0))].map(|(id, due_ms)| Row { id, due_ms });
        let (text, bound) = SQL.parts(Dialect::Sqlite, &rows).next().unwrap().unwrap();
        let found: Vec<String> = sqlx::query_scalar(text).rows(bound).bind(9).fetch_all(&pool).await.unwrap();
        assert_eq!(found, ["a7", "b9", "c0"]);
    }
}
