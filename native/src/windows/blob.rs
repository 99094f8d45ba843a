//! States as bytes: the form in which they rest in the store. `pipeline.columns.windows.blobs` describes it.

use std::sync::Arc;

use arrow_array::builder::make_view;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow_data::MAX_INLINE_VIEW_LEN;
use arrow_schema::{ArrowError, DataType, Field, Schema, TimeUnit};

use super::column::{Column, Text, Values, column, restored, viewed, wide};
use super::unread::{Unread, torn, word};

const VERSION: u8 = 1;
const FOREIGN: u8 = 0;
const PACKED: u8 = 1;

/// Texts up to this length are in their view.
const SHORT: usize = MAX_INLINE_VIEW_LEN as usize;
/// The least byte, as a signed one, that a character of UTF-8 begins with.
const CHARACTER: i8 = -64;

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
            let all: usize = integers(out, rows, |row| i64::from(text(row).view as u32)) as usize;
            // Short texts are copied with what pads them, which the next one overwrites.
            let mut at = out.len();
            out.resize(at + all + SHORT, 0);
            for row in 0..rows {
                let text = text(row);
                let length = text.view as u32 as usize;
                if text.long.is_empty() {
                    out[at..at + SHORT].copy_from_slice(&text.view.to_le_bytes()[4..]);
                } else {
                    out[at..at + length].copy_from_slice(text.long);
                }
                at += length;
            }
            out.truncate(at);
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
        } => {
            integers(out, rows, |row| if valid(row) { words[row] } else { 0 });
        }
        Column {
            values: Values::Wide(words),
            ..
        } => {
            let word = |row: usize| i64::try_from(if valid(row) { words[row] } else { 0 });
            if (0..rows).all(|row| word(row).is_ok()) {
                integers(out, rows, |row| word(row).unwrap_or_default());
            } else {
                out.push(16);
                for row in 0..rows {
                    out.extend_from_slice(&(if valid(row) { words[row] } else { 0 }).to_le_bytes());
                }
            }
        }
    }
    Ok(())
}

/// The width in bytes, then each number in it. Gives their sum, which wraps.
fn integers(out: &mut Vec<u8>, rows: usize, number: impl Fn(usize) -> i64) -> i64 {
    let (mut low, mut high, mut sum) = (0, 0, 0i64);
    for row in 0..rows {
        let number = number(row);
        (low, high, sum) = (low.min(number), high.max(number), sum.wrapping_add(number));
    }
    let fits = |width: usize| {
        let top = 1i64 << (8 * width - 1);
        -top <= low && high < top
    };
    let width = [1, 2, 4].into_iter().find(|&width| fits(width)).unwrap_or(8);
    out.push(width as u8);
    match width {
        1 => out.extend((0..rows).map(|row| number(row) as u8)),
        2 => narrowed::<2>(out, rows, number),
        4 => narrowed::<4>(out, rows, number),
        _ => narrowed::<8>(out, rows, number),
    }
    sum
}

fn narrowed<const WIDTH: usize>(out: &mut Vec<u8>, rows: usize, number: impl Fn(usize) -> i64) {
    let from = out.len();
    out.resize(from + rows * WIDTH, 0);
    for (row, place) in out[from..].chunks_exact_mut(WIDTH).enumerate() {
        place.copy_from_slice(&number(row).to_le_bytes()[..WIDTH]);
    }
}

/// Read a state. An error for bytes that `packed` did not write.
pub fn unpacked(bytes: &[u8]) -> Result<Vec<Part>, ArrowError> {
    let mut bytes = Unread(bytes);
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

fn unpack(bytes: &mut Unread<'_>, rows: usize) -> Result<ArrayRef, ArrowError> {
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
            if all.len() > i32::MAX as usize || simdutf8::basic::from_utf8(all).is_err() {
                return Err(torn());
            }
            let (mut views, mut at) = (Vec::with_capacity(rows), 0);
            for length in lengths {
                let text = all
                    .get(at..at + usize::try_from(length).map_err(|_| torn())?)
                    .ok_or_else(torn)?;
                if text.first().is_some_and(|&byte| (byte as i8) < CHARACTER) {
                    return Err(torn());
                }
                views.push(make_view(text, 0, at as u32));
                at += text.len();
            }
            Ok(viewed(views, vec![Buffer::from(all)], nulls))
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
