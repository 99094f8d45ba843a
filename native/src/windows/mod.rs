//! Windows: all metrics of a batch in one pass.
//!
//! Every key column is hashed once, whatever the number of metrics that group by it; a group is then a small number, and
//! counting is adding to an array. States come out as columns with bytes of their own.

mod blob;
mod column;
mod facts;
mod fold;
mod groups;
mod pairs;
mod rank;
mod reduce;
mod registers;
mod slots;
pub mod table;
mod unread;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, Schema};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::arrow::{Frame, batches};
use blob::Part;
use facts::Metric;
use fold::Fold;
use reduce::How;
use slots::Clock;

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(window_states, module)?)?;
    module.add_function(wrap_pyfunction!(window_merged, module)?)?;
    module.add_function(wrap_pyfunction!(window_ranked, module)?)?;
    module.add_function(wrap_pyfunction!(window_shrunk, module)?)?;
    module.add_function(wrap_pyfunction!(window_facts, module)?)?;
    module.add_function(wrap_pyfunction!(window_packed, module)?)?;
    module.add_function(wrap_pyfunction!(window_unpacked, module)?)
}

type Keys = Vec<(String, usize)>;
type States = Vec<(String, String, Option<usize>)>;

/// The states of a batch's windows: `(start, a frame for each fold)` for every window that has a row.
///
/// `time` is the column with the time of each row (any of 64 bits), `length` that of a window (0: one window, at 0). A fold is
/// `(keys, conditions, present, states)`: keys as (name in the state, column); Boolean columns that must be true; columns
/// that must not be null; states as (name, reduction, column).
#[pyfunction]
fn window_states(
    py: Python<'_>,
    frame: &Bound<'_, PyAny>,
    time: usize,
    length: i64,
    folds: Vec<(Keys, Vec<usize>, Vec<usize>, States)>,
) -> PyResult<Vec<(i64, Vec<Frame>)>> {
    let batch = chunk(frame)?;
    let folds: Vec<Fold> = folds
        .into_iter()
        .map(|(keys, conditions, present, states)| parsed(keys, conditions, present, states))
        .collect::<PyResult<_>>()?;
    let clock = Clock { column: time, length };
    let windows = py
        .detach(|| fold::fold(&batch, Some(clock), &folds))
        .map_err(|error| refused(&error))?;
    Ok(windows
        .into_iter()
        .map(|(start, frames)| (start, frames.into_iter().map(Frame::from).collect()))
        .collect())
}

/// One frame of states for each of `folds`, with one row per key: a fold is `(frames, keys, states)`, the frames being the
/// states to merge, the others as in `window_states`. None for a fold whose columns the kernel does not know.
#[pyfunction]
fn window_merged(py: Python<'_>, folds: Vec<(Vec<Bound<'_, PyAny>>, Keys, States)>) -> PyResult<Vec<Option<Frame>>> {
    let folds: Vec<(Vec<RecordBatch>, Fold)> = folds
        .into_iter()
        .map(|(frames, keys, states)| {
            let chunks = frames.iter().map(chunk).collect::<PyResult<_>>()?;
            Ok((chunks, parsed(keys, Vec::new(), Vec::new(), states)?))
        })
        .collect::<PyResult<_>>()?;
    let merged: Vec<Result<RecordBatch, ArrowError>> =
        py.detach(|| folds.iter().map(|(chunks, fold)| fold::merged(chunks, fold)).collect());
    merged
        .into_iter()
        .map(|state| match state {
            Ok(state) => Ok(Some(Frame::from(state))),
            Err(ArrowError::SchemaError(_)) => Ok(None),
            Err(error) => Err(refused(&error)),
        })
        .collect()
}

/// The `k` rows of each group with the highest count, best first: the columns of `frame` (group fields, key, count) and `rank`.
#[pyfunction]
fn window_ranked(py: Python<'_>, frame: &Bound<'_, PyAny>, k: usize) -> PyResult<Frame> {
    let batch = chunk(frame)?;
    let best = py.detach(|| rank::ranked(&batch, k)).map_err(|error| refused(&error))?;
    Ok(best.into())
}

/// `frame` (group fields, value, register) with registers for the values of groups that have more than `limit` values, or
/// registers; None where there is no such group.
#[pyfunction]
fn window_shrunk(py: Python<'_>, frame: &Bound<'_, PyAny>, limit: usize) -> PyResult<Option<Frame>> {
    let batch = chunk(frame)?;
    let made = py
        .detach(|| registers::shrunk(&batch, limit))
        .map_err(|error| refused(&error))?;
    Ok(made.map(Frame::from))
}

type Events = (Vec<Option<String>>, Vec<Option<i64>>, Vec<Option<i64>>, Vec<String>);

/// The events of a metric whose state is `frame`: columns `by`, `value`, `rank` and `key`. `by` are group fields as (name,
/// column), `ranked` is (name, column, how many), `value` is a column. None where the kernel does not know a column.
#[pyfunction]
fn window_facts(
    py: Python<'_>,
    frame: &Bound<'_, PyAny>,
    name: String,
    by: Keys,
    ranked: Option<(String, usize, usize)>,
    value: usize,
) -> PyResult<Option<Events>> {
    let batch = chunk(frame)?;
    let metric = Metric {
        name,
        by,
        ranked,
        value,
    };
    match py.detach(|| facts::facts(&batch, &metric)) {
        Ok(facts) => Ok(Some((facts.by, facts.value, facts.rank, facts.key))),
        Err(ArrowError::SchemaError(_)) => Ok(None),
        Err(error) => Err(refused(&error)),
    }
}

/// A state as bytes; its parts are frames, or bytes where a frame is an Arrow IPC stream already.
#[pyfunction]
fn window_packed<'py>(py: Python<'py>, parts: Vec<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyBytes>> {
    let parts: Vec<Part> = parts
        .into_iter()
        .map(|part| match part.cast::<PyBytes>() {
            Ok(stream) => Ok(Part::Stream(stream.as_bytes().to_vec())),
            Err(_) => Ok(Part::Columns(chunk(&part)?)),
        })
        .collect::<PyResult<_>>()?;
    let bytes = py.detach(|| blob::packed(&parts)).map_err(|error| refused(&error))?;
    Ok(PyBytes::new(py, &bytes))
}

/// The parts of `window_packed`. `ValueError` for other bytes.
#[pyfunction]
fn window_unpacked<'py>(py: Python<'py>, data: &[u8]) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let parts = py.detach(|| blob::unpacked(data)).map_err(|error| refused(&error))?;
    parts
        .into_iter()
        .map(|part| match part {
            Part::Stream(stream) => Ok(PyBytes::new(py, &stream).into_any()),
            Part::Columns(batch) => Ok(Bound::new(py, Frame::from(batch))?.into_any()),
        })
        .collect()
}

fn parsed(keys: Keys, conditions: Vec<usize>, present: Vec<usize>, states: States) -> PyResult<Fold> {
    let states = states
        .into_iter()
        .map(|(name, how, column)| {
            let how = How::named(&how).ok_or_else(|| PyValueError::new_err(format!("there is no reduction {how}")))?;
            Ok((name, how, column))
        })
        .collect::<PyResult<_>>()?;
    Ok(Fold {
        keys,
        conditions,
        present,
        states,
    })
}

/// The one chunk of a frame.
fn chunk(frame: &Bound<'_, PyAny>) -> PyResult<RecordBatch> {
    let mut chunks = batches(frame)?;
    match (chunks.pop(), chunks.is_empty()) {
        (Some(chunk), true) => Ok(chunk),
        (None, _) => Ok(RecordBatch::new_empty(Schema::empty().into())),
        _ => Err(PyValueError::new_err("a frame of several chunks: rechunk it first")),
    }
}

fn refused(error: &ArrowError) -> PyErr {
    PyValueError::new_err(error.to_string())
}
