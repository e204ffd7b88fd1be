//! Reads rows of bulk statements field by field, without copying their values.

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

/// A value that is bound to a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Param<'a> {
    /// Null.
    Null,
    /// Null where a number belongs: PostgreSQL distinguishes the two.
    NoNumber,
    /// Text.
    Text(&'a str),
    /// A number.
    Number(i64),
}

impl From<i64> for Param<'_> {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl<'a> From<&'a str> for Param<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<Option<i64>> for Param<'_> {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::NoNumber, Self::Number)
    }
}

impl<'a> From<Option<&'a str>> for Param<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }
}

/// What takes the values of rows.
pub(super) trait PutCells {
    /// Takes the value of a column of the current row.
    ///
    /// # Errors
    /// When the column is of another type.
    fn put(&mut self, column: usize, value: Param<'_>) -> Result<(), serde_json::Error>;
}

/// Passes on the declared columns of a row whose fields are text and numbers.
///
/// # Errors
/// When a field is neither, when a column has no matching field, and what `cells` refuses.
pub(super) fn put_row<T: Serialize>(
    specs: &[ColumnSpec],
    row: &T,
    cells: &mut impl PutCells,
) -> Result<(), serde_json::Error> {
    let mut fields = Fields { specs, cells, next: 0, put: 0 };
    row.serialize(&mut fields)?;
    if fields.put == specs.len() { Ok(()) } else { Err(refused("a row without a declared column")) }
}

/// The error for what no row may hold.
pub(super) fn refused(what: impl Display) -> serde_json::Error {
    serde_json::Error::custom(format_args!("{what}: rows hold text and numbers only"))
}

/// Finds the column of each field.
struct Fields<'a, C> {
    specs: &'a [ColumnSpec],
    cells: &'a mut C,
    /// Where the next field belongs if fields and columns have the same order.
    next: usize,
    put: usize,
}

impl<C: PutCells> SerializeStruct for &mut Fields<'_, C> {
    type Ok = ();
    type Error = serde_json::Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Self::Error> {
        let matches = |at: &usize| self.specs.get(*at).is_some_and(|column| column.name == name);
        let at = Some(self.next).filter(matches).or_else(|| (0..self.specs.len()).find(matches));
        // The statement does not use this field.
        let Some(column) = at else { return Ok(()) };
        (self.next, self.put) = (column + 1, self.put + 1);
        value.serialize(ValueOf { column, cells: self.cells })
    }

    fn end(self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// Passes on the value of a field.
struct ValueOf<'a, C> {
    column: usize,
    cells: &'a mut C,
}

impl<C: PutCells> ValueOf<'_, C> {
    fn put(self, value: Param<'_>) -> Result<(), serde_json::Error> {
        self.cells.put(self.column, value)
    }
}

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

impl<C: PutCells> Serializer for &mut Fields<'_, C> {
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

impl<C: PutCells> Serializer for ValueOf<'_, C> {
    type Ok = ();
    type Error = serde_json::Error;
    type SerializeStruct = Impossible<(), Self::Error>;

    refuse_compounds!();
    refuse! { serialize_f32(f32) serialize_f64(f64) serialize_bytes(&[u8]) }
    fn serialize_bool(self, value: bool) -> Result<(), Self::Error> {
        self.put(Param::Number(i64::from(value)))
    }
    fn serialize_i8(self, value: i8) -> Result<(), Self::Error> {
        self.put(Param::Number(i64::from(value)))
    }
    fn serialize_i16(self, value: i16) -> Result<(), Self::Error> {
        self.put(Param::Number(i64::from(value)))
    }
    fn serialize_i32(self, value: i32) -> Result<(), Self::Error> {
        self.put(Param::Number(i64::from(value)))
    }
    fn serialize_i64(self, value: i64) -> Result<(), Self::Error> {
        self.put(Param::Number(value))
    }
    fn serialize_u8(self, value: u8) -> Result<(), Self::Error> {
        self.put(Param::Number(i64::from(value)))
    }
    fn serialize_u16(self, value: u16) -> Result<(), Self::Error> {
        self.put(Param::Number(i64::from(value)))
    }
    fn serialize_u32(self, value: u32) -> Result<(), Self::Error> {
        self.put(Param::Number(i64::from(value)))
    }
    fn serialize_u64(self, value: u64) -> Result<(), Self::Error> {
        self.put(Param::Number(i64::try_from(value).map_err(refused)?))
    }
    fn serialize_char(self, value: char) -> Result<(), Self::Error> {
        self.put(Param::Text(value.encode_utf8(&mut [0; 4])))
    }
    fn serialize_str(self, value: &str) -> Result<(), Self::Error> {
        self.put(Param::Text(value))
    }
    fn serialize_none(self) -> Result<(), Self::Error> {
        self.put(Param::Null)
    }
    fn serialize_unit(self) -> Result<(), Self::Error> {
        self.put(Param::Null)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Self::Error> {
        value.serialize(self)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Self::Error> {
        value.serialize(self)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Self::Error> {
        self.put(Param::Text(variant))
    }
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Self::SerializeStruct, Self::Error> {
        Err(refused(name))
    }
}
