//! Columns of typed values, filled record by record from the places of JSON values.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, DurationMicrosecondArray, Float64Array, Int64Array, LargeListArray, NullArray,
    StructArray, TimestampMicrosecondArray,
};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, Fields};
use pyo3::PyResult;

use super::kinds::Kind;
use super::members::{self, Members, OTHER, Piece, Reader};
use super::scalars::{self, Moments};
use super::scan::{Class, Scanner, Spot};
use super::strings;
use super::texts::{Place, Texts};

/// The column (or member) of what nobody names.
pub const REST: &str = "@rest";

/// One record: its text, where that is, whether it has line breaks, and what converting needs.
pub struct Record<'a> {
    pub text: &'a [u8],
    pub place: Place,
    pub breaks: bool,
    pub moments: &'a mut Moments,
    pub scratch: &'a mut Vec<u8>,
}

/// Values with nulls.
pub struct Values<T> {
    values: Vec<T>,
    nulls: NullBufferBuilder,
}

impl<T: Default> Values<T> {
    fn new(rows: usize) -> Self {
        Values {
            values: Vec::with_capacity(rows),
            nulls: NullBufferBuilder::new(rows),
        }
    }

    fn push(&mut self, value: Option<T>) {
        self.nulls.append(value.is_some());
        self.values.push(value.unwrap_or_default());
    }
}

/// A column that is being filled.
pub enum Column {
    Int(Values<i64>),
    Float(Values<f64>),
    Bool(BooleanBufferBuilder, NullBufferBuilder),
    Time(Values<i64>),
    Duration(Values<i64>),
    Text(Texts),
    Bytes(Texts),
    Json(Texts),
    Null(usize),
    List {
        offsets: Vec<i64>,
        nulls: NullBufferBuilder,
        items: Box<Column>,
        length: i64,
    },
    Object {
        nulls: NullBufferBuilder,
        object: Box<Object>,
    },
}

impl Column {
    /// A column for `rows` values. `shared` is the number of buffers with records.
    pub fn new(kind: &Kind, rows: usize, shared: u32) -> Column {
        match kind {
            Kind::Int => Column::Int(Values::new(rows)),
            Kind::Float => Column::Float(Values::new(rows)),
            Kind::Bool => Column::Bool(BooleanBufferBuilder::new(rows), NullBufferBuilder::new(rows)),
            Kind::Time => Column::Time(Values::new(rows)),
            Kind::Duration => Column::Duration(Values::new(rows)),
            Kind::Text => Column::Text(Texts::new(rows, shared)),
            Kind::Bytes => Column::Bytes(Texts::new(rows, shared)),
            Kind::Json => Column::Json(Texts::new(rows, shared)),
            Kind::Null => Column::Null(0),
            Kind::List(item) => Column::List {
                offsets: vec![0],
                nulls: NullBufferBuilder::new(rows),
                items: Box::new(Column::new(item, rows, shared)),
                length: 0,
            },
            Kind::Record { fields, open } => Column::Object {
                nulls: NullBufferBuilder::new(rows),
                object: Box::new(Object::new(fields, *open, rows, shared)),
            },
        }
    }

    /// One more value; null where it is missing or of another type. The error is one that reading a time raised.
    pub fn push(&mut self, record: &mut Record, spot: Option<Spot>) -> PyResult<()> {
        let class = spot.map_or(Class::Null, |spot| spot.class);
        let (begin, end) = spot.map_or((0, 0), |spot| (spot.begin, spot.end));
        let number = (class == Class::Number).then(|| &record.text[begin..end]);
        match self {
            Column::Int(values) => values.push(number.and_then(scalars::int)),
            Column::Float(values) => values.push(number.and_then(scalars::float)),
            Column::Duration(values) => values.push(number.and_then(scalars::duration)),
            Column::Bool(values, nulls) => {
                nulls.append(matches!(class, Class::True | Class::False));
                values.append(class == Class::True);
            }
            Column::Time(values) => values.push(match class {
                Class::Plain => record.moments.read(&record.text[begin + 1..end - 1])?,
                Class::Escaped => {
                    decoded(record, begin, end);
                    record.moments.read(record.scratch)?
                }
                _ => None,
            }),
            Column::Text(texts) | Column::Bytes(texts) => match class {
                Class::Plain => texts.piece(record.text, record.place, begin + 1..end - 1),
                Class::Escaped => {
                    decoded(record, begin, end);
                    texts.copy(record.scratch);
                }
                _ => texts.null(),
            },
            Column::Json(texts) => match class {
                Class::Null => texts.null(),
                Class::Array | Class::Object if record.breaks => {
                    record.scratch.clear();
                    strings::one_line(&record.text[begin..end], record.scratch);
                    texts.copy(record.scratch);
                }
                _ => texts.piece(record.text, record.place, begin..end),
            },
            Column::Null(rows) => *rows += 1,
            Column::List {
                offsets,
                nulls,
                items,
                length,
            } => {
                nulls.append(class == Class::Array);
                let mut outcome = Ok(());
                if class == Class::Array {
                    members::items(&mut Scanner::new(record.text), begin, |item| {
                        if outcome.is_ok() {
                            outcome = items.push(record, Some(item));
                        }
                        *length += 1;
                    });
                }
                offsets.push(*length);
                outcome?;
            }
            Column::Object { nulls, object } => {
                nulls.append(class == Class::Object);
                object.push(record, spot.filter(|_| class == Class::Object))?;
            }
        }
        Ok(())
    }

    /// The finished column and its dtype. `buffers` are those with records.
    pub fn finish(self, buffers: &[Buffer]) -> Result<(DataType, ArrayRef), ArrowError> {
        let array: ArrayRef = match self {
            Column::Int(mut values) => Arc::new(Int64Array::try_new(values.values.into(), values.nulls.finish())?),
            Column::Float(mut values) => Arc::new(Float64Array::try_new(values.values.into(), values.nulls.finish())?),
            Column::Bool(mut values, mut nulls) => Arc::new(BooleanArray::new(values.finish(), nulls.finish())),
            Column::Time(mut values) => Arc::new(
                TimestampMicrosecondArray::try_new(values.values.into(), values.nulls.finish())?.with_timezone("UTC"),
            ),
            Column::Duration(mut values) => Arc::new(DurationMicrosecondArray::try_new(
                values.values.into(),
                values.nulls.finish(),
            )?),
            Column::Text(texts) | Column::Json(texts) => Arc::new(texts.strings(buffers)?),
            Column::Bytes(texts) => Arc::new(texts.bytes(buffers)?),
            Column::Null(rows) => Arc::new(NullArray::new(rows)),
            Column::List {
                offsets,
                mut nulls,
                items,
                ..
            } => {
                let (kind, items) = items.finish(buffers)?;
                let field = Arc::new(Field::new("item", kind, true));
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                Arc::new(LargeListArray::try_new(field, offsets, items, nulls.finish())?)
            }
            Column::Object { mut nulls, object } => {
                let (fields, columns) = object.finish(buffers)?;
                Arc::new(StructArray::try_new(fields, columns, nulls.finish())?)
            }
        };
        Ok((array.data_type().clone(), array))
    }
}

/// The value of a string with escapes, in the record's scratch.
fn decoded(record: &mut Record, begin: usize, end: usize) {
    record.scratch.clear();
    strings::unescape(&record.text[begin + 1..end - 1], record.scratch);
    strings::clean(record.scratch, 0);
}

/// The columns of an object's members, and of the others where it is open.
pub struct Object {
    names: Vec<String>,
    columns: Vec<Column>,
    rest: Option<Texts>,
    pub reader: Reader,
    pub members: Members,
    /// By slot, the member that was found for it in this record.
    taken: Vec<Option<Spot>>,
}

impl Object {
    pub fn new(fields: &[(String, Kind)], open: bool, rows: usize, shared: u32) -> Self {
        Object {
            names: fields.iter().map(|(name, _)| name.clone()).collect(),
            columns: fields.iter().map(|(_, kind)| Column::new(kind, rows, shared)).collect(),
            rest: open.then(|| Texts::new(rows, shared)),
            reader: Reader::new(fields.iter().map(|(name, _)| name.as_str())),
            members: Members::default(),
            taken: vec![None; fields.len()],
        }
    }

    /// One more object, which is known to be well-formed; or none.
    pub fn push(&mut self, record: &mut Record, spot: Option<Spot>) -> PyResult<()> {
        self.members.found.clear();
        if let Some(spot) = spot {
            // It was read before without a mistake, so there is none now.
            let _ = self
                .reader
                .read(&mut Scanner::new(record.text), spot.begin, 0, &mut self.members);
        }
        self.take(record)
    }

    /// One more row from `members`, which are of this record.
    pub fn take(&mut self, record: &mut Record) -> PyResult<()> {
        self.taken.fill(None);
        for member in self.members.found.iter().filter(|member| member.slot != OTHER) {
            if let Some(taken) = self.taken.get_mut(member.slot as usize) {
                *taken = Some(member.value);
            }
        }
        for (column, spot) in self.columns.iter_mut().zip(&self.taken) {
            column.push(record, *spot)?;
        }
        if let Some(rest) = &mut self.rest {
            match self.members.others(record.text, record.breaks, record.scratch) {
                Some(Piece::Same(range)) => rest.piece(record.text, record.place, range),
                Some(Piece::Written) => rest.copy(record.scratch),
                None => rest.null(),
            }
        }
        Ok(())
    }

    /// The finished columns, the rest as the last.
    pub fn finish(self, buffers: &[Buffer]) -> Result<(Fields, Vec<ArrayRef>), ArrowError> {
        let mut fields = Vec::with_capacity(self.names.len() + 1);
        let mut arrays = Vec::with_capacity(self.names.len() + 1);
        for (name, column) in self.names.into_iter().zip(self.columns) {
            let (kind, array) = column.finish(buffers)?;
            fields.push(Field::new(name, kind, true));
            arrays.push(array);
        }
        if let Some(rest) = self.rest {
            fields.push(Field::new(REST, DataType::Utf8View, true));
            arrays.push(Arc::new(rest.strings(buffers)?));
        }
        Ok((fields.into(), arrays))
    }
}
