//! The pass: rows to the states of all folds of all windows.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_buffer::BooleanBuffer;
use arrow_schema::{ArrowError, Field, Schema};

use super::column::{Column, column, truths};
use super::groups::{Dictionary, SKIPPED};
use super::reduce::{Cells, How, reduce};
use super::slots::{Clock, Groups, Panes};

/// One group-by. Numbers are columns of the batch; the names are those of the state's columns.
pub struct Fold {
    pub keys: Vec<(String, usize)>,
    /// Boolean columns that must be true.
    pub conditions: Vec<usize>,
    /// Columns that must not be null.
    pub present: Vec<usize>,
    pub states: Vec<(String, How, Option<usize>)>,
}

/// The states of each window that has a row, by start. Every state owns its bytes.
///
/// A fold without keys has one row in every window where a row passed its conditions, and always when there is just one
/// window.
pub fn fold(
    batch: &RecordBatch,
    clock: Option<Clock>,
    folds: &[Fold],
) -> Result<Vec<(i64, Vec<RecordBatch>)>, ArrowError> {
    let rows = batch.num_rows();
    if rows >= SKIPPED as usize {
        return Err(ArrowError::InvalidArgumentError("too many rows".to_owned()));
    }
    let columns = read(batch, folds)?;
    let masks: Vec<Option<BooleanBuffer>> = folds.iter().map(|fold| mask(batch, fold)).collect::<Result<_, _>>()?;
    let dictionaries = dictionaries(&columns, rows, folds, &masks)?;
    let panes = match clock {
        Some(clock) => Panes::new(array(batch, clock.column)?, clock.length)?,
        None => Panes::one(),
    };
    let mut groups: HashMap<Vec<usize>, Groups<'_>> = HashMap::new();
    let mut answer: Vec<(i64, Vec<RecordBatch>)> = panes.starts.iter().map(|&start| (start, Vec::new())).collect();
    for (fold, mask) in folds.iter().zip(&masks) {
        let keys: Vec<usize> = fold.keys.iter().map(|key| key.1).collect();
        let groups = groups
            .entry(keys)
            .or_insert_with_key(|keys| Groups::new(keys, &dictionaries, &panes, rows));
        let states = Folded::new(fold, mask.as_ref(), groups, &columns, rows)?;
        for (pane, (_, frames)) in answer.iter_mut().enumerate() {
            frames.push(states.frame(pane as u32, fold, groups, &columns)?);
        }
    }
    Ok(answer)
}

fn read<'a>(batch: &'a RecordBatch, folds: &[Fold]) -> Result<HashMap<usize, Column<'a>>, ArrowError> {
    let mut columns = HashMap::new();
    for fold in folds {
        let keys = fold.keys.iter().map(|key| key.1);
        for at in keys.chain(fold.states.iter().filter_map(|state| state.2)) {
            if let Entry::Vacant(place) = columns.entry(at) {
                place.insert(column(array(batch, at)?)?);
            }
        }
    }
    Ok(columns)
}

fn array(batch: &RecordBatch, at: usize) -> Result<&ArrayRef, ArrowError> {
    batch
        .columns()
        .get(at)
        .ok_or_else(|| ArrowError::SchemaError(format!("there is no column {at}")))
}

/// The rows that a fold counts; None for all.
fn mask(batch: &RecordBatch, fold: &Fold) -> Result<Option<BooleanBuffer>, ArrowError> {
    let mut mask: Option<BooleanBuffer> = None;
    let mut both = |more: BooleanBuffer| mask = Some(mask.as_ref().map_or_else(|| more.clone(), |mask| mask & &more));
    for &at in &fold.conditions {
        both(truths(array(batch, at)?)?);
    }
    for &at in &fold.present {
        if let Some(nulls) = array(batch, at)?.nulls() {
            both(nulls.inner().clone());
        }
    }
    Ok(mask)
}

/// Each key column is hashed once, in the rows that some fold wants of it.
fn dictionaries<'a>(
    columns: &HashMap<usize, Column<'a>>,
    rows: usize,
    folds: &[Fold],
    masks: &[Option<BooleanBuffer>],
) -> Result<HashMap<usize, Dictionary<'a>>, ArrowError> {
    let mut wanted: HashMap<usize, Option<BooleanBuffer>> = HashMap::new();
    for (fold, mask) in folds.iter().zip(masks) {
        for (_, at) in &fold.keys {
            let joined = match (wanted.remove(at), mask) {
                (None, mask) => mask.clone(),
                (Some(Some(one)), Some(other)) => Some(&one | other),
                (Some(_), _) => None,
            };
            wanted.insert(*at, joined);
        }
    }
    let numbered = wanted
        .into_iter()
        .map(|(at, mask)| Ok((at, Dictionary::new(&columns[&at], rows, mask.as_ref())?)));
    numbered.collect()
}

/// A fold's cells, and the slots of each window that have rows.
struct Folded<'a> {
    cells: Vec<Cells<'a>>,
    slots: Vec<Vec<u32>>,
}

impl<'a> Folded<'a> {
    fn new(
        fold: &Fold,
        mask: Option<&BooleanBuffer>,
        groups: &Groups<'_>,
        columns: &HashMap<usize, Column<'a>>,
        rows: usize,
    ) -> Result<Self, ArrowError> {
        let count = groups.count();
        let each = |how, column| match (mask, groups.ids()) {
            (None, Some(ids)) => reduce(how, column, count, ids.iter().copied().enumerate()),
            (Some(mask), Some(ids)) => reduce(how, column, count, mask.set_indices().map(|row| (row, ids[row]))),
            (None, None) => reduce(how, column, count, (0..rows).map(|row| (row, 0))),
            (Some(mask), None) => reduce(how, column, count, mask.set_indices().map(|row| (row, 0))),
        };
        let states = fold.states.iter();
        let cells: Vec<Cells<'a>> = states
            .map(|(_, how, at)| each(*how, at.map(|at| &columns[&at])))
            .collect::<Result<_, _>>()?;
        let counted = fold
            .states
            .iter()
            .position(|(_, how, _)| *how == How::Rows)
            .map(|at| &cells[at]);
        let owned;
        let there = match counted {
            Some(Cells::Whole(counts)) => counts,
            _ => match each(How::Rows, None)? {
                Cells::Whole(counts) => {
                    owned = counts;
                    &owned
                }
                _ => return Err(ArrowError::ComputeError("rows are counted in 64 bits".to_owned())),
            },
        };
        let always = fold.keys.is_empty() && groups.windows() == 1;
        let mut slots = vec![Vec::new(); groups.windows()];
        for (slot, &seen) in there.iter().enumerate() {
            if seen > 0 || always {
                slots[groups.pane(slot as u32) as usize].push(slot as u32);
            }
        }
        Ok(Folded { cells, slots })
    }

    fn frame(
        &self,
        pane: u32,
        fold: &Fold,
        groups: &Groups<'_>,
        columns: &HashMap<usize, Column<'a>>,
    ) -> Result<RecordBatch, ArrowError> {
        let slots = &self.slots[pane as usize];
        let mut arrays = groups.gather(slots)?;
        for ((_, _, at), cells) in fold.states.iter().zip(&self.cells) {
            arrays.push(cells.gather(slots, at.map(|at| &columns[&at].kind))?);
        }
        let names = fold
            .keys
            .iter()
            .map(|key| &key.0)
            .chain(fold.states.iter().map(|state| &state.0));
        let fields: Vec<Field> = names
            .zip(&arrays)
            .map(|(name, array)| Field::new(name, array.data_type().clone(), true))
            .collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
    }
}
