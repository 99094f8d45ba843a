//! Where a group of a window is counted: slots are dense numbers of (window, key, key, …).

use std::collections::HashMap;

use arrow_array::ArrayRef;
use arrow_schema::ArrowError;

use super::column::{Values, column};
use super::groups::Dictionary;
use super::pairs::Pairs;

/// Which window a row is in: the column with its time, and the windows' length in µs.
#[derive(Clone, Copy)]
pub struct Clock {
    pub column: usize,
    pub length: i64,
}

/// The windows of a batch. Rows next to each other are mostly in the same one.
pub struct Panes {
    pub starts: Vec<i64>,
    /// The number of each row's window; empty when there is just one.
    ids: Vec<u32>,
}

impl Panes {
    /// One window, at 0, for all rows.
    pub fn one() -> Self {
        Panes {
            starts: vec![0],
            ids: Vec::new(),
        }
    }

    /// The windows of these times; a length of 0 makes one.
    pub fn new(times: &ArrayRef, length: i64) -> Result<Self, ArrowError> {
        if length <= 0 {
            return Ok(Panes::one());
        }
        let Values::Word(times) = column(times)?.values else {
            return Err(ArrowError::SchemaError("windows need times".to_owned()));
        };
        let (mut numbers, mut starts) = (HashMap::new(), Vec::new());
        let (mut last, mut current) = (None, 0u32);
        let mut ids = Vec::with_capacity(times.len());
        for &time in &times {
            // Only the very first window may begin before the earliest time there is.
            let start = time.wrapping_sub(time.rem_euclid(length));
            if last != Some(start) {
                last = Some(start);
                current = *numbers.entry(start).or_insert_with(|| {
                    starts.push(start);
                    (starts.len() - 1) as u32
                });
            }
            ids.push(current);
        }
        if starts.len() == 1 {
            ids.clear();
        }
        Ok(Panes { starts, ids })
    }
}

/// The slots that a set of keys has: one for each window and combination of values.
pub struct Groups<'d> {
    keys: Vec<&'d Dictionary<'d>>,
    /// Of the first two keys, of these and the third, and so on.
    joins: Vec<Pairs>,
    /// Of the windows and the keys, when there are several windows.
    panes: Option<Pairs>,
    windows: usize,
}

impl<'d> Groups<'d> {
    /// The slots of these key columns; `panes` has a number for each of the `rows`, or there is one window.
    pub fn new(keys: &[usize], dictionaries: &'d HashMap<usize, Dictionary<'d>>, panes: &Panes, rows: usize) -> Self {
        let keys: Vec<&Dictionary<'d>> = keys.iter().map(|at| &dictionaries[at]).collect();
        let mut joins: Vec<Pairs> = Vec::new();
        for key in keys.iter().skip(1) {
            let (left, lefts) = joins.last().map_or_else(
                || (&keys[0].ids[..], keys[0].count()),
                |join| (&join.ids[..], join.count()),
            );
            let join = Pairs::new(left, lefts, &key.ids, key.count());
            joins.push(join);
        }
        let mut groups = Groups {
            keys,
            joins,
            panes: None,
            windows: panes.starts.len(),
        };
        if groups.windows > 1 {
            let none;
            let ids = if let Some(ids) = groups.inner() {
                ids
            } else {
                none = vec![0; rows];
                &none
            };
            groups.panes = Some(Pairs::new(&panes.ids, groups.windows, ids, groups.width()));
        }
        groups
    }

    /// How many windows there are.
    pub fn windows(&self) -> usize {
        self.windows
    }

    /// Each row's number among the keys' combinations; None when there are no keys.
    fn inner(&self) -> Option<&[u32]> {
        self.joins
            .last()
            .map(|join| &join.ids[..])
            .or_else(|| self.keys.first().map(|key| &key.ids[..]))
    }

    fn width(&self) -> usize {
        self.joins
            .last()
            .map_or_else(|| self.keys.first().map_or(1, |key| key.count()), Pairs::count)
    }

    /// The same without windows.
    pub fn of(keys: &[usize], dictionaries: &'d HashMap<usize, Dictionary<'d>>, rows: usize) -> Self {
        Groups::new(keys, dictionaries, &Panes::one(), rows)
    }

    /// Each row's slot; None when there is only slot 0.
    pub fn ids(&self) -> Option<&[u32]> {
        self.panes
            .as_ref()
            .map_or_else(|| self.inner(), |panes| Some(&panes.ids))
    }

    /// How many slots there are.
    pub fn count(&self) -> usize {
        self.panes.as_ref().map_or_else(|| self.width(), Pairs::count)
    }

    /// The window of a slot.
    pub fn pane(&self, slot: u32) -> u32 {
        self.panes.as_ref().map_or(0, |panes| panes.parts(slot).0)
    }

    /// The key columns of these slots.
    pub fn gather(&self, slots: &[u32]) -> Result<Vec<ArrayRef>, ArrowError> {
        let mut left: Vec<u32> = slots
            .iter()
            .map(|&slot| self.panes.as_ref().map_or(slot, |panes| panes.parts(slot).1))
            .collect();
        let mut columns = Vec::with_capacity(self.keys.len());
        for (key, join) in self.keys.iter().skip(1).zip(&self.joins).rev() {
            let right: Vec<u32> = left.iter().map(|&id| join.parts(id).1).collect();
            columns.push(key.gather(&right)?);
            for id in &mut left {
                *id = join.parts(*id).0;
            }
        }
        if let Some(first) = self.keys.first() {
            columns.push(first.gather(&left)?);
        }
        columns.reverse();
        Ok(columns)
    }
}
