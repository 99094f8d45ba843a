//! Bytes to records. A record ends with `\n` and with nothing else.

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryViewArray, Int64Array, RecordBatch};
use arrow_buffer::{Buffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use bytes::Bytes;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use crate::arrow::Frame;

/// The complete records of a chunk that begins at a record's start, as views into it: `@raw` (`BinaryView`, without the
/// newlines) and `@offset` (Int64: the position of each, `offset` being that of the chunk); and the bytes consumed.
#[pyfunction]
pub fn records(py: Python<'_>, chunk: PyBackedBytes, offset: i64) -> PyResult<(Frame, usize)> {
    let (batch, consumed) = py
        .detach(|| split(chunk, offset))
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok((batch.into(), consumed))
}

fn split(chunk: PyBackedBytes, offset: i64) -> Result<(RecordBatch, usize), ArrowError> {
    let data = Bytes::from_owner(chunk);
    if data.len() > i32::MAX as usize {
        return Err(ArrowError::InvalidArgumentError("a chunk of 2 GiB or more".to_owned()));
    }
    let expected = data.len() / 100;
    let (mut views, mut offsets) = (Vec::with_capacity(expected), Vec::with_capacity(expected));
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', &data) {
        views.push(view(&data[start..end], start));
        offsets.push(offset + start as i64);
        start = end + 1;
    }
    let (views, buffers) = (ScalarBuffer::from(views), Arc::from([Buffer::from(data)]));
    // SAFETY: `view` made each of a part of `data`, the one buffer, and of the place where that part begins in it.
    #[allow(unsafe_code)]
    let raw = unsafe { BinaryViewArray::new_unchecked(views, buffers, None) };
    let columns: Vec<ArrayRef> = vec![Arc::new(raw), Arc::new(Int64Array::from(offsets))];
    let schema = Schema::new(vec![
        Field::new("@raw", DataType::BinaryView, false),
        Field::new("@offset", DataType::Int64, false),
    ]);
    Ok((RecordBatch::try_new(Arc::new(schema), columns)?, start))
}

/// A view of `text`, which is at `at` of buffer 0: its length, then all of it when it is short, else its first four bytes
/// and the place (<https://arrow.apache.org/docs/format/Columnar.html>, variable-size binary view layout).
pub fn view(text: &[u8], at: usize) -> u128 {
    arrow_array::builder::make_view(text, 0, at as u32)
}
