//! The types of the language, as Python describes them (`pipeline.columns.types.Type`).

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Int,
    Float,
    Bool,
    Time,
    Duration,
    Text,
    Bytes,
    Json,
    Null,
    List(Box<Kind>),
    Record { fields: Vec<(String, Kind)>, open: bool },
}

impl Kind {
    /// Reads a `Type`. `TypeError` for one that these kernels do not know.
    pub fn of(kind: &Bound<'_, PyAny>) -> PyResult<Kind> {
        let name = kind.getattr("kind")?;
        Ok(match name.extract::<&str>()? {
            "int" => Kind::Int,
            "float" => Kind::Float,
            "bool" => Kind::Bool,
            "time" => Kind::Time,
            "duration" => Kind::Duration,
            "string" => Kind::Text,
            "bytes" => Kind::Bytes,
            "json" => Kind::Json,
            "null" => Kind::Null,
            "list" => Kind::List(Box::new(Kind::of(&kind.getattr("item")?)?)),
            "record" => Kind::Record {
                fields: named(&kind.getattr("fields")?)?,
                open: kind.getattr("open")?.extract()?,
            },
            other => return Err(PyTypeError::new_err(format!("no kernel for values of type {other}"))),
        })
    }
}

/// Reads pairs of a name and a `Type`.
pub fn named(pairs: &Bound<'_, PyAny>) -> PyResult<Vec<(String, Kind)>> {
    pairs
        .try_iter()?
        .map(|pair| {
            let (name, kind): (String, Bound<'_, PyAny>) = pair?.extract()?;
            Ok((name, Kind::of(&kind)?))
        })
        .collect()
}
