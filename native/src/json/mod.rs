//! JSON: records to columns, and columns to records.

use pyo3::prelude::*;

mod cells;
mod columns;
mod encode;
mod extract;
mod kinds;
mod members;
mod moments;
mod pairs;
mod scalars;
mod scan;
mod strings;
mod texts;

pub use strings::quote;

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(extract::json_members, module)?)?;
    module.add_function(wrap_pyfunction!(extract::json_merged, module)?)?;
    module.add_function(wrap_pyfunction!(encode::json_lines, module)?)?;
    module.add_function(wrap_pyfunction!(encode::json_texts, module)?)?;
    module.add_function(wrap_pyfunction!(pairs::json_pairs, module)?)
}
