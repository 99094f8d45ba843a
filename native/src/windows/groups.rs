//! Values to dense numbers: the rows of a group share a number, numbers count from 0 in order of appearance.

use arrow_array::ArrayRef;
use arrow_buffer::BooleanBuffer;
use arrow_schema::{ArrowError, DataType};

use super::column::{Column, Text, Values, restored, some, texts};
use super::table::{Hasher, Table};

/// The number of a row that nobody asked for.
pub const SKIPPED: u32 = u32::MAX;

/// The different values of a column, and which of them each row has.
pub struct Dictionary<'a> {
    pub ids: Vec<u32>,
    kind: DataType,
    null: Option<u32>,
    values: Distinct<'a>,
}

enum Distinct<'a> {
    Text(Vec<Known<'a>>),
    Word(Vec<i64>),
}

/// A text, and what it is compared by first: up to 12 bytes its view, up to 16 its bytes, else its length and both ends.
#[derive(Clone, Copy, Default)]
struct Known<'a> {
    key: u128,
    text: Text<'a>,
}

/// Texts up to this length are in their key.
const WHOLE: usize = 16;

impl<'a> Known<'a> {
    #[inline]
    fn new(text: Text<'a>) -> Self {
        let long = text.long;
        let key = if long.is_empty() {
            text.view
        } else {
            let first = if long.len() > WHOLE {
                text.view as u64
            } else {
                eight(long)
            };
            u128::from(first) | u128::from(eight(&long[long.len() - 8..])) << 64
        };
        Known { key, text }
    }

    /// What tells long texts apart that begin and end alike.
    #[inline]
    fn middle(&self) -> u128 {
        let long = self.text.long;
        if long.len() <= WHOLE {
            return 0;
        }
        let quarter = long.len() / 4;
        let [one, two, three] = [quarter, 2 * quarter, 3 * quarter].map(|at| eight(&long[at..]));
        u128::from(one ^ two.rotate_left(21) ^ three.rotate_left(42)) << 32
    }

    #[inline]
    fn same(&self, other: &Known<'_>) -> bool {
        self.key == other.key
            && self.text.view as u32 == other.text.view as u32
            && (self.text.long.len() <= WHOLE || self.text.long == other.text.long)
    }
}

fn eight(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |&chunk| u64::from_le_bytes(chunk))
}

impl<'a> Dictionary<'a> {
    /// Number the values of a column that comes in chunks, in the rows of `wanted` (None: in all; then there may be several
    /// chunks).
    pub fn new(chunks: &[Column<'a>], wanted: Option<&BooleanBuffer>) -> Result<Self, ArrowError> {
        let Some(first) = chunks.first() else {
            return Err(ArrowError::SchemaError("a column without a chunk".to_owned()));
        };
        if let Some(other) = chunks.iter().find(|chunk| chunk.kind != first.kind) {
            return Err(ArrowError::SchemaError(format!("{} and {}", first.kind, other.kind)));
        }
        let mut ids = Vec::with_capacity(chunks.iter().map(Column::len).sum());
        let mut null = None;
        let values = match first.values {
            Values::Text(..) => Distinct::Text(number_texts(chunks, wanted, &mut ids, &mut null)),
            Values::Word(_) => Distinct::Word(number_words(chunks, wanted, &mut ids, &mut null)),
            Values::Wide(_) => return Err(ArrowError::SchemaError("no native groups of 128 bits".to_owned())),
        };
        Ok(Dictionary {
            ids,
            kind: first.kind.clone(),
            null,
            values,
        })
    }

    /// How many numbers there are.
    pub fn count(&self) -> usize {
        match &self.values {
            Distinct::Text(values) => values.len(),
            Distinct::Word(values) => values.len(),
        }
    }

    /// The values of these numbers as a column that owns its bytes.
    pub fn gather(&self, ids: &[u32]) -> Result<ArrayRef, ArrowError> {
        match &self.values {
            Distinct::Text(values) => {
                let texts = texts(
                    ids.iter()
                        .map(|&id| (Some(id) != self.null).then(|| values[id as usize].text)),
                );
                Ok(texts)
            }
            Distinct::Word(values) => {
                let nulls = self
                    .null
                    .and_then(|null| some(ids.iter().map(|&id| id != null).collect()));
                restored(&self.kind, ids.iter().map(|&id| values[id as usize]).collect(), nulls)
            }
        }
    }
}

fn number_texts<'a>(
    chunks: &[Column<'a>],
    wanted: Option<&BooleanBuffer>,
    ids: &mut Vec<u32>,
    null: &mut Option<u32>,
) -> Vec<Known<'a>> {
    let (hasher, mut table) = (Hasher::default(), Table::new(room(chunks)));
    let mut values: Vec<Known<'a>> = Vec::new();
    // The same few long texts come again and again, and to compare one is cheaper than to hash it.
    let mut recent = [0u32; RECENT];
    for chunk in chunks {
        let Values::Text(views, buffers) = &chunk.values else {
            continue;
        };
        each(ids, chunk, wanted, |row| {
            let Some(row) = row else {
                return nothing(null, &mut values);
            };
            let known = Known::new(Text::new(views[row], buffers));
            let short = hasher.short(known.key ^ known.middle());
            if known.text.long.len() <= WHOLE {
                let id = table.number(short, values.len(), |id| values[id as usize].same(&known));
                if id as usize == values.len() {
                    values.push(known);
                }
                return id;
            }
            let recent = &mut recent[short as usize % RECENT];
            if values.get(*recent as usize).is_some_and(|last| last.same(&known)) {
                return *recent;
            }
            let id = table.number(hasher.long(known.text.long), values.len(), |id| {
                values[id as usize].same(&known)
            });
            if id as usize == values.len() {
                values.push(known);
            }
            *recent = id;
            id
        });
    }
    values
}

fn number_words(
    chunks: &[Column<'_>],
    wanted: Option<&BooleanBuffer>,
    ids: &mut Vec<u32>,
    null: &mut Option<u32>,
) -> Vec<i64> {
    let (hasher, mut table) = (Hasher::default(), Table::new(room(chunks)));
    let mut values: Vec<i64> = Vec::new();
    let mut recent = [(0i64, SKIPPED); RECENT];
    for chunk in chunks {
        let Values::Word(words) = &chunk.values else {
            continue;
        };
        each(ids, chunk, wanted, |row| {
            let Some(row) = row else {
                return nothing(null, &mut values);
            };
            let word = words[row];
            let recent = &mut recent[word as usize % RECENT];
            if recent.0 == word && recent.1 != SKIPPED {
                return recent.1;
            }
            let hash = hasher.short(u128::from(word as u64));
            let id = table.number(hash, values.len(), |id| values[id as usize] == word);
            if id as usize == values.len() {
                values.push(word);
            }
            *recent = (word, id);
            id
        });
    }
    values
}

/// How many values are to be expected: states, which are what comes in chunks, have a row for each.
fn room(chunks: &[Column<'_>]) -> usize {
    if chunks.len() == 1 {
        0
    } else {
        chunks.iter().map(Column::len).max().unwrap_or(0)
    }
}

/// Appends the number of each row of a chunk; `one` gets None for a null.
fn each(
    ids: &mut Vec<u32>,
    chunk: &Column<'_>,
    wanted: Option<&BooleanBuffer>,
    mut one: impl FnMut(Option<usize>) -> u32,
) {
    let nulls = chunk.nulls.filter(|nulls| nulls.null_count() > 0);
    match (wanted, nulls) {
        (None, None) => ids.extend((0..chunk.len()).map(|row| one(Some(row)))),
        (None, Some(nulls)) => ids.extend((0..chunk.len()).map(|row| one(nulls.is_valid(row).then_some(row)))),
        (Some(wanted), _) => {
            let before = ids.len();
            ids.resize(before + chunk.len(), SKIPPED);
            for row in wanted.set_indices() {
                ids[before + row] = one(nulls.is_none_or(|nulls| nulls.is_valid(row)).then_some(row));
            }
        }
    }
}

/// Null has a number too; its place in `values` holds a default that is in no table.
fn nothing<T: Default>(null: &mut Option<u32>, values: &mut Vec<T>) -> u32 {
    *null.get_or_insert_with(|| {
        values.push(T::default());
        (values.len() - 1) as u32
    })
}

/// Numbers that are looked up without the table: of statuses, user agents and the like.
const RECENT: usize = 1024;
