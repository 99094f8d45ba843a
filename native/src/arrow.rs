//! The boundary: columns of Python objects in, columns for Python objects out.
//!
//! The unsafe code of the crate is here, but for a block each in `lines.rs`, `grok/rows.rs`, `texts/pages.rs` and
//! `windows/column.rs`, where views are put into a column. A producer hands over a stream in a capsule named `arrow_array_stream`
//! (<https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html>).

use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::{RecordBatch, RecordBatchIterator};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

const STREAM: &std::ffi::CStr = c"arrow_array_stream";

/// Columns on their way to Python: anything that reads the Arrow C stream interface takes them without a copy.
#[pyclass(frozen, module = "pipeline.columns._native")]
pub struct Frame(RecordBatch);

impl From<RecordBatch> for Frame {
    fn from(batch: RecordBatch) -> Self {
        Frame(batch)
    }
}

#[pymethods]
impl Frame {
    fn __len__(&self) -> usize {
        self.0.num_rows()
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // The interface allows to ignore the wish, and there is one way to write these columns.
        let _ = requested_schema;
        let schema = self.0.schema();
        let batches = RecordBatchIterator::new([Ok(self.0.clone())], schema);
        PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(Box::new(batches)), STREAM)
    }
}

/// The chunks of a Python object that exports record batches: a Polars frame, or columns that never left.
pub fn batches(object: &Bound<'_, PyAny>) -> PyResult<Vec<RecordBatch>> {
    if let Ok(frame) = object.cast::<Frame>() {
        return Ok(vec![frame.get().0.clone()]);
    }
    let capsule = object.call_method0("__arrow_c_stream__")?.cast_into::<PyCapsule>()?;
    let reader = taken(&capsule)?;
    reader
        .collect::<Result<_, _>>()
        .map_err(|error| PyValueError::new_err(error.to_string()))
}

#[allow(unsafe_code)]
fn taken(capsule: &Bound<'_, PyCapsule>) -> PyResult<RecordBatchStreamReader> {
    let pointer = capsule
        .pointer_checked(Some(STREAM))?
        .cast::<FFI_ArrowArrayStream>()
        .as_ptr();
    // SAFETY: `pointer_checked` proved the capsule's name, and the interface says that a capsule of this name points to a
    // valid stream that its producer keeps until the capsule dies. We hold the capsule and the GIL. `from_raw` moves the
    // stream out and leaves an empty one, so that the capsule's destructor releases nothing that is ours.
    let reader = unsafe { RecordBatchStreamReader::from_raw(pointer) };
    reader.map_err(|error| PyTypeError::new_err(error.to_string()))
}
