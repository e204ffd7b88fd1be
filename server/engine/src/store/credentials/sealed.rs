//! Every column that is sealed with an instance key, so that it can be sealed again with another.
//!
//! A new sealed column gets an entry in [`COLUMNS`]. A test compares the list with the schema, where the names of such
//! columns end in `_sealed`.

use serde::Serialize;
use serde_json::Value;

use crate::store::{
    db::{Db, Tx, on, within},
    error::StoreResult,
    sql::{Sql, json_list},
};

/// Which part of a column's value is sealed.
#[derive(Debug, Clone, Copy)]
enum SealedPart {
    /// The whole value.
    Whole,
    /// These fields of a JSON object.
    Fields(&'static [&'static str]),
}

/// A column with sealed values.
pub struct Column {
    /// Table and column.
    pub name: &'static str,
    part: SealedPart,
    page: &'static str,
    beginnings: &'static str,
    free: Sql,
    write: Sql,
}

/// A page of a column, with each value as a whole or as what surrounds it makes of it. The inner query chooses the rows without
/// their values, which may be large.
macro_rules! page {
    ($table:literal, $row:literal, $column:literal, $bound_to:literal, $before:literal, $after:literal) => {
        concat!(
            "SELECT ",
            $row,
            " AS place, ",
            $bound_to,
            " AS bound_to, ",
            $before,
            $column,
            $after,
            " AS text FROM ",
            $table,
            " WHERE ",
            $row,
            " IN (SELECT ",
            $row,
            " FROM ",
            $table,
            " WHERE ",
            $row,
            " > $1 AND ",
            $column,
            " IS NOT NULL ORDER BY ",
            $row,
            " LIMIT $2) ORDER BY ",
            $row
        )
    };
}

/// A column by its table, an expression for the row's key, the column, and an expression for the associated data that
/// its writers seal with.
macro_rules! column {
    ($table:literal, $row:literal, $column:literal, $bound_to:literal, $part:expr) => {
        Column {
            name: concat!($table, ".", $column),
            part: $part,
            page: page!($table, $row, $column, $bound_to, "", ""),
            beginnings: page!($table, $row, $column, $bound_to, "substr(", ", 1, 16)"),
            // Locked rows are skipped, so that this cannot deadlock.
            free: Sql::new(concat!("SELECT ", $row, " FROM ", $table, " WHERE ", $row, " IN {list $1} {skip_locked}")),
            // Only values that have not changed since they were read: a newer one has been sealed by its writer.
            write: Sql::new(concat!(
                "UPDATE ",
                $table,
                " SET ",
                $column,
                " = r.becomes FROM {rows r: place text, was text, becomes text} \
                 WHERE ",
                $row,
                " = r.place AND ",
                $column,
                " = r.was"
            )),
        }
    };
}

/// All sealed columns.
pub static COLUMNS: [Column; 13] = [
    column!("connectors", "id", "secret_sealed", "account_id || '/' || id || '/secret'", SealedPart::Whole),
    column!("connector_requests", "id", "request_sealed", "connector_id || '/' || id || '/request'", SealedPart::Whole),
    column!("emails", "id", "text_sealed", "'email/' || id", SealedPart::Whole),
    column!("endpoints", "id", "auth_token_sealed", "account_id || '/' || id || '/auth_token'", SealedPart::Whole),
    column!("endpoints", "id", "secret_sealed", "account_id || '/' || id || '/secret'", SealedPart::Whole),
    column!("endpoints", "id", "headers_sealed", "account_id || '/' || id || '/headers'", SealedPart::Whole),
    column!(
        "record_import_pieces",
        "import_id || '/' || number",
        "piece_sealed",
        "import_id || '/' || number || '/piece'",
        SealedPart::Whole
    ),
    column!(
        "record_import_rows",
        "import_id || '/' || number",
        "rows_sealed",
        "import_id || '/' || number || '/rows'",
        SealedPart::Whole
    ),
    column!(
        "rotations",
        "endpoint_id || '/' || what",
        "state_sealed",
        "account_id || '/' || endpoint_id || '/' || what",
        SealedPart::Fields(&["earlier_sealed", "next_sealed"])
    ),
    column!("second_factors", "user_id", "secret_sealed", "user_id || '/second_factor'", SealedPart::Whole),
    column!("sessions", "id", "data_sealed", "'session/' || id", SealedPart::Whole),
    column!("test_line_requests", "id", "headers_sealed", "account_id || '/' || id || '/headers'", SealedPart::Whole),
    column!("test_line_requests", "id", "body_sealed", "account_id || '/' || id || '/body'", SealedPart::Whole),
];

/// A value of a column.
#[derive(Debug, Clone, sqlx_macros::FromRow)]
pub struct Stored {
    /// Key of the row.
    pub place: String,
    /// Associated data of its sealed text.
    pub bound_to: String,
    /// The value.
    pub text: String,
}

/// A value to replace.
#[derive(Debug, Clone, Serialize)]
pub struct Resealed {
    /// Key of the row.
    pub place: String,
    /// The value as it was read.
    pub was: String,
    /// The value sealed again.
    pub becomes: String,
}

impl Column {
    /// Whether its values must remain readable. Sessions expire, and what a test line or a connector received is discarded,
    /// as are files, which can be uploaded again.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        !["sessions.", "test_line_requests.", "connector_requests.", "record_import_"]
            .iter()
            .any(|table| self.name.starts_with(table))
    }

    /// Whether its values may have more than a megabyte.
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.name.starts_with("record_import_")
    }

    /// The sealed parts of a value.
    #[must_use]
    pub fn texts(&self, value: &str) -> Vec<String> {
        let SealedPart::Fields(fields) = self.part else { return vec![value.to_owned()] };
        let object: Value = serde_json::from_str(value).unwrap_or_default();
        fields.iter().filter_map(|field| object[field].as_str().map(str::to_owned)).collect()
    }

    /// The value with each sealed part replaced.
    ///
    /// # Errors
    /// Those of `by`.
    pub fn replaced<E>(&self, value: &str, mut by: impl FnMut(&str) -> Result<String, E>) -> Result<String, E> {
        let SealedPart::Fields(fields) = self.part else { return by(value) };
        let mut object: Value = serde_json::from_str(value).unwrap_or_default();
        for field in fields {
            if let Some(text) = object.get_mut(field)
                && let Some(sealed) = text.as_str()
            {
                *text = by(sealed)?.into();
            }
        }
        Ok(object.to_string())
    }
}

/// The next values of a column, after this row key.
pub async fn page(db: &Db, column: &Column, after: &str, limit: u32) -> StoreResult<Vec<Stored>> {
    let sql = column.page;
    Ok(on!(&db.readers, c => sqlx::query_as(sql).bind(after).bind(i64::from(limit)).fetch_all(c).await?))
}

/// As [`page`], with only the beginning of each value, which names its key. For columns whose whole value is sealed.
pub async fn beginnings(db: &Db, column: &Column, after: &str, limit: u32) -> StoreResult<Vec<Stored>> {
    let sql = column.beginnings;
    Ok(on!(&db.readers, c => sqlx::query_as(sql).bind(after).bind(i64::from(limit)).fetch_all(c).await?))
}

/// Replaces values that have not changed since they were read and whose rows are not locked. Returns how many.
pub async fn write(tx: &mut Tx, column: &'static Column, resealed: &[Resealed]) -> StoreResult<u64> {
    let free = column.free.on(tx.dialect());
    let wanted = json_list(resealed.iter().map(|one| one.place.as_str()));
    let free: Vec<String> = within!(&mut *tx, c => sqlx::query_scalar(free).bind(wanted).fetch_all(c).await?);
    let rows: Vec<&Resealed> = resealed.iter().filter(|one| free.contains(&one.place)).collect();
    column.write.write(tx, &rows, &[]).await
}
