//! Texts of a batch: times that they tell, the pages of request targets, their distinct values, pairs of
//! keys and values, and records as they came.

use pyo3::prelude::*;

mod keys;
mod pages;
mod pairs;
mod raw;
mod stamps;
pub mod views;

/// Put what this room offers into the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<keys::Keys>()?;
    module.add_class::<stamps::Stamps>()?;
    module.add_function(wrap_pyfunction!(pages::pages, module)?)?;
    module.add_function(wrap_pyfunction!(pairs::pairs, module)?)?;
    module.add_function(wrap_pyfunction!(raw::raw, module)?)
}
