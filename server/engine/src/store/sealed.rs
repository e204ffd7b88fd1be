//! Everything that is sealed with an instance key, so that it can be sealed again with another.
//!
//! A new column with sealed texts gets a row in [`COLUMNS`]; a test compares the list with the schema, where the names
//! of such columns end in `_sealed`.

use serde::Serialize;
use serde_json::Value;

use super::{
    db::{Db, Tx, on, within},
    error::StoreResult,
    json_list,
    sql::Sql,
};

/// Where the sealed texts of a column stand.
#[derive(Debug, Clone, Copy)]
enum Held {
    /// The value is one.
    Whole,
    /// The value is a JSON object, and these of its fields are.
    Fields(&'static [&'static str]),
}

/// A column that holds sealed texts.
pub struct Column {
    /// Table and column.
    pub name: &'static str,
    held: Held,
    page: &'static str,
    free: Sql,
    write: Sql,
}

/// A column by its table, an expression that names the row, the column, and an expression for what its values belong
/// to, which is what their writers bind them to.
macro_rules! column {
    ($table:literal, $row:literal, $column:literal, $bound_to:literal, $held:expr) => {
        Column {
            name: concat!($table, ".", $column),
            held: $held,
            page: concat!(
                "SELECT ",
                $row,
                " AS place, ",
                $bound_to,
                " AS bound_to, ",
                $column,
                " AS text FROM ",
                $table,
                " WHERE ",
                $row,
                " > $1 AND ",
                $column,
                " IS NOT NULL ORDER BY ",
                $row,
                " LIMIT $2"
            ),
            // Rows that somebody else holds are passed over, so that nobody waits for anybody in a circle.
            free: Sql::new(concat!("SELECT ", $row, " FROM ", $table, " WHERE ", $row, " IN {list $1} {skip_locked}")),
            // Only what is still as it was read: who changed it meanwhile has sealed it, and knew more.
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

/// All of them.
pub static COLUMNS: [Column; 8] = [
    column!("endpoints", "id", "auth_token_sealed", "account_id || '/' || id || '/auth_token'", Held::Whole),
    column!("endpoints", "id", "secret_sealed", "account_id || '/' || id || '/secret'", Held::Whole),
    column!("endpoints", "id", "headers_sealed", "account_id || '/' || id || '/headers'", Held::Whole),
    column!(
        "rotations",
        "endpoint_id || '/' || what",
        "state_sealed",
        "account_id || '/' || endpoint_id || '/' || what",
        Held::Fields(&["earlier_sealed", "next_sealed"])
    ),
    column!("second_factors", "user_id", "secret_sealed", "user_id || '/second_factor'", Held::Whole),
    column!("sessions", "id", "data_sealed", "'session/' || id", Held::Whole),
    column!("test_line_requests", "id", "headers_sealed", "account_id || '/' || id || '/headers'", Held::Whole),
    column!("test_line_requests", "id", "body_sealed", "account_id || '/' || id || '/body'", Held::Whole),
];

/// A value of a column.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Stored {
    /// Names its row.
    pub place: String,
    /// What its sealed texts belong to.
    pub bound_to: String,
    /// The value.
    pub text: String,
}

/// A value that is to take another's place.
#[derive(Debug, Clone, Serialize)]
pub struct Changed {
    /// Names the row.
    pub place: String,
    /// What it was.
    pub was: String,
    /// What it becomes.
    pub becomes: String,
}

impl Column {
    /// Whether its values are missed when they do not open. Sessions end, and what a test line received is thrown away.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        !["sessions.", "test_line_requests."].iter().any(|table| self.name.starts_with(table))
    }

    /// The sealed texts in a value.
    #[must_use]
    pub fn texts(&self, value: &str) -> Vec<String> {
        let Held::Fields(fields) = self.held else { return vec![value.to_owned()] };
        let object: Value = serde_json::from_str(value).unwrap_or_default();
        fields.iter().filter_map(|field| object[field].as_str().map(str::to_owned)).collect()
    }

    /// The value with each sealed text replaced.
    ///
    /// # Errors
    /// Those of the replacing.
    pub fn replaced<E>(&self, value: &str, mut by: impl FnMut(&str) -> Result<String, E>) -> Result<String, E> {
        let Held::Fields(fields) = self.held else { return by(value) };
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

/// The next values of a column, after that of a row.
pub async fn page(db: &Db, column: &Column, after: &str, limit: u32) -> StoreResult<Vec<Stored>> {
    let sql = column.page;
    Ok(on!(&db.readers, c => sqlx::query_as(sql).bind(after).bind(i64::from(limit)).fetch_all(c).await?))
}

/// Writes values where nothing has changed since they were read and nobody works on the row. Returns how many.
pub async fn write(tx: &mut Tx, column: &'static Column, changed: &[Changed]) -> StoreResult<u64> {
    let free = column.free.on(tx.dialect());
    let wanted = json_list(changed.iter().map(|one| one.place.as_str()));
    let free: Vec<String> = within!(&mut *tx, c => sqlx::query_scalar(free).bind(wanted).fetch_all(c).await?);
    let rows: Vec<&Changed> = changed.iter().filter(|one| free.contains(&one.place)).collect();
    column.write.write(tx, &rows).await
}
