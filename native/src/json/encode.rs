//! Columns to JSON text: lines of objects, or one value a row.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::cells::{Cells, Fields};
use super::kinds::{self, Kind};
use super::texts::Texts;
use crate::arrow::{Frame, batches};

/// One JSON object and a newline a row. `members` are pairs of a name and a type, one for each column of `frame`; a further
/// column of the frame has JSON objects with members to follow. `TypeError` if a column is not of the dtype of its type.
#[pyfunction]
pub fn json_lines<'py>(
    py: Python<'py>,
    frame: &Bound<'py, PyAny>,
    members: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    let chunks = batches(frame)?;
    let members = kinds::named(members)?;
    let lines = py.detach(|| {
        let mut out = Vec::new();
        chunks
            .iter()
            .try_for_each(|chunk| lines(chunk, &members, &mut out))
            .map(|()| out)
    });
    Ok(PyBytes::new(py, &lines.ok_or_else(mismatch)?))
}

/// The values of the only column of `frame` as JSON text (`Utf8View`), of a type; null for null and for records without
/// members. `TypeError` if the column is not of the type's dtype.
#[pyfunction]
pub fn json_texts(py: Python<'_>, frame: &Bound<'_, PyAny>, kind: &Bound<'_, PyAny>) -> PyResult<Frame> {
    let chunks = batches(frame)?;
    let kind = Kind::of(kind)?;
    let texts = py.detach(|| {
        let mut texts = Texts::new(chunks.iter().map(RecordBatch::num_rows).sum(), 0);
        chunks
            .iter()
            .try_for_each(|chunk| values(chunk, &kind, &mut texts))
            .map(|()| texts)
    });
    let texts = texts.ok_or_else(mismatch)?.strings(&[]);
    let column: ArrayRef = Arc::new(texts.map_err(|error| PyValueError::new_err(error.to_string()))?);
    let schema = Schema::new(vec![Field::new("", DataType::Utf8View, true)]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![column]);
    Ok(batch.map_err(|error| PyValueError::new_err(error.to_string()))?.into())
}

fn mismatch() -> PyErr {
    PyTypeError::new_err("a column is not of the dtype that carries its type")
}

/// Rows that tell how long the others will be.
const SAMPLE: usize = 64;

fn lines(chunk: &RecordBatch, members: &[(String, Kind)], out: &mut Vec<u8>) -> Option<()> {
    let columns = members
        .iter()
        .zip(chunk.columns())
        .map(|((name, kind), array)| (name.as_str(), array, kind));
    let mut fields = Fields::new(columns.collect(), chunk.columns().get(members.len()))?;
    let begin = out.len();
    for row in 0..chunk.num_rows() {
        if row == SAMPLE {
            // The rows to come are about as long as those before: growing again and again would copy them all.
            out.reserve((out.len() - begin) / SAMPLE * (chunk.num_rows() - row) / 8 * 9);
        }
        out.push(b'{');
        fields.write(row, out);
        out.extend_from_slice(b"}\n");
    }
    Some(())
}

fn values(chunk: &RecordBatch, kind: &Kind, texts: &mut Texts) -> Option<()> {
    let mut cells = Cells::new(chunk.columns().first()?, kind)?;
    let mut scratch = Vec::new();
    for row in 0..chunk.num_rows() {
        scratch.clear();
        if cells.write(row, &mut scratch) {
            texts.copy(&scratch);
        } else {
            texts.null();
        }
    }
    Some(())
}
