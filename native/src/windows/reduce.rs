//! The primitive reductions that aggregates are made of.

use std::cmp::Ordering;

use arrow_array::ArrayRef;
use arrow_schema::{ArrowError, DataType};

use super::column::{Column, Text, Values, restored, some, texts, wide};

/// What happens to the values of a group. `pipeline.columns.windows.reductions` documents them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum How {
    Rows,
    Count,
    Sum,
    Units,
    Add,
    Min,
    Max,
}

impl How {
    /// The reduction of this name, as Python says it.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "rows" => How::Rows,
            "count" => How::Count,
            "sum" => How::Sum,
            "units" => How::Units,
            "add" => How::Add,
            "min" => How::Min,
            "max" => How::Max,
            _ => return None,
        })
    }
}

/// One state column in the making: a cell for each slot.
pub enum Cells<'a> {
    Whole(Vec<i64>),
    Wide(Vec<i128>),
    Word(Vec<Option<i64>>),
    Text(Vec<Option<Text<'a>>>),
}

/// Reduce a column into `slots` cells: `each` gives the rows that take part of those from one to another, counted from the
/// first of them, with their slots. Of several chunks each is asked for; `rows` are those of all.
pub fn reduce<'a, Rows: Iterator<Item = (usize, u32)>>(
    how: How,
    chunks: Option<&[Column<'a>]>,
    slots: usize,
    rows: usize,
    each: impl Fn(usize, usize) -> Rows,
) -> Result<Cells<'a>, ArrowError> {
    if how == How::Rows {
        let mut cells = vec![0; slots];
        each(0, rows).for_each(|(_, slot)| cells[slot as usize] += 1);
        return Ok(Cells::Whole(cells));
    }
    let Some((first, chunks)) = chunks.and_then(|chunks| Some((chunks.first()?, chunks))) else {
        return Err(ArrowError::SchemaError("this reduction needs a column".to_owned()));
    };
    let mut cells = Cells::new(how, first, slots)?;
    let mut from = 0;
    for chunk in chunks {
        if chunk.kind != first.kind {
            return Err(ArrowError::SchemaError(format!("{} and {}", first.kind, chunk.kind)));
        }
        let to = from + chunk.len();
        match chunk.nulls.filter(|nulls| nulls.null_count() > 0) {
            None => cells.add(how, chunk, each(from, to)),
            Some(nulls) => cells.add(how, chunk, each(from, to).filter(|row| nulls.is_valid(row.0))),
        }
        from = to;
    }
    Ok(cells)
}

impl<'a> Cells<'a> {
    /// The cells of no rows. An error for what `add` does not know.
    fn new(how: How, column: &Column<'a>, slots: usize) -> Result<Self, ArrowError> {
        Ok(match (how, &column.values) {
            (How::Count, _) => Cells::Whole(vec![0; slots]),
            (How::Sum, Values::Word(_)) if column.kind.is_integer() => Cells::Wide(vec![0; slots]),
            (How::Units, Values::Word(_)) if column.kind == DataType::Float64 => Cells::Wide(vec![0; slots]),
            (How::Add, Values::Word(_)) if column.kind == DataType::Int64 => Cells::Whole(vec![0; slots]),
            (How::Add, Values::Wide(_)) => Cells::Wide(vec![0; slots]),
            (How::Min | How::Max, Values::Word(_)) => Cells::Word(vec![None; slots]),
            (How::Min | How::Max, Values::Text(..)) => Cells::Text(vec![None; slots]),
            _ => {
                return Err(ArrowError::SchemaError(format!(
                    "no native reduction of {}",
                    column.kind
                )));
            }
        })
    }

    /// Reduce these rows of a column, none of them null.
    fn add(&mut self, how: How, column: &Column<'a>, rows: impl Iterator<Item = (usize, u32)>) {
        let wanted = if how == How::Min {
            Ordering::Less
        } else {
            Ordering::Greater
        };
        match (self, &column.values) {
            (Cells::Whole(cells), _) if how == How::Count => rows.for_each(|(_, slot)| cells[slot as usize] += 1),
            (Cells::Whole(cells), Values::Word(words)) => rows.for_each(|(row, slot)| {
                let cell = &mut cells[slot as usize];
                *cell = cell.wrapping_add(words[row]);
            }),
            (Cells::Wide(cells), Values::Word(words)) if how == How::Sum => {
                rows.for_each(|(row, slot)| cells[slot as usize] += i128::from(words[row]));
            }
            (Cells::Wide(cells), Values::Word(words)) => rows.for_each(|(row, slot)| {
                let cell = &mut cells[slot as usize];
                *cell = cell.wrapping_add(units(words[row] as u64));
            }),
            (Cells::Wide(cells), Values::Wide(words)) => rows.for_each(|(row, slot)| {
                let cell = &mut cells[slot as usize];
                *cell = cell.wrapping_add(words[row]);
            }),
            (Cells::Word(cells), Values::Word(words)) => {
                let float = column.kind == DataType::Float64;
                rows.for_each(|(row, slot)| {
                    let (cell, word) = (&mut cells[slot as usize], words[row]);
                    if cell.is_none_or(|best| order(float, word, best, wanted) == wanted) {
                        *cell = Some(word);
                    }
                });
            }
            (Cells::Text(cells), Values::Text(views, buffers)) => rows.for_each(|(row, slot)| {
                let (cell, text) = (&mut cells[slot as usize], Text::new(views[row], buffers));
                if cell.is_none_or(|best| text.compare(&best) == wanted) {
                    *cell = Some(text);
                }
            }),
            // `new` made cells for this kind of column, and all chunks are of one kind.
            _ => {}
        }
    }
}

/// How `word` stands to the `best` so far. NaN never wins over a number and always loses against one.
fn order(float: bool, word: i64, best: i64, wanted: Ordering) -> Ordering {
    if !float {
        return word.cmp(&best);
    }
    let (word, best) = (f64::from_bits(word as u64), f64::from_bits(best as u64));
    if best.is_nan() && !word.is_nan() {
        return wanted;
    }
    word.partial_cmp(&best).unwrap_or(Ordering::Equal)
}

/// A float as an integer multiple of its bucket's unit: `pipeline.columns.windows.exact` has the arithmetic.
fn units(bits: u64) -> i128 {
    let (fraction, biased) = (bits & ((1 << 52) - 1), (bits >> 52) & 2047);
    if biased == 2047 {
        return 0;
    }
    let mantissa = i128::from(if biased == 0 { fraction } else { fraction | 1 << 52 });
    let scaled = mantissa << (biased.max(1) % 32);
    if bits >> 63 == 1 { -scaled } else { scaled }
}

impl Cells<'_> {
    /// The cells of these slots as a column; `kind` is the type of what was reduced.
    pub fn gather(&self, slots: &[u32], kind: Option<&DataType>) -> Result<ArrayRef, ArrowError> {
        let picked = slots.iter().map(|&slot| slot as usize);
        match self {
            Cells::Whole(cells) => restored(&DataType::Int64, picked.map(|slot| cells[slot]).collect(), None),
            Cells::Wide(cells) => wide(picked.map(|slot| cells[slot]).collect()),
            Cells::Word(cells) => {
                let nulls = some(picked.clone().map(|slot| cells[slot].is_some()).collect());
                let words = picked.map(|slot| cells[slot].unwrap_or_default()).collect();
                restored(kind.unwrap_or(&DataType::Int64), words, nulls)
            }
            Cells::Text(cells) => Ok(texts(picked.map(|slot| cells[slot]))),
        }
    }
}
