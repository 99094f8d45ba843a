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
    let masks: Vec<Option<BooleanBuffer>> = folds.iter().map(|fold| mask(batch, fold)).collect::<Result<_, _>>()?;
    let panes = match clock {
        Some(clock) => Panes::new(array(batch, clock.column)?, clock.length)?,
        None => Panes::one(),
    };
    folded(std::slice::from_ref(batch), &panes, folds, &masks)
}

/// One state of several: the rows of all `batches` as one window. The fold has no conditions.
pub fn merged(batches: &[RecordBatch], fold: &Fold) -> Result<RecordBatch, ArrowError> {
    let states = folded(batches, &Panes::one(), std::slice::from_ref(fold), &[None])?;
    let state = states.into_iter().flat_map(|(_, frames)| frames).next();
    state.ok_or_else(|| ArrowError::ComputeError("a window without a state".to_owned()))
}

fn folded(
    batches: &[RecordBatch],
    panes: &Panes,
    folds: &[Fold],
    masks: &[Option<BooleanBuffer>],
) -> Result<Vec<(i64, Vec<RecordBatch>)>, ArrowError> {
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    if rows >= SKIPPED as usize {
        return Err(ArrowError::InvalidArgumentError("too many rows".to_owned()));
    }
    let columns = read(batches, folds)?;
    let dictionaries = dictionaries(&columns, folds, masks)?;
    let mut groups: HashMap<Vec<usize>, Groups<'_>> = HashMap::new();
    let mut answer: Vec<(i64, Vec<RecordBatch>)> = panes.starts.iter().map(|&start| (start, Vec::new())).collect();
    for (fold, mask) in folds.iter().zip(masks) {
        let keys: Vec<usize> = fold.keys.iter().map(|key| key.1).collect();
        let groups = groups
            .entry(keys)
            .or_insert_with_key(|keys| Groups::new(keys, &dictionaries, panes, rows));
        let states = Folded::new(fold, mask.as_ref(), groups, &columns, rows)?;
        for (pane, (_, frames)) in answer.iter_mut().enumerate() {
            frames.push(states.frame(pane as u32, fold, groups, &columns)?);
        }
    }
    Ok(answer)
}

/// The chunks of each column that a fold groups by or reduces.
type Columns<'a> = HashMap<usize, Vec<Column<'a>>>;

fn read<'a>(batches: &'a [RecordBatch], folds: &[Fold]) -> Result<Columns<'a>, ArrowError> {
    let mut columns = HashMap::new();
    for fold in folds {
        let keys = fold.keys.iter().map(|key| key.1);
        for at in keys.chain(fold.states.iter().filter_map(|state| state.2)) {
            if let Entry::Vacant(place) = columns.entry(at) {
                let chunks = batches.iter().map(|batch| column(array(batch, at)?));
                place.insert(chunks.collect::<Result<_, _>>()?);
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
    columns: &Columns<'a>,
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
        .map(|(at, mask)| Ok((at, Dictionary::new(&columns[&at], mask.as_ref())?)));
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
        columns: &Columns<'a>,
        rows: usize,
    ) -> Result<Self, ArrowError> {
        let count = groups.count();
        let each = |how, chunks: Option<&[Column<'a>]>| match (mask, groups.ids()) {
            (None, Some(ids)) => reduce(how, chunks, count, rows, |from, to| {
                ids[from..to].iter().copied().enumerate()
            }),
            (Some(mask), Some(ids)) => reduce(how, chunks, count, rows, |_, _| {
                mask.set_indices().map(|row| (row, ids[row]))
            }),
            (None, None) => reduce(how, chunks, count, rows, |from, to| (0..to - from).map(|row| (row, 0))),
            (Some(mask), None) => reduce(how, chunks, count, rows, |_, _| mask.set_indices().map(|row| (row, 0))),
        };
        let states = fold.states.iter();
        let cells: Vec<Cells<'a>> = states
            .map(|(_, how, at)| each(*how, at.map(|at| &columns[&at][..])))
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
        columns: &Columns<'a>,
    ) -> Result<RecordBatch, ArrowError> {
        let slots = &self.slots[pane as usize];
        let mut arrays = groups.gather(slots)?;
        for ((_, _, at), cells) in fold.states.iter().zip(&self.cells) {
            arrays.push(cells.gather(slots, at.map(|at| &columns[&at][0].kind))?);
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
