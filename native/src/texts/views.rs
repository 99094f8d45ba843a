//! Text columns on their way in: one column of views, chunk by chunk.

use arrow_array::{Array, BinaryViewArray, RecordBatch, StringViewArray};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::arrow::batches;

/// The chunks of the one column of a frame, String or Binary, as bytes. Raises `TypeError` for any other frame.
pub fn column(frame: &Bound<'_, PyAny>) -> PyResult<Vec<BinaryViewArray>> {
    batches(frame)?
        .iter()
        .map(|batch| {
            chunk(batch).ok_or_else(|| PyTypeError::new_err("a frame of one String or Binary column is needed"))
        })
        .collect()
}

/// The same for a String column. Raises `TypeError` for any other frame.
pub fn texts(frame: &Bound<'_, PyAny>) -> PyResult<Vec<BinaryViewArray>> {
    batches(frame)?
        .iter()
        .map(|batch| match batch.columns() {
            [array] => array.as_any().downcast_ref::<StringViewArray>(),
            _ => None,
        })
        .map(|texts| {
            let texts = texts.ok_or_else(|| PyTypeError::new_err("a frame of one String column is needed"))?;
            Ok(texts.clone().to_binary_view())
        })
        .collect()
}

fn chunk(batch: &RecordBatch) -> Option<BinaryViewArray> {
    let [array] = batch.columns() else { return None };
    let any = array.as_any();
    any.downcast_ref::<BinaryViewArray>().cloned().or_else(|| {
        any.downcast_ref::<StringViewArray>()
            .map(|texts| texts.clone().to_binary_view())
    })
}

/// The rows of all chunks.
pub fn height(chunks: &[BinaryViewArray]) -> usize {
    chunks.iter().map(Array::len).sum()
}

/// The values of all chunks in order; `None` is null.
pub fn values(chunks: &[BinaryViewArray]) -> impl Iterator<Item = Option<&[u8]>> {
    chunks
        .iter()
        .flat_map(|chunk| (0..chunk.len()).map(|row| chunk.is_valid(row).then(|| chunk.value(row))))
}
