//! SQL that is written once and reads right on both databases.
//!
//! Two things differ between SQLite and Postgres that bulk statements cannot do without: rows out of one bound
//! parameter, and skipping rows that another node has locked. They stand in the text as marks:
//!
//! * `{rows $2 r: id text, due_ms bigint}` – the rows bound to `$2`, as a table named `r`. SQLite gets them as JSON;
//!   Postgres as an array for each column, bound from `$2` on, so rows are the last that a statement binds
//! * `{list $1}` – the JSON array of strings bound to `$1`, as a list for `IN`
//! * `{skip_locked}` – `FOR UPDATE SKIP LOCKED`, or nothing where there is one writer anyway
//! * `{serialise}` – `FOR UPDATE`, or nothing

use std::sync::OnceLock;

use serde::Serialize;
use sqlx::{
    Postgres, Sqlite,
    postgres::PgArguments,
    query::{Query, QueryAs, QueryScalar},
    sqlite::SqliteArguments,
};

use super::{
    columns::{Column, Named, columns},
    db::Dialect,
    error::{StoreError, StoreResult},
};

/// A statement with marks.
pub struct Sql {
    text: &'static str,
    sqlite: OnceLock<String>,
    postgres: OnceLock<String>,
    named: OnceLock<Vec<Named>>,
}

/// Rows for the mark of a statement.
#[derive(Debug, Clone)]
pub enum Rows {
    /// As SQLite takes them.
    Json(String),
    /// As Postgres takes them.
    Columns(Vec<Column>),
}

impl Sql {
    /// A statement from its portable text.
    pub const fn new(text: &'static str) -> Self {
        Self { text, sqlite: OnceLock::new(), postgres: OnceLock::new(), named: OnceLock::new() }
    }

    /// The statement for one database; made once.
    pub fn on(&'static self, dialect: Dialect) -> &'static str {
        let slot = match dialect {
            Dialect::Sqlite => &self.sqlite,
            Dialect::Postgres => &self.postgres,
        };
        slot.get_or_init(|| expand(self.text, dialect))
    }

    /// These rows as the statement takes them on one database; bound after everything else.
    ///
    /// # Errors
    /// When they are no rows of texts and numbers with the columns of the mark.
    pub fn rows<T: Serialize>(&'static self, dialect: Dialect, rows: &[T]) -> StoreResult<Rows> {
        if dialect == Dialect::Sqlite {
            return Ok(Rows::Json(json_rows(rows)));
        }
        let named = self.named.get_or_init(|| named(self.text));
        columns(named, rows).map(Rows::Columns).map_err(|error| StoreError::Database(sqlx::Error::Encode(error.into())))
    }
}

/// Rows as the JSON that SQLite reads. Structs of texts and numbers always serialise.
fn json_rows<T: Serialize>(rows: &[T]) -> String {
    serde_json::to_string(rows).unwrap_or_else(|_| "[]".to_owned())
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
                match rows {
                    Rows::Json(json) => self.bind(json),
                    Rows::Columns(columns) => columns.into_iter().fold(self, |query, column| match column {
                        Column::Texts(texts) => query.bind(texts),
                        Column::Numbers(numbers) => query.bind(numbers),
                    }),
                }
            }
        }
        impl<'q, $($of)?> BindRows for $kind<'q, Sqlite, $($of,)? SqliteArguments> {
            fn rows(self, rows: Rows) -> Self {
                match rows {
                    Rows::Json(json) => self.bind(json),
                    // Never made for this database.
                    Rows::Columns(_) => self,
                }
            }
        })+
    };
}
bind_rows! { Query [] QueryAs [O] QueryScalar [O] }

/// The columns that the mark of a statement declares.
fn named(text: &'static str) -> Vec<Named> {
    let mark = text.split_once("{rows ").and_then(|(_, rest)| rest.split_once('}')).map_or("", |(mark, _)| mark);
    let declared = mark.split_once(':').map_or("", |(_, columns)| columns);
    let column = |column: &'static str| {
        let (name, kind) = column.trim().split_once(' ')?;
        Some(Named { name, is_text: kind.trim() == "text" })
    };
    declared.split(',').filter_map(column).collect()
}

/// The portable text with its marks replaced.
pub fn expand(text: &str, dialect: Dialect) -> String {
    let mut parts = text.split('{');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (mark, rest) = part.split_once('}').unwrap_or((part, ""));
        out.push_str(&marked(mark, dialect));
        out.push_str(rest);
    }
    out
}

fn marked(mark: &str, dialect: Dialect) -> String {
    if let Some(rows) = mark.strip_prefix("rows ") {
        return as_rows(rows, dialect);
    }
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

fn as_rows(rows: &str, dialect: Dialect) -> String {
    let (head, declared) = rows.split_once(':').unwrap_or((rows, ""));
    let (param, name) = head.split_once(' ').unwrap_or((head, "r"));
    let declared: Vec<(&str, &str)> = declared.split(',').filter_map(|column| column.trim().split_once(' ')).collect();
    if dialect == Dialect::Postgres {
        let first: usize = param.trim_start_matches('$').parse().unwrap_or(1);
        let arrays = declared.iter().enumerate().map(|(at, (_, kind))| format!("${}::{}[]", first + at, kind.trim()));
        let names: Vec<&str> = declared.iter().map(|(name, _)| *name).collect();
        return format!("UNNEST({}) AS {name} ({})", arrays.collect::<Vec<_>>().join(", "), names.join(", "));
    }
    let picked: Vec<String> = declared.iter().map(|(column, _)| format!("value ->> '{column}' AS {column}")).collect();
    // As JSONB a row is parsed once, however many columns are read from it.
    format!("(SELECT {} FROM jsonb_each({param})) AS {name}", picked.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_reads_right_on_both() {
        let text = "SELECT r.id FROM {rows $2 r: id text, due_ms bigint} WHERE r.id IN {list $1} {skip_locked}";
        assert_eq!(
            expand(text, Dialect::Sqlite),
            "SELECT r.id FROM (SELECT value ->> 'id' AS id, value ->> 'due_ms' AS due_ms FROM jsonb_each($2)) AS r \
             WHERE r.id IN (SELECT value FROM json_each($1)) "
        );
        assert_eq!(
            expand(text, Dialect::Postgres),
            "SELECT r.id FROM UNNEST($2::text[], $3::bigint[]) AS r (id, due_ms) \
             WHERE r.id IN (SELECT value FROM json_array_elements_text($1::json) AS t (value)) FOR UPDATE SKIP LOCKED"
        );
    }
}
