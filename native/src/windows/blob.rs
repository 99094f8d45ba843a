//! States as bytes: the form in which they rest in the store. `pipeline.columns.windows.blobs` describes it.

use std::sync::Arc;

use arrow_array::builder::make_view;
use arrow_array::{Array, ArrayRef, RecordBatch, StringViewArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, Schema, TimeUnit};

use super::column::{Column, Text, Values, column, restored, wide};

const VERSION: u8 = 1;
const FOREIGN: u8 = 0;
const PACKED: u8 = 1;

/// One frame of a state: its columns, or an Arrow IPC stream where there is a column that this format does not know.
pub enum Part {
    Columns(RecordBatch),
    Stream(Vec<u8>),
}

/// The types that have a tag; it is the place here.
fn kinds() -> [DataType; 14] {
    [
        DataType::Int64,
        DataType::Float64,
        DataType::Boolean,
        DataType::Utf8View,
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Duration(TimeUnit::Microsecond),
        DataType::Decimal128(38, 0),
        DataType::UInt8,
        DataType::UInt16,
        DataType::UInt32,
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Timestamp(TimeUnit::Microsecond, None),
    ]
}

/// Write a state.
pub fn packed(parts: &[Part]) -> Result<Vec<u8>, ArrowError> {
    let mut out = vec![VERSION];
    count(&mut out, parts.len())?;
    for part in parts {
        match part {
            Part::Stream(bytes) => {
                out.push(FOREIGN);
                count(&mut out, bytes.len())?;
                out.extend_from_slice(bytes);
            }
            Part::Columns(batch) => {
                out.push(PACKED);
                count(&mut out, batch.num_rows())?;
                count(&mut out, batch.num_columns())?;
                for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
                    count(&mut out, field.name().len())?;
                    out.extend_from_slice(field.name().as_bytes());
                    pack(&mut out, array)?;
                }
            }
        }
    }
    Ok(out)
}

fn count(out: &mut Vec<u8>, number: usize) -> Result<(), ArrowError> {
    let number = u32::try_from(number).map_err(|_| ArrowError::InvalidArgumentError("a state of 4 GiB".to_owned()))?;
    out.extend_from_slice(&number.to_le_bytes());
    Ok(())
}

fn pack(out: &mut Vec<u8>, array: &ArrayRef) -> Result<(), ArrowError> {
    let column = column(array)?;
    let tag = kinds().iter().position(|kind| *kind == column.kind);
    let tag = tag.ok_or_else(|| ArrowError::SchemaError(format!("a state has no {}", column.kind)))?;
    out.push(tag as u8);
    let rows = array.len();
    let valid = |row: usize| column.nulls.is_none_or(|nulls| nulls.is_valid(row));
    let missing = column.nulls.is_some_and(|nulls| nulls.null_count() > 0);
    out.push(u8::from(missing));
    if missing {
        let bits = BooleanBuffer::collect_bool(rows, valid);
        out.extend_from_slice(&bits.inner().as_slice()[..rows.div_ceil(8)]);
    }
    match &column {
        Column {
            values: Values::Text(views, buffers),
            ..
        } => {
            let text = |row: usize| {
                if valid(row) {
                    Text::new(views[row], buffers)
                } else {
                    Text::default()
                }
            };
            integers(out, rows, |row| i128::from(text(row).view as u32));
            for row in 0..rows {
                text(row).with(|bytes| out.extend_from_slice(bytes));
            }
        }
        Column {
            values: Values::Word(words),
            kind: DataType::Float64,
            ..
        } => {
            for row in 0..rows {
                out.extend_from_slice(&(if valid(row) { words[row] } else { 0 }).to_le_bytes());
            }
        }
        Column {
            values: Values::Word(words),
            ..
        } => integers(out, rows, |row| if valid(row) { i128::from(words[row]) } else { 0 }),
        Column {
            values: Values::Wide(words),
            ..
        } => integers(out, rows, |row| if valid(row) { words[row] } else { 0 }),
    }
    Ok(())
}

/// The width in bytes, then each number in it.
fn integers(out: &mut Vec<u8>, rows: usize, number: impl Fn(usize) -> i128) {
    let (low, high) = (0..rows).fold((0, 0), |(low, high): (i128, i128), row| {
        let number = number(row);
        (low.min(number), high.max(number))
    });
    let fits = |width: &&usize| {
        let top = 1i128 << (8 * **width - 1);
        -top <= low && high < top
    };
    let width = [1usize, 2, 4, 8].iter().find(fits).copied().unwrap_or(16);
    out.push(width as u8);
    out.reserve(rows * width);
    for row in 0..rows {
        out.extend_from_slice(&number(row).to_le_bytes()[..width]);
    }
}

/// Read a state. An error for bytes that `packed` did not write.
pub fn unpacked(bytes: &[u8]) -> Result<Vec<Part>, ArrowError> {
    let mut bytes = Bytes(bytes);
    if bytes.byte()? != VERSION {
        return Err(torn());
    }
    let frames = bytes.count()?;
    let mut parts = Vec::new();
    for _ in 0..frames {
        if bytes.byte()? == FOREIGN {
            let length = bytes.count()?;
            parts.push(Part::Stream(bytes.take(length)?.to_vec()));
            continue;
        }
        let (rows, width) = (bytes.count()?, bytes.count()?);
        let (mut fields, mut arrays) = (Vec::new(), Vec::new());
        for _ in 0..width {
            let length = bytes.count()?;
            let name = std::str::from_utf8(bytes.take(length)?).map_err(|_| torn())?;
            let array = unpack(&mut bytes, rows)?;
            fields.push(Field::new(name, array.data_type().clone(), true));
            arrays.push(array);
        }
        parts.push(Part::Columns(RecordBatch::try_new(
            Arc::new(Schema::new(fields)),
            arrays,
        )?));
    }
    Ok(parts)
}

fn unpack(bytes: &mut Bytes<'_>, rows: usize) -> Result<ArrayRef, ArrowError> {
    let tag = bytes.byte()? as usize;
    let kind = kinds().get(tag).cloned().ok_or_else(torn)?;
    let nulls = if bytes.byte()? == 0 {
        None
    } else {
        let bits = Buffer::from(bytes.take(rows.div_ceil(8))?);
        Some(NullBuffer::new(BooleanBuffer::new(bits, 0, rows)))
    };
    match kind {
        DataType::Utf8View => {
            let lengths = bytes.words(rows)?;
            let all: i64 = lengths
                .iter()
                .try_fold(0i64, |sum, &length| sum.checked_add(length))
                .ok_or_else(torn)?;
            let all = bytes.take(usize::try_from(all).map_err(|_| torn())?)?;
            let mut left = Bytes(all);
            let mut found = Vec::with_capacity(rows);
            for length in lengths {
                let text = left.take(usize::try_from(length).map_err(|_| torn())?)?;
                found.push(make_view(text, 0, (all.len() - left.0.len() - text.len()) as u32));
            }
            if all.len() > i32::MAX as usize {
                return Err(torn());
            }
            let found = StringViewArray::try_new(ScalarBuffer::from(found), vec![Buffer::from(all)], nulls)?;
            Ok(Arc::new(found))
        }
        DataType::Float64 => {
            let words = bytes
                .take(rows.checked_mul(8).ok_or_else(torn)?)?
                .chunks_exact(8)
                .map(word)
                .collect();
            restored(&kind, words, nulls)
        }
        DataType::Decimal128(..) => wide(bytes.integers(rows)?),
        _ => restored(&kind, bytes.words(rows)?, nulls),
    }
}

/// What is left to read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], ArrowError> {
        let (taken, left) = self.0.split_at_checked(length).ok_or_else(torn)?;
        self.0 = left;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, ArrowError> {
        Ok(self.take(1)?[0])
    }

    fn count(&mut self) -> Result<usize, ArrowError> {
        let taken = self.take(4)?;
        Ok(taken.first_chunk().map_or(0, |&four| u32::from_le_bytes(four)) as usize)
    }

    /// Integers of at most 64 bits.
    fn words(&mut self, rows: usize) -> Result<Vec<i64>, ArrowError> {
        let width = self.byte()? as usize;
        let taken = self.take(rows.checked_mul(width).ok_or_else(torn)?)?;
        Ok(match width {
            1 => taken.iter().map(|&byte| i64::from(byte as i8)).collect(),
            2 => wide_words(taken, |two| i64::from(i16::from_le_bytes(two))),
            4 => wide_words(taken, |four| i64::from(i32::from_le_bytes(four))),
            8 => wide_words(taken, i64::from_le_bytes),
            _ => return Err(torn()),
        })
    }

    /// Integers of any width.
    fn integers(&mut self, rows: usize) -> Result<Vec<i128>, ArrowError> {
        let width = self.byte()? as usize;
        if ![1, 2, 4, 8, 16].contains(&width) {
            return Err(torn());
        }
        let taken = self.take(rows.checked_mul(width).ok_or_else(torn)?)?;
        Ok(taken.chunks_exact(width).map(number).collect())
    }
}

fn wide_words<const WIDTH: usize>(bytes: &[u8], word: impl Fn([u8; WIDTH]) -> i64) -> Vec<i64> {
    let parts = bytes.chunks_exact(WIDTH);
    parts
        .map(|part| part.first_chunk().map_or(0, |&part| word(part)))
        .collect()
}

fn number(bytes: &[u8]) -> i128 {
    let negative = bytes.last().is_some_and(|&last| last >= 128);
    let mut all = [if negative { 255 } else { 0 }; 16];
    all[..bytes.len()].copy_from_slice(bytes);
    i128::from_le_bytes(all)
}

fn word(bytes: &[u8]) -> i64 {
    bytes.first_chunk().map_or(0, |&eight| i64::from_le_bytes(eight))
}

fn torn() -> ArrowError {
    ArrowError::ParseError("not a state of a window".to_owned())
}
