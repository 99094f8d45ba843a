//! The state of one metric to its events. `pipeline.columns.windows.rows` has the twin.

use std::fmt::Write;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType};

use super::column::{Column, Text, Values, column};
use super::rank::best;

/// What to make of a state: its group fields, the field that is ranked and how many of it, as (name, column); the column that is
/// the value.
pub struct Metric {
    pub name: String,
    pub by: Vec<(String, usize)>,
    pub ranked: Option<(String, usize, usize)>,
    pub value: usize,
}

/// The events of a metric, column by column.
#[derive(Default)]
pub struct Facts {
    pub by: Vec<Option<String>>,
    pub value: Vec<Option<i64>>,
    pub rank: Vec<Option<i64>>,
    pub key: Vec<String>,
}

/// One event for each row of a state, or each rank of a group, by the group's text. Groups are texts or Int64.
pub fn facts(batch: &RecordBatch, metric: &Metric) -> Result<Facts, ArrowError> {
    let all = |fields: &[(String, usize)]| -> Result<Vec<(String, Column<'_>)>, ArrowError> {
        let read = |(name, at): &(String, usize)| Ok((quoted(name), column(array(batch, *at)?)?));
        fields.iter().map(read).collect()
    };
    let groups = all(&metric.by)?;
    let value = column(array(batch, metric.value)?)?;
    let (mut chosen, key) = match &metric.ranked {
        None => ((0..batch.num_rows() as u32).map(|row| (row, None)).collect(), None),
        Some((name, at, k)) => {
            if array(batch, *at)?.null_count() > 0 {
                // The row of what was left out of a ranking in bounded size: its counts are not as they are.
                return Err(ArrowError::SchemaError(
                    "no native facts of a shortened ranking".to_owned(),
                ));
            }
            let columns: Vec<_> = metric.by.iter().map(|by| by.1).collect();
            let (rows, ranks) = best(batch, &columns, *at, metric.value, *k)?;
            let ranked: Vec<_> = rows.into_iter().zip(ranks.into_iter().map(Some)).collect();
            (ranked, all(&[(name.clone(), *at)])?.pop())
        }
    };
    let name = quoted(&metric.name);
    let mut found: Vec<(String, u32, Option<i64>)> = Vec::with_capacity(chosen.len());
    for (row, rank) in chosen.drain(..) {
        found.push((object(&groups, row as usize)?, row, rank));
    }
    found.sort_unstable_by(|one, other| (&one.0, one.2).cmp(&(&other.0, other.2)));
    let mut facts = Facts::default();
    for (mut group, row, rank) in found {
        let mut identity = format!("[{name},{}", if groups.is_empty() { "null" } else { &group });
        if let Some(rank) = rank {
            // Writing to a text does not fail.
            let _ = write!(identity, ",{rank}");
        }
        identity.push(']');
        if let Some((name, column)) = &key {
            group.pop();
            if group.is_empty() {
                group.push('{');
            } else {
                group.push(',');
            }
            member(&mut group, name, column, row as usize)?;
            group.push('}');
        }
        facts.by.push((!group.is_empty()).then_some(group));
        facts.value.push(number(&value, row as usize)?);
        facts.rank.push(rank);
        facts.key.push(identity);
    }
    Ok(facts)
}

fn array(batch: &RecordBatch, at: usize) -> Result<&ArrayRef, ArrowError> {
    let missing = || ArrowError::SchemaError(format!("there is no column {at}"));
    batch.columns().get(at).ok_or_else(missing)
}

/// A JSON object of these members of a row; nothing where there are none.
fn object(members: &[(String, Column<'_>)], row: usize) -> Result<String, ArrowError> {
    let mut out = String::new();
    for (name, column) in members {
        out.push(if out.is_empty() { '{' } else { ',' });
        member(&mut out, name, column, row)?;
    }
    if !members.is_empty() {
        out.push('}');
    }
    Ok(out)
}

fn member(out: &mut String, name: &str, column: &Column<'_>, row: usize) -> Result<(), ArrowError> {
    out.push_str(name);
    out.push(':');
    match &column.values {
        _ if column.nulls.is_some_and(|nulls| nulls.is_null(row)) => out.push_str("null"),
        Values::Text(views, buffers) => {
            let text = Text::new(views[row], buffers);
            text.with(|bytes| out.push_str(&quoted(&String::from_utf8_lossy(bytes))));
        }
        Values::Word(words) if column.kind == DataType::Int64 => {
            // Writing to a text does not fail.
            let _ = write!(out, "{}", words[row]);
        }
        _ => return Err(ArrowError::SchemaError(format!("no native facts by {}", column.kind))),
    }
    Ok(())
}

/// A JSON string, with nothing escaped that need not be.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0c' => out.push_str("\\f"),
            '\x08' => out.push_str("\\b"),
            '\0'..'\x20' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}

/// A value; None for null and for a sum that does not fit 64 bits.
fn number(value: &Column<'_>, row: usize) -> Result<Option<i64>, ArrowError> {
    if value.nulls.is_some_and(|nulls| nulls.is_null(row)) {
        return Ok(None);
    }
    match &value.values {
        Values::Word(words) if value.kind == DataType::Int64 => Ok(Some(words[row])),
        Values::Wide(words) => Ok(i64::try_from(words[row]).ok()),
        _ => Err(ArrowError::SchemaError(format!("no native facts of {}", value.kind))),
    }
}
