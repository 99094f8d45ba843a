//! A dictionary of texts that grows: which of them is known, by number.

use std::hash::BuildHasher;
use std::sync::{Arc, PoisonError, RwLock};

use arrow_array::{ArrayRef, BinaryViewArray, RecordBatch, UInt32Array};
use arrow_schema::{DataType, Field, Schema};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::views::{column, height, values};
use crate::arrow::Frame;

/// Texts and their numbers from 1 on, in the order in which they were learnt. Safe to share between threads.
#[pyclass(frozen, module = "pipeline.columns._native")]
pub struct Keys(RwLock<Known>);

#[pymethods]
impl Keys {
    #[new]
    fn new() -> Self {
        Keys(RwLock::default())
    }

    /// How many texts are known.
    #[getter]
    fn entries(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).entries.len()
    }

    /// How many bytes they have.
    #[getter]
    fn bytes(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).text.len()
    }

    /// Number a column of texts as if only the first `known` ones had been learnt: a frame of `code` (`UInt32`, 0 for null;
    /// new texts count on from `known + 1` in the order in which they come) and one of `row` (`UInt32`), where each new text is
    /// for the first time; None when none is new.
    fn codes(&self, py: Python<'_>, texts: &Bound<'_, PyAny>, known: usize) -> PyResult<(Frame, Option<Frame>)> {
        let chunks = column(texts)?;
        let (codes, rows) = py.detach(|| {
            let inside = self.0.read().unwrap_or_else(PoisonError::into_inner);
            inside.codes(&chunks, known)
        });
        let rows = if rows.is_empty() {
            None
        } else {
            Some(frame("row", rows)?)
        };
        Ok((frame("code", codes)?, rows))
    }

    /// Learn the new texts that `codes` found when `known` were: false, and nothing is learnt, when others came first.
    fn learn(&self, py: Python<'_>, texts: &Bound<'_, PyAny>, known: usize) -> PyResult<bool> {
        let chunks = column(texts)?;
        Ok(py.detach(|| {
            let mut inside = self.0.write().unwrap_or_else(PoisonError::into_inner);
            let first = inside.entries.len() == known;
            if first {
                values(&chunks).flatten().for_each(|text| inside.learn(text));
            }
            first
        }))
    }
}

fn frame(name: &str, numbers: Vec<u32>) -> PyResult<Frame> {
    let columns: Vec<ArrayRef> = vec![Arc::new(UInt32Array::from(numbers))];
    let schema = Schema::new(vec![Field::new(name, DataType::UInt32, false)]);
    let batch = RecordBatch::try_new(Arc::new(schema), columns);
    Ok(batch.map_err(|error| PyValueError::new_err(error.to_string()))?.into())
}

#[derive(Default)]
struct Known {
    /// Places in `entries`. The hasher is seeded at random, so that nobody can choose texts that collide.
    table: HashTable<u32>,
    entries: Vec<Entry>,
    text: Vec<u8>,
    hasher: RandomState,
}

struct Entry {
    hash: u64,
    start: usize,
    end: usize,
}

impl Known {
    fn codes(&self, chunks: &[BinaryViewArray], known: usize) -> (Vec<u32>, Vec<u32>) {
        let mut codes = Vec::with_capacity(height(chunks));
        let mut rows = Vec::new();
        let mut fresh: Vec<(u64, &[u8])> = Vec::new();
        let mut places: HashTable<u32> = HashTable::new();
        let mut last: (&[u8], u32) = (b"", 0);
        for (row, value) in values(chunks).enumerate() {
            let Some(text) = value else {
                codes.push(0);
                continue;
            };
            if last.1 == 0 || text != last.0 {
                let hash = self.hasher.hash_one(text);
                let code = self.find(hash, text, known).unwrap_or_else(|| {
                    let found = places
                        .find(hash, |&place| fresh[place as usize] == (hash, text))
                        .copied();
                    let place = found.unwrap_or_else(|| {
                        let place = fresh.len() as u32;
                        fresh.push((hash, text));
                        rows.push(row as u32);
                        places.insert_unique(hash, place, |&place| fresh[place as usize].0);
                        place
                    });
                    known as u32 + place + 1
                });
                last = (text, code);
            }
            codes.push(last.1);
        }
        (codes, rows)
    }

    /// The number of a text that is among the first `known`.
    fn find(&self, hash: u64, text: &[u8], known: usize) -> Option<u32> {
        let same = |&place: &u32| {
            let entry = &self.entries[place as usize];
            (place as usize) < known && entry.hash == hash && &self.text[entry.start..entry.end] == text
        };
        self.table.find(hash, same).map(|place| place + 1)
    }

    fn learn(&mut self, text: &[u8]) {
        let hash = self.hasher.hash_one(text);
        let start = self.text.len();
        self.text.extend_from_slice(text);
        let place = self.entries.len() as u32;
        self.entries.push(Entry {
            hash,
            start,
            end: self.text.len(),
        });
        let entries = &self.entries;
        self.table
            .insert_unique(hash, place, |&place| entries[place as usize].hash);
    }
}
