//! The columns that a scan fills.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array};
use arrow_schema::DataType;

use super::dfa::UNSET;
use super::numbers;
use super::rows::{Bits, Part, Row, Rows};
use super::scanner::Places;

/// What a field's text is read as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    Text,
    Int,
    Float,
    Bool,
}

impl Type {
    /// The type that Python names so.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "string" => Some(Type::Text),
            "int" => Some(Type::Int),
            "float" => Some(Type::Float),
            "bool" => Some(Type::Bool),
            _ => None,
        }
    }

    /// The column that holds it.
    pub fn arrow(self) -> DataType {
        match self {
            Type::Text => DataType::Utf8View,
            Type::Int => DataType::Int64,
            Type::Float => DataType::Float64,
            Type::Bool => DataType::Boolean,
        }
    }
}

enum Values {
    Text(Vec<Part>),
    Int(Vec<i64>),
    Float(Vec<f64>),
    Bool(Vec<bool>),
}

/// One field, row after row.
pub struct Column {
    values: Values,
    valid: Bits,
}

impl Column {
    pub fn new(kind: Type, rows: usize) -> Self {
        let values = match kind {
            Type::Text => Values::Text(Vec::with_capacity(rows)),
            Type::Int => Values::Int(Vec::with_capacity(rows)),
            Type::Float => Values::Float(Vec::with_capacity(rows)),
            Type::Bool => Values::Bool(Vec::with_capacity(rows)),
        };
        Column {
            values,
            valid: Bits::default(),
        }
    }

    /// The first of `places` that holds a text, out of the places of all captures: two slots for each. Null when there
    /// is none, and when the text is not of the type.
    #[inline]
    pub fn push(&mut self, row: &Row, slots: &[u32], places: &Places) {
        let found = |place: u32| (slots[2 * place as usize], slots[2 * place as usize + 1]);
        if let (Values::Text(values), &[place]) = (&mut self.values, &places.numbers[..]) {
            // The common case, without a branch on what stands there.
            let (start, end) = found(place);
            if start < end {
                let part = row.part(start, end);
                let valid = part.is_some() && !(places.dash_is_null && part == Some(Part::DASH));
                values.push(if valid {
                    part.unwrap_or_default()
                } else {
                    Part::default()
                });
                return self.valid.push(valid);
            }
        }
        for &place in &places.numbers {
            let (start, end) = found(place);
            if start != UNSET
                && start < end
                && !(places.dash_is_null && row.bytes().get(start as usize..end as usize) == Some(b"-"))
            {
                return self.put(row, start, end);
            }
        }
        self.push_null();
    }

    #[inline]
    fn put(&mut self, row: &Row, start: u32, end: u32) {
        fn kept<T: Default>(values: &mut Vec<T>, valid: &mut Bits, value: Option<T>) {
            valid.push(value.is_some());
            values.push(value.unwrap_or_default());
        }
        let text = || row.bytes().get(start as usize..end as usize).unwrap_or_default();
        match &mut self.values {
            Values::Text(values) => kept(values, &mut self.valid, row.part(start, end)),
            Values::Int(values) => {
                let block = row.bytes().get(start as usize..).and_then(<[u8]>::first_chunk);
                let short = block.and_then(|block| numbers::short_int(*block, (end - start) as usize));
                kept(values, &mut self.valid, short.or_else(|| numbers::int(text())));
            }
            Values::Float(values) => kept(values, &mut self.valid, numbers::float(text())),
            Values::Bool(values) => {
                let value = numbers::bool(text());
                values.push(value == Some(true));
                self.valid.push(value.is_some());
            }
        }
    }

    pub fn push_null(&mut self) {
        match &mut self.values {
            Values::Text(values) => values.push(Part::default()),
            Values::Int(values) => values.push(0),
            Values::Float(values) => values.push(0.0),
            Values::Bool(values) => values.push(false),
        }
        self.valid.push(false);
    }

    pub fn finish(self, rows: &Rows) -> ArrayRef {
        match self.values {
            Values::Text(values) => rows.column(values, self.valid.nulls()),
            Values::Int(values) => Arc::new(Int64Array::new(values.into(), self.valid.nulls())),
            Values::Float(values) => Arc::new(Float64Array::new(values.into(), self.valid.nulls())),
            Values::Bool(values) => Arc::new(BooleanArray::new(values.into(), self.valid.nulls())),
        }
    }
}
