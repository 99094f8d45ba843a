//! Grok patterns on columns of text: fields as views into the text, in time linear in it.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrow::{Frame, batches};

mod bytes;
mod dfa;
mod explore;
mod fields;
mod legs;
mod nfa;
mod numbers;
mod program;
mod rows;
mod scanner;
mod skip;
mod states;
mod step;
mod stretch;

use fields::Type;
use scanner::{Pattern, Scanner};

/// A program, the field of each of its places, the fields in which a dash alone is null, whether it matches at the
/// start only.
type Given = (Vec<u32>, Vec<u32>, Vec<u32>, bool);

type Map<K, V> = hashbrown::HashMap<K, V, foldhash::fast::RandomState>;

/// Compiled patterns. Immutable for those who use it, and for any number of threads at a time.
#[pyclass(frozen, module = "pipeline.columns._native")]
pub struct GrokScanner(Scanner);

#[pymethods]
impl GrokScanner {
    /// `patterns` have programs (see `program::decode`) and are tried in order; `fields` are names and types; `memory`
    /// bounds what an automaton takes, in bytes. Raises `ValueError` with the reason when it cannot run them.
    #[new]
    fn new(patterns: Vec<Given>, fields: Vec<(String, String)>, memory: usize) -> PyResult<Self> {
        let refused = |why: &'static str| PyValueError::new_err(why);
        let typed = fields.into_iter().map(|(name, kind)| Some((name, Type::named(&kind)?)));
        let fields: Vec<(String, Type)> = typed.collect::<Option<_>>().ok_or_else(|| refused("an unknown type"))?;
        let compiled = patterns.into_iter().map(|(program, places, dash_is_null, at_start)| {
            Pattern::new(&program, &places, &dash_is_null, at_start, fields.len())
        });
        let patterns = compiled.collect::<Result<_, _>>().map_err(refused)?;
        Scanner::new(patterns, &fields, memory)
            .map(GrokScanner)
            .map_err(refused)
    }

    /// The fields, `@matched` and `@reason` of each row of the first column of `frame`. With `strip_return` a carriage
    /// return at the end of a row is not part of its text.
    fn scan(&self, py: Python<'_>, frame: &Bound<'_, PyAny>, strip_return: bool) -> PyResult<Frame> {
        let batches = batches(frame)?;
        let found = py.detach(|| self.0.scan(&batches, strip_return));
        found
            .map(Frame::from)
            .map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// What scans have cost so far: `walked` bytes, pattern edges `followed` to make `states`, how often memory was
    /// `cleared`, and of the largest automaton the `peak` of its memory as it was accounted for, and the `bytes` that
    /// it takes now.
    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (sum, bytes) = self.0.counters();
        let counters = PyDict::new(py);
        for (name, value) in [
            ("walked", sum.walked),
            ("followed", sum.followed),
            ("states", sum.states),
            ("cleared", sum.cleared),
            ("peak", sum.peak),
            ("bytes", bytes),
        ] {
            counters.set_item(name, value)?;
        }
        Ok(counters)
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<GrokScanner>()
}
