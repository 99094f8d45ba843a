//! Distinct values in bounded memory. `pipeline.columns.windows.hyperloglog` has the twin, and says what the numbers mean.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, Int32Array, RecordBatch};
use arrow_schema::ArrowError;

use super::column::{Column, Text, Values, column};
use super::groups::Dictionary;
use super::rank::gather;
use super::slots::Groups;

const BITS: u32 = 14;
const TAIL: u32 = 64 - BITS;

/// The state with registers for the values of groups that have more than `limit` values, or registers; None where there is no
/// such group. The columns of `batch` are the group's, the value and the register.
pub fn shrunk(batch: &RecordBatch, limit: usize) -> Result<Option<RecordBatch>, ArrowError> {
    let (arrays, rows) = (batch.columns(), batch.num_rows());
    let Some(([value, register], fields)) = arrays.split_last_chunk::<2>().map(|(fields, last)| (last, fields)) else {
        return Err(ArrowError::SchemaError("no value and register".to_owned()));
    };
    let (value, kept) = (column(value)?, register.as_primitive_opt::<Int32Type>());
    let kept = kept.ok_or_else(|| ArrowError::SchemaError("registers are Int32".to_owned()))?;
    let mut dictionaries = HashMap::new();
    for (at, array) in fields.iter().enumerate() {
        dictionaries.insert(at, Dictionary::new(&[column(array)?], None)?);
    }
    let groups = Groups::of(&(0..fields.len()).collect::<Vec<_>>(), &dictionaries, rows);
    let group = |row: usize| groups.ids().map_or(0, |ids| ids[row] as usize);
    let there = |row: usize| value.nulls.is_none_or(|nulls| nulls.is_valid(row));
    let mut counts = vec![0usize; groups.count()];
    for row in 0..rows {
        counts[group(row)] += if kept.is_valid(row) {
            limit + 1
        } else {
            usize::from(there(row))
        };
    }
    if counts.iter().all(|&count| count <= limit) {
        return Ok(None);
    }
    // Of each row that stays, its number; of each group with registers, these and a row of the group.
    let mut stay: Vec<u32> = Vec::new();
    let mut sketches: HashMap<usize, (u32, Vec<u8>)> = HashMap::new();
    for row in 0..rows {
        let code = if kept.is_valid(row) {
            kept.value(row) as u32
        } else if there(row) && counts[group(row)] > limit {
            code(hash(&value, row)?)
        } else {
            stay.push(row as u32);
            continue;
        };
        let (_, ranks) = sketches
            .entry(group(row))
            .or_insert_with(|| (row as u32, vec![0; 1 << BITS]));
        let rank = &mut ranks[(code / 64) as usize % (1 << BITS)];
        *rank = (*rank).max((code % 64) as u8);
    }
    let mut sketches: Vec<(u32, Vec<u8>)> = sketches.into_values().collect();
    sketches.sort_unstable_by_key(|sketch| sketch.0);
    let (mut from, mut registers): (Vec<Option<u32>>, Vec<Option<i32>>) =
        (stay.iter().copied().map(Some).collect(), vec![None; stay.len()]);
    let mut values = from.clone();
    for (row, ranks) in &sketches {
        for (number, &rank) in ranks.iter().enumerate().filter(|(_, rank)| **rank > 0) {
            from.push(Some(*row));
            registers.push(Some(number as i32 * 64 + i32::from(rank)));
        }
    }
    values.resize(from.len(), None);
    let mut out: Vec<ArrayRef> = Vec::with_capacity(arrays.len());
    for array in fields {
        out.push(gather(&column(array)?, &from)?);
    }
    out.push(gather(&value, &values)?);
    out.push(Arc::new(Int32Array::from(registers)));
    Ok(Some(RecordBatch::try_new(batch.schema(), out)?))
}

fn hash(value: &Column<'_>, row: usize) -> Result<u64, ArrowError> {
    match &value.values {
        Values::Text(views, buffers) => Ok(Text::new(views[row], buffers).with(hashed)),
        Values::Word(words) => Ok(hashed(&words[row].to_le_bytes())),
        Values::Wide(_) => Err(ArrowError::SchemaError("no native registers of 128 bits".to_owned())),
    }
}

const SECRETS: [u64; 4] = [
    0xa076_1d64_78bd_642f,
    0xe703_7ed1_a0b4_28db,
    0x8ebc_6af0_9c88_c6e3,
    0x5899_65cc_7537_4cc3,
];

/// The hash of a value, the same on every machine.
fn hashed(bytes: &[u8]) -> u64 {
    let mut state = folded(bytes.len() as u64 ^ SECRETS[0], SECRETS[1]);
    let mut left = bytes;
    loop {
        let (block, rest) = left.split_at(left.len().min(16));
        let mut padded = [0; 16];
        padded[..block.len()].copy_from_slice(block);
        let both = u128::from_le_bytes(padded);
        state = folded(both as u64 ^ state, (both >> 64) as u64 ^ SECRETS[2]);
        if rest.is_empty() {
            return folded(state ^ SECRETS[3], SECRETS[0]);
        }
        left = rest;
    }
}

/// The halves of a product.
fn folded(one: u64, two: u64) -> u64 {
    let product = u128::from(one) * u128::from(two);
    product as u64 ^ (product >> 64) as u64
}

fn code(hash: u64) -> u32 {
    let tail = hash & ((1 << TAIL) - 1);
    let rank = TAIL - (u64::BITS - tail.leading_zeros()) + 1;
    (hash >> TAIL) as u32 * 64 + rank
}
