//! Values of columns as JSON text, one after the other.

use arrow_array::cast::AsArray;
use arrow_array::types::{DurationMicrosecondType, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, BinaryViewArray, BooleanArray, DurationMicrosecondArray, Float64Array, Int64Array, LargeListArray,
    StringViewArray, StructArray, TimestampMicrosecondArray,
};

use super::columns::REST;
use super::kinds::Kind;
use super::members::{Members, OTHER, Piece, Reader};
use super::moments::Stamp;
use super::scan::Scanner;
use super::strings;

/// A column that is being written.
pub enum Cells<'a> {
    Null,
    Int(&'a Int64Array),
    Float(&'a Float64Array),
    Bool(&'a BooleanArray),
    Time(&'a TimestampMicrosecondArray, Stamp),
    Duration(&'a DurationMicrosecondArray),
    Text(&'a StringViewArray),
    Bytes(&'a BinaryViewArray),
    Json(&'a StringViewArray),
    List(&'a LargeListArray, Box<Cells<'a>>),
    Record(&'a StructArray, Fields<'a>),
}

impl<'a> Cells<'a> {
    /// The values of an array, which is of the dtype that carries the type; None if it is not.
    pub fn new(array: &'a ArrayRef, kind: &'a Kind) -> Option<Cells<'a>> {
        Some(match kind {
            Kind::Null => Cells::Null,
            Kind::Int => Cells::Int(array.as_primitive_opt::<Int64Type>()?),
            Kind::Float => Cells::Float(array.as_primitive_opt::<Float64Type>()?),
            Kind::Bool => Cells::Bool(array.as_boolean_opt()?),
            Kind::Time => Cells::Time(array.as_primitive_opt::<TimestampMicrosecondType>()?, Stamp::default()),
            Kind::Duration => Cells::Duration(array.as_primitive_opt::<DurationMicrosecondType>()?),
            Kind::Text => Cells::Text(array.as_string_view_opt()?),
            Kind::Bytes => Cells::Bytes(array.as_binary_view_opt()?),
            Kind::Json => Cells::Json(array.as_string_view_opt()?),
            Kind::List(item) => {
                let lists = array.as_list_opt::<i64>()?;
                Cells::List(lists, Box::new(Cells::new(lists.values(), item)?))
            }
            Kind::Record { fields, open } => {
                let records = array.as_struct_opt()?;
                let columns = fields
                    .iter()
                    .map(|(name, kind)| Some((name.as_str(), records.column_by_name(name)?, kind)))
                    .collect::<Option<Vec<_>>>()?;
                let rest = if *open {
                    Some(records.column_by_name(REST)?)
                } else {
                    None
                };
                Cells::Record(records, Fields::new(columns, rest)?)
            }
        })
    }

    /// Append the value of a row; false, and nothing, for one that is left out of records.
    pub fn write(&mut self, row: usize, out: &mut Vec<u8>) -> bool {
        match self {
            Cells::Int(values) if values.is_valid(row) => {
                out.extend_from_slice(itoa::Buffer::new().format(values.value(row)).as_bytes());
            }
            Cells::Float(values) if values.is_valid(row) && values.value(row).is_finite() => {
                float(values.value(row), out);
            }
            Cells::Bool(values) if values.is_valid(row) => {
                out.extend_from_slice(if values.value(row) { b"true" } else { b"false" });
            }
            Cells::Time(values, stamp) if values.is_valid(row) => return stamp.write(values.value(row), out),
            Cells::Duration(values) if values.is_valid(row) => float(values.value(row) as f64 / 1e6, out),
            Cells::Text(values) if values.is_valid(row) => strings::quote(values.value(row).as_bytes(), out),
            Cells::Bytes(values) if values.is_valid(row) => {
                strings::quote(String::from_utf8_lossy(values.value(row)).as_bytes(), out);
            }
            Cells::Json(values) if values.is_valid(row) => strings::one_line(values.value(row).as_bytes(), out),
            Cells::List(lists, items) if lists.is_valid(row) => {
                let range = (lists.value_offsets()[row] as usize)..(lists.value_offsets()[row + 1] as usize);
                out.push(b'[');
                for item in range.clone() {
                    if item > range.start {
                        out.push(b',');
                    }
                    if !items.write(item, out) {
                        out.extend_from_slice(items.left_out(item));
                    }
                }
                out.push(b']');
            }
            Cells::Record(records, fields) if records.is_valid(row) => {
                out.push(b'{');
                if !fields.write(row, out) {
                    out.pop();
                    return false;
                }
                out.push(b'}');
            }
            _ => return false,
        }
        true
    }

    /// How a list shows an item that records leave out.
    fn left_out(&self, row: usize) -> &'static [u8] {
        match self {
            Cells::Record(records, _) if records.is_valid(row) => b"{}",
            _ => b"null",
        }
    }
}

/// The shortest text that reads as the same number, with a point or an exponent.
fn float(value: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
}

/// The members of objects.
pub struct Fields<'a> {
    members: Vec<(Vec<u8>, Cells<'a>)>,
    rest: Option<Rest<'a>>,
}

/// JSON objects whose members follow the others.
struct Rest<'a> {
    texts: &'a StringViewArray,
    reader: Reader,
    members: Members,
    scratch: Vec<u8>,
}

impl<'a> Fields<'a> {
    /// Members with their columns and types, and a column of further ones; None if a column is not of its type.
    pub fn new(columns: Vec<(&'a str, &'a ArrayRef, &'a Kind)>, rest: Option<&'a ArrayRef>) -> Option<Self> {
        let rest = match rest {
            Some(texts) => Some(Rest {
                texts: texts.as_string_view_opt()?,
                reader: Reader::new(columns.iter().map(|(name, _, _)| *name)),
                members: Members::default(),
                scratch: Vec::new(),
            }),
            None => None,
        };
        let members = columns
            .into_iter()
            .map(|(name, array, kind)| {
                let mut key = Vec::new();
                strings::quote(name.as_bytes(), &mut key);
                key.push(b':');
                Some((key, Cells::new(array, kind)?))
            })
            .collect::<Option<Vec<_>>>()?;
        Some(Fields { members, rest })
    }

    /// Append the members of a row, separated by commas; false when there are none.
    pub fn write(&mut self, row: usize, out: &mut Vec<u8>) -> bool {
        let begin = out.len();
        for (key, cells) in &mut self.members {
            let mark = out.len();
            if mark > begin {
                out.push(b',');
            }
            out.extend_from_slice(key);
            if !cells.write(row, out) {
                out.truncate(mark);
            }
        }
        if let Some(rest) = self.rest.as_mut().filter(|rest| rest.texts.is_valid(row)) {
            let inner = rest.others(row);
            if !inner.is_empty() {
                if out.len() > begin {
                    out.push(b',');
                }
                out.extend_from_slice(inner);
            }
        }
        out.len() > begin
    }
}

impl Rest<'_> {
    /// The members of a row that no column has, without braces.
    fn others(&mut self, row: usize) -> &[u8] {
        let text = self.texts.value(row).as_bytes();
        let mut scanner = Scanner::new(text);
        let read = self.reader.read(&mut scanner, 0, 0, &mut self.members);
        let named = read.is_ok() && self.members.found.iter().any(|member| member.slot != OTHER);
        let whole = if named {
            match self.members.others(text, scanner.breaks, &mut self.scratch) {
                Some(Piece::Same(range)) => &text[range],
                Some(Piece::Written) => &self.scratch,
                None => b"",
            }
        } else {
            text
        };
        let inner = whole.get(1..).unwrap_or_default();
        inner.strip_suffix(b"}").unwrap_or(inner)
    }
}
