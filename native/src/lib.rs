//! The kernels of `pipeline.columns` that are worth machine code.
//!
//! Every function here has a twin in Python that gives the same answer; `pipeline.columns.native` decides which of the two
//! runs. Columns come in and go out through the Arrow C stream interface, without a copy; kernels run without the GIL.

use pyo3::prelude::*;

mod arrow;
mod calendar;
mod grok;
mod json;
mod lines;
mod texts;
mod windows;

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("VERSION", env!("CARGO_PKG_VERSION"))?;
    module.add("PanicException", module.py().get_type::<pyo3::panic::PanicException>())?;
    module.add_function(wrap_pyfunction!(lines::records, module)?)?;
    grok::register(module)?;
    json::register(module)?;
    texts::register(module)?;
    windows::register(module)
}
