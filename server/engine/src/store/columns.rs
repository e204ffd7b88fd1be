//! Converts rows to columns, which PostgreSQL binds as arrays, and to cells, which SQLite binds one by one.

use serde::Serialize;

use crate::store::row_values::{ColumnSpec, Param, PutCells, put_row, refused};

/// The values of a column, in the order of the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// Of type `text`.
    Texts(Vec<Option<String>>),
    /// Of type `bigint`.
    Numbers(Vec<Option<i64>>),
}

/// What a text has parameters for, in the order in which they are written.
pub(super) struct Layout {
    /// The columns of its rows.
    pub(super) specs: Vec<ColumnSpec>,
    /// The other parameters, by number.
    pub(super) params: Vec<usize>,
    /// How many of these are written before the rows.
    pub(super) before: usize,
}

/// Extracts the declared columns from rows whose fields are text and numbers.
///
/// # Errors
/// As [`put_row`].
pub(super) fn columns<T: Serialize>(specs: &[ColumnSpec], rows: &[T]) -> Result<Vec<Column>, serde_json::Error> {
    let column = |column: &ColumnSpec| match column.is_text {
        true => Column::Texts(Vec::with_capacity(rows.len())),
        false => Column::Numbers(Vec::with_capacity(rows.len())),
    };
    let mut columns: Vec<Column> = specs.iter().map(column).collect();
    rows.iter().try_for_each(|row| put_row(specs, row, &mut columns))?;
    Ok(columns)
}

impl PutCells for Vec<Column> {
    fn put(&mut self, column: usize, value: Param<'_>) -> Result<(), serde_json::Error> {
        match (&mut self[column], value) {
            (Column::Texts(texts), Param::Text(text)) => texts.push(Some(text.to_owned())),
            (Column::Numbers(numbers), Param::Number(number)) => numbers.push(Some(number)),
            (Column::Texts(texts), Param::Null) => texts.push(None),
            (Column::Numbers(numbers), Param::Null | Param::NoNumber) => numbers.push(None),
            _ => return Err(refused("a value of another type")),
        }
        Ok(())
    }
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Null.
    Null,
    /// Text.
    Text(String),
    /// A number.
    Number(i64),
}

/// The cells of rows in row order, padded with empty rows to `size` rows.
///
/// # Errors
/// As [`put_row`], and when the first cell of a row is null: it could not be distinguished from padding.
pub(super) fn cells<T: Serialize>(
    specs: &[ColumnSpec],
    rows: &[T],
    size: usize,
) -> Result<Vec<Cell>, serde_json::Error> {
    let mut all = Cells { row: 0, width: specs.len(), all: vec![Cell::Null; size * specs.len()] };
    for row in rows {
        put_row(specs, row, &mut all)?;
        all.row += 1;
    }
    Ok(all.all)
}

struct Cells {
    row: usize,
    width: usize,
    all: Vec<Cell>,
}

impl PutCells for Cells {
    fn put(&mut self, column: usize, value: Param<'_>) -> Result<(), serde_json::Error> {
        not_padding(column, value)?;
        self.all[self.row * self.width + column] = match value {
            Param::Null | Param::NoNumber => Cell::Null,
            Param::Text(text) => Cell::Text(text.to_owned()),
            Param::Number(number) => Cell::Number(number),
        };
        Ok(())
    }
}

/// Refuses a row without its first value: on SQLite it could not be distinguished from padding.
pub(super) fn not_padding(column: usize, value: Param<'_>) -> Result<(), serde_json::Error> {
    if column == 0 && value == Param::Null { Err(refused("a row without its first value")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPECS: [ColumnSpec; 2] =
        [ColumnSpec { name: "id", is_text: true }, ColumnSpec { name: "due_ms", is_text: false }];

    #[derive(Serialize)]
    struct Row {
        due_ms: Option<i64>,
        unused: u32,
        id: &'static str,
    }

    #[test]
    fn fields_match_their_columns_in_any_order() {
        let rows = [Row { due_ms: Some(7), unused: 1, id: "a" }, Row { due_ms: None, unused: 2, id: "b" }];
        let texts = Column::Texts(vec![Some("a".into()), Some("b".into())]);
        assert_eq!(columns(&SPECS, &rows).ok(), Some(vec![texts, Column::Numbers(vec![Some(7), None])]));
    }

    #[test]
    fn cells_come_in_row_order_and_are_padded() {
        let row = Row { due_ms: Some(7), unused: 1, id: "a" };
        let expected = [Cell::Text("a".into()), Cell::Number(7), Cell::Null, Cell::Null];
        assert_eq!(cells(&SPECS, &[row], 2).ok().as_deref(), Some(&expected[..]));
        let [id, due_ms] = SPECS;
        let row = Row { due_ms: None, unused: 1, id: "a" };
        assert!(cells(&[due_ms, id], &[row], 1).is_err(), "the first value is missing");
    }

    #[test]
    fn values_that_are_not_rows_are_refused() {
        assert!(columns(&SPECS, &[("a", 7)]).is_err());
        assert!(columns(&SPECS[..1], &[serde_json::json!({ "id": 7 })]).is_err());
        #[derive(Serialize)]
        struct Short {
            id: &'static str,
        }
        assert!(columns(&SPECS, &[Short { id: "a" }]).is_err());
        assert!(columns(&SPECS[1..], &[Row { due_ms: None, unused: 0, id: "" }]).is_ok());
    }
}
