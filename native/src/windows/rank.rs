//! The highest counts of each group.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema};

use super::column::{Column, Text, Values, column, restored, some, texts};
use super::groups::Dictionary;
use super::slots::Groups;

/// The `k` rows with the highest count of each group, ties by key ascending. The columns of `batch` are the group's, then the
/// key and the count; the answer has the rank, from 1, as one more. No nulls among keys and counts.
pub fn ranked(batch: &RecordBatch, k: usize) -> Result<RecordBatch, ArrowError> {
    let width = batch
        .num_columns()
        .checked_sub(2)
        .ok_or_else(|| ArrowError::SchemaError("no key".to_owned()))?;
    let (rows, ranks) = best(batch, &(0..width).collect::<Vec<_>>(), width, width + 1, k)?;
    let rows: Vec<Option<u32>> = rows.into_iter().map(Some).collect();
    let mut out = Vec::with_capacity(width + 3);
    for array in batch.columns() {
        out.push(gather(&column(array)?, &rows)?);
    }
    out.push(Arc::new(Int64Array::from(ranks)));
    let schema = batch.schema_ref();
    let names = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .chain(["rank"]);
    let fields: Vec<Field> = names
        .zip(&out)
        .map(|(name, array)| Field::new(name, array.data_type().clone(), true))
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), out)
}

/// The same as numbers of rows, group by group, and their ranks; `groups`, `key` and `count` are columns.
pub fn best(
    batch: &RecordBatch,
    groups: &[usize],
    key: usize,
    count: usize,
    k: usize,
) -> Result<(Vec<u32>, Vec<i64>), ArrowError> {
    let array = |at: usize| {
        let missing = || ArrowError::SchemaError(format!("there is no column {at}"));
        batch.columns().get(at).ok_or_else(missing)
    };
    let rows = batch.num_rows();
    let (key, counts) = (column(array(key)?)?, counts(array(count)?)?);
    let mut dictionaries = HashMap::new();
    for &at in groups {
        dictionaries.insert(at, Dictionary::new(&[column(array(at)?)?], None)?);
    }
    let groups = Groups::of(groups, &dictionaries, rows);
    let mut members: Vec<Vec<u32>> = vec![Vec::new(); groups.count()];
    for row in 0..rows as u32 {
        members[groups.ids().map_or(0, |ids| ids[row as usize]) as usize].push(row);
    }
    let better = |one: &u32, other: &u32| {
        let (one, other) = (*one as usize, *other as usize);
        counts[other].cmp(&counts[one]).then_with(|| compare(&key, one, other))
    };
    let (mut best, mut ranks) = (Vec::new(), Vec::new());
    for rows in &mut members {
        if k < rows.len() {
            rows.select_nth_unstable_by(k, better);
            rows.truncate(k);
        }
        rows.sort_unstable_by(better);
        best.extend_from_slice(rows);
        ranks.extend(1..=rows.len() as i64);
    }
    Ok((best, ranks))
}

fn counts(array: &ArrayRef) -> Result<&[i64], ArrowError> {
    let counts = array.as_primitive_opt::<Int64Type>();
    Ok(counts
        .ok_or_else(|| ArrowError::SchemaError("counts are Int64".to_owned()))?
        .values())
}

fn compare(key: &Column<'_>, one: usize, other: usize) -> Ordering {
    match &key.values {
        Values::Text(views, buffers) => Text::new(views[one], buffers).compare(&Text::new(views[other], buffers)),
        Values::Word(words) if key.kind == DataType::Float64 => {
            // NaN is one value here, the highest.
            let (one, other) = (f64::from_bits(words[one] as u64), f64::from_bits(words[other] as u64));
            one.partial_cmp(&other)
                .unwrap_or_else(|| one.is_nan().cmp(&other.is_nan()))
        }
        Values::Word(words) => words[one].cmp(&words[other]),
        Values::Wide(words) => words[one].cmp(&words[other]),
    }
}

/// These rows of a column; null where there is none.
pub fn gather(column: &Column<'_>, rows: &[Option<u32>]) -> Result<ArrayRef, ArrowError> {
    let valid = |row: usize| column.nulls.is_none_or(|nulls| nulls.is_valid(row));
    let picked = rows
        .iter()
        .map(|row| row.map(|row| row as usize).filter(|&row| valid(row)));
    match &column.values {
        Values::Text(views, buffers) => Ok(texts(picked.map(|row| Some(Text::new(views[row?], buffers))))),
        Values::Word(words) => restored(
            &column.kind,
            picked.clone().map(|row| row.map_or(0, |row| words[row])).collect(),
            some(picked.map(|row| row.is_some()).collect()),
        ),
        Values::Wide(_) => Err(ArrowError::SchemaError("no native ranking of 128 bits".to_owned())),
    }
}
