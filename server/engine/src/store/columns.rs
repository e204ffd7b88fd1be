//! Converts rows to columns, which PostgreSQL binds as arrays, and columns to cells, which SQLite binds one by one.

use std::fmt::Display;

use serde::{
    Serialize, Serializer,
    ser::{Error as _, Impossible, SerializeStruct},
};

/// A column of a bulk statement, as its placeholder declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ColumnSpec {
    /// Name of the rows' field.
    pub name: &'static str,
    /// Whether it holds text rather than numbers.
    pub is_text: bool,
}

/// The values of a column, in the order of the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// Of type `text`.
    Texts(Vec<Option<String>>),
    /// Of type `bigint`.
    Numbers(Vec<Option<i64>>),
}

/// Extracts the declared columns from rows whose fields are text and numbers.
///
/// # Errors
/// When a field is neither, or a column has no matching field.
pub(super) fn columns<T: Serialize>(specs: &[ColumnSpec], rows: &[T]) -> Result<Vec<Column>, serde_json::Error> {
    let column = |column: &ColumnSpec| match column.is_text {
        true => Column::Texts(Vec::with_capacity(rows.len())),
        false => Column::Numbers(Vec::with_capacity(rows.len())),
    };
    let mut table = Table { specs, columns: specs.iter().map(column).collect(), next: 0 };
    for row in rows {
        row.serialize(&mut table)?;
    }
    let complete = |column: &Column| match column {
        Column::Texts(texts) => texts.len() == rows.len(),
        Column::Numbers(numbers) => numbers.len() == rows.len(),
    };
    if table.columns.iter().all(complete) { Ok(table.columns) } else { Err(refused("a row without a declared column")) }
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

/// The cells of the columns in row order, padded with empty rows to `size` rows.
///
/// # Errors
/// When the first cell of a row is null: it could not be distinguished from padding.
pub(super) fn cells(columns: Vec<Column>, size: usize) -> Result<Vec<Cell>, serde_json::Error> {
    let mut all = vec![Cell::Null; size * columns.len()];
    let (width, mut rows) = (columns.len(), 0);
    for (at, column) in columns.into_iter().enumerate() {
        let cells: Vec<Cell> = match column {
            Column::Texts(texts) => texts.into_iter().map(|text| text.map_or(Cell::Null, Cell::Text)).collect(),
            Column::Numbers(numbers) => numbers.into_iter().map(|n| n.map_or(Cell::Null, Cell::Number)).collect(),
        };
        rows = cells.len();
        cells.into_iter().enumerate().for_each(|(row, cell)| all[row * width + at] = cell);
    }
    if all.iter().step_by(width.max(1)).take(rows).any(|cell| *cell == Cell::Null) {
        return Err(refused("a row without its first value"));
    }
    Ok(all)
}

fn refused(what: impl Display) -> serde_json::Error {
    serde_json::Error::custom(format_args!("{what}: rows hold text and numbers only"))
}

struct Table<'a> {
    specs: &'a [ColumnSpec],
    columns: Vec<Column>,
    /// Where the next field belongs if fields and columns have the same order.
    next: usize,
}

impl SerializeStruct for &mut Table<'_> {
    type Ok = ();
    type Error = serde_json::Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Self::Error> {
        let matches = |at: &usize| self.specs.get(*at).is_some_and(|column| column.name == name);
        let at = Some(self.next).filter(matches).or_else(|| (0..self.specs.len()).find(matches));
        // The statement does not use this field.
        let Some(at) = at else { return Ok(()) };
        self.next = at + 1;
        match (&mut self.columns[at], value.serialize(ValueOf)?) {
            (Column::Texts(texts), Value::Text(text)) => texts.push(Some(text)),
            (Column::Numbers(numbers), Value::Number(number)) => numbers.push(Some(number)),
            (Column::Texts(texts), Value::Null) => texts.push(None),
            (Column::Numbers(numbers), Value::Null) => numbers.push(None),
            _ => return Err(refused(name)),
        }
        Ok(())
    }

    fn end(self) -> Result<(), Self::Error> {
        self.next = 0;
        Ok(())
    }
}

enum Value {
    Null,
    Text(String),
    Number(i64),
}

struct ValueOf;

/// Serializer methods for types that no row holds.
macro_rules! refuse {
    ($($method:ident($($kind:ty)?))+) => {
        $(fn $method(self, $(_: $kind)?) -> Result<Self::Ok, Self::Error> {
            Err(refused(stringify!($method)))
        })+
    };
}
/// The same for compound types.
macro_rules! refuse_compounds {
    () => {
        type SerializeSeq = Impossible<Self::Ok, Self::Error>;
        type SerializeTuple = Impossible<Self::Ok, Self::Error>;
        type SerializeTupleStruct = Impossible<Self::Ok, Self::Error>;
        type SerializeTupleVariant = Impossible<Self::Ok, Self::Error>;
        type SerializeMap = Impossible<Self::Ok, Self::Error>;
        type SerializeStructVariant = Impossible<Self::Ok, Self::Error>;

        fn serialize_unit_struct(self, name: &'static str) -> Result<Self::Ok, Self::Error> {
            Err(refused(name))
        }
        fn serialize_newtype_variant<T: Serialize + ?Sized>(
            self,
            name: &'static str,
            _: u32,
            _: &'static str,
            _: &T,
        ) -> Result<Self::Ok, Self::Error> {
            Err(refused(name))
        }
        fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Self::Error> {
            Err(refused("a sequence"))
        }
        fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Self::Error> {
            Err(refused("a tuple"))
        }
        fn serialize_tuple_struct(
            self,
            name: &'static str,
            _: usize,
        ) -> Result<Self::SerializeTupleStruct, Self::Error> {
            Err(refused(name))
        }
        fn serialize_tuple_variant(
            self,
            name: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeTupleVariant, Self::Error> {
            Err(refused(name))
        }
        fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Self::Error> {
            Err(refused("a map"))
        }
        fn serialize_struct_variant(
            self,
            name: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeStructVariant, Self::Error> {
            Err(refused(name))
        }
    };
}

impl Serializer for &mut Table<'_> {
    type Ok = ();
    type Error = serde_json::Error;
    type SerializeStruct = Self;

    refuse_compounds!();
    refuse! {
        serialize_bool(bool) serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_u8(u8)
        serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_f32(f32) serialize_f64(f64) serialize_char(char)
        serialize_str(&str) serialize_bytes(&[u8]) serialize_none() serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), Self::Error> {
        Err(refused("an option"))
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, row: &T) -> Result<(), Self::Error> {
        row.serialize(self)
    }
    fn serialize_unit_variant(self, name: &'static str, _: u32, _: &'static str) -> Result<(), Self::Error> {
        Err(refused(name))
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Self::Error> {
        Ok(self)
    }
}

impl Serializer for ValueOf {
    type Ok = Value;
    type Error = serde_json::Error;
    type SerializeStruct = Impossible<Value, Self::Error>;

    refuse_compounds!();
    refuse! { serialize_f32(f32) serialize_f64(f64) serialize_bytes(&[u8]) }
    fn serialize_bool(self, value: bool) -> Result<Value, Self::Error> {
        Ok(Value::Number(i64::from(value)))
    }
    fn serialize_i8(self, value: i8) -> Result<Value, Self::Error> {
        Ok(Value::Number(i64::from(value)))
    }
    fn serialize_i16(self, value: i16) -> Result<Value, Self::Error> {
        Ok(Value::Number(i64::from(value)))
    }
    fn serialize_i32(self, value: i32) -> Result<Value, Self::Error> {
        Ok(Value::Number(i64::from(value)))
    }
    fn serialize_i64(self, value: i64) -> Result<Value, Self::Error> {
        Ok(Value::Number(value))
    }
    fn serialize_u8(self, value: u8) -> Result<Value, Self::Error> {
        Ok(Value::Number(i64::from(value)))
    }
    fn serialize_u16(self, value: u16) -> Result<Value, Self::Error> {
        Ok(Value::Number(i64::from(value)))
    }
    fn serialize_u32(self, value: u32) -> Result<Value, Self::Error> {
        Ok(Value::Number(i64::from(value)))
    }
    fn serialize_u64(self, value: u64) -> Result<Value, Self::Error> {
        i64::try_from(value).map(Value::Number).map_err(refused)
    }
    fn serialize_char(self, value: char) -> Result<Value, Self::Error> {
        Ok(Value::Text(value.to_string()))
    }
    fn serialize_str(self, value: &str) -> Result<Value, Self::Error> {
        Ok(Value::Text(value.to_owned()))
    }
    fn serialize_none(self) -> Result<Value, Self::Error> {
        Ok(Value::Null)
    }
    fn serialize_unit(self) -> Result<Value, Self::Error> {
        Ok(Value::Null)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Self::Error> {
        value.serialize(self)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<Value, Self::Error> {
        value.serialize(self)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value, Self::Error> {
        Ok(Value::Text(variant.to_owned()))
    }
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Self::SerializeStruct, Self::Error> {
        Err(refused(name))
    }
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
        let columns = || vec![Column::Texts(vec![Some("a".into())]), Column::Numbers(vec![Some(7)])];
        let expected = [Cell::Text("a".into()), Cell::Number(7), Cell::Null, Cell::Null];
        assert_eq!(cells(columns(), 2).ok().as_deref(), Some(&expected[..]));
        assert!(cells(vec![Column::Texts(vec![None])], 1).is_err());
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
